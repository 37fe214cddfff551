"""Contract of every `ItemIndex`."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest

from faiss_server.generations import Generations
from faiss_server.in_process import InProcessIndex
from streamrec.adapters.memory.index import MemoryIndex
from streamrec.adapters.opening import open_index
from streamrec.errors import InvalidInput
from streamrec.ports import ById, ByVector, ItemIndex, ItemQuery, Snapshot, VectorTable
from tests.contract.index_server import in_process, serving

D = 9
N = 60
ODD_IDS = ["a/b", "ф и льм", "🎬", "100%25", "x" * 256]


def table_of(seed: int) -> VectorTable:
    chance = np.random.default_rng(seed)
    ids = [f"{seed}-{row}" for row in range(N - len(ODD_IDS))] + ODD_IDS
    return VectorTable(ids, chance.normal(size=(N, D)).astype(np.float32))


TABLES = {"old": table_of(1), "new": table_of(2)}


USERS = VectorTable(["u"], np.ones((1, D), np.float32))


def snapshots() -> Iterator[Snapshot]:
    for generation, table in TABLES.items():
        yield Snapshot(generation, table, USERS, {}, time.time(), {})


@pytest.fixture(scope="module")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from serving(tmp_path_factory.mktemp("index"), snapshots())


@pytest.fixture(scope="module")
def generations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generations]:
    yield from in_process(tmp_path_factory.mktemp("in-process"), snapshots())


@pytest.fixture(params=["memory", "http", "in process"])
async def index(request: pytest.FixtureRequest) -> AsyncIterator[ItemIndex]:
    if request.param == "memory":
        yield MemoryIndex(TABLES)
        return
    if request.param == "in process":
        yield InProcessIndex(request.getfixturevalue("generations"))
        return
    client = open_index(request.getfixturevalue("server_url"), timeout_s=20.0)
    yield client
    await client.close()


def a_vector(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(100 + seed).normal(size=D).astype(np.float32)


def exact(vector: np.ndarray, generation: str = "new", left_out: tuple[str, ...] = ()) -> list[str]:
    table = TABLES[generation]
    order = np.argsort(-(table.vectors @ vector))
    return [table.ids[row] for row in order if table.ids[row] not in left_out]


async def test_best_first_by_inner_product(index: ItemIndex) -> None:
    vector = a_vector()
    answer = await index.search(ByVector(vector.tobytes(), 10))
    assert answer.generation == "new"
    assert not answer.is_missing
    assert list(answer.ids) == exact(vector)[:10]
    rows = [TABLES["new"].ids.index(id_) for id_ in answer.ids]
    products = TABLES["new"].vectors[rows] @ vector
    assert list(answer.scores) == pytest.approx(products.tolist(), abs=1e-5)


async def test_excluded_items_make_room_for_the_next(index: ItemIndex) -> None:
    vector = a_vector()
    left_out = tuple(exact(vector)[:30])
    answer = await index.search(ByVector(vector.tobytes(), 10, exclude=[*left_out, "no such item"]))
    assert list(answer.ids) == exact(vector, left_out=left_out)[:10]


async def test_fewer_items_than_asked_for_are_all_given(index: ItemIndex) -> None:
    vector = a_vector()
    answer = await index.search(ByVector(vector.tobytes(), 1000, exclude=ODD_IDS))
    assert list(answer.ids) == exact(vector, left_out=tuple(ODD_IDS))


async def test_everything_may_be_excluded(index: ItemIndex) -> None:
    answer = await index.search(ByVector(a_vector().tobytes(), 5, exclude=TABLES["new"].ids))
    assert (list(answer.ids), answer.is_missing) == ([], False)


@pytest.mark.parametrize("item_id", ["2-7", *ODD_IDS])
async def test_items_like_one_by_their_embeddings_without_itself(index: ItemIndex, item_id: str) -> None:
    table = TABLES["new"]
    embedding = table.vectors[table.ids.index(item_id)].copy()
    embedding[-1] = 0
    answer = await index.search(ById(item_id, 8, exclude=["2-1"]))
    assert list(answer.ids) == exact(embedding, left_out=(item_id, "2-1"))[:8]


async def test_the_generation_asked_for_answers(index: ItemIndex) -> None:
    vector = a_vector()
    answer = await index.search(ByVector(vector.tobytes(), 5, generation="old"))
    assert answer.generation == "old"
    assert list(answer.ids) == exact(vector, "old")[:5]


@pytest.mark.parametrize(
    "query",
    [
        ById("nobody", 5),
        ById("1-1", 5),
        ByVector(a_vector().tobytes(), 5, generation="forgotten"),
    ],
    ids=["item", "item of another generation", "generation"],
)
async def test_what_is_not_there_is_said_to_be_missing(index: ItemIndex, query: ItemQuery) -> None:
    answer = await index.search(query)
    assert answer.is_missing
    assert not answer.ids


@pytest.mark.parametrize(
    "query",
    [
        ByVector(a_vector().tobytes(), 0),
        ByVector(a_vector().tobytes(), 1001),
        ById("2-1", -1),
        ByVector(a_vector().tobytes()[:-4], 5),
        ByVector(a_vector().tobytes()[:-1], 5),
        ByVector(b"", 5),
        ByVector(np.full(D, np.nan, np.float32).tobytes(), 5),
        ByVector(np.full(D, np.inf, np.float32).tobytes(), 5),
    ],
)
async def test_a_wrong_query_is_refused(index: ItemIndex, query: ItemQuery) -> None:
    with pytest.raises(InvalidInput):
        await index.search(query)


async def test_queries_at_once_get_each_their_own_answer(index: ItemIndex) -> None:
    vectors = [a_vector(seed) for seed in range(150)]
    asked = [index.search(ByVector(vector.tobytes(), 1 + n % 7)) for n, vector in enumerate(vectors)]
    wrong = index.search(ByVector(b"abc", 5))
    answers = await asyncio.gather(*asked, wrong, return_exceptions=True)
    assert isinstance(answers.pop(), InvalidInput)
    for n, (vector, answer) in enumerate(zip(vectors, answers, strict=True)):
        assert not isinstance(answer, BaseException)
        assert list(answer.ids) == exact(vector)[: 1 + n % 7]


@pytest.mark.parametrize("generation", [None, "new", "old"])
async def test_vectors_by_id_are_those_of_the_generation(index: ItemIndex, generation: str | None) -> None:
    table = TABLES[generation or "new"]
    wanted = [table.ids[3], "nobody", *ODD_IDS, table.ids[3]]
    vectors = await index.vectors(wanted, generation)
    assert vectors == {
        item_id: table.vectors[table.ids.index(item_id)].astype("<f4").tobytes()
        for item_id in (table.ids[3], *ODD_IDS)
    }


@pytest.mark.parametrize(("item_ids", "generation"), [(["2-7"], "forgotten"), (["nobody"], None), ([], None)])
async def test_no_vectors_of_what_is_not_there(
    index: ItemIndex, item_ids: list[str], generation: str | None
) -> None:
    assert await index.vectors(item_ids, generation) == {}


async def test_vectors_of_a_thousand_items_at_once_and_no_more(index: ItemIndex) -> None:
    item_ids = [*TABLES["new"].ids, *(f"nobody-{n}" for n in range(1000 - N))]
    assert list(await index.vectors(item_ids)) == TABLES["new"].ids
    with pytest.raises(InvalidInput):
        await index.vectors([*item_ids, "one more"])


async def test_vectors_asked_for_at_once_are_not_mixed_up(index: ItemIndex) -> None:
    answers = await asyncio.gather(*(index.vectors([item_id]) for item_id in TABLES["new"].ids))
    assert [list(answer) for answer in answers] == [[item_id] for item_id in TABLES["new"].ids]
