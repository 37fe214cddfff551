"""Contract of every `ItemIndex` that is asked for users."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest

from faiss_server.generations import Generations
from faiss_server.in_process import InProcessIndex
from streamrec.adapters.memory.index import MemoryIndex
from streamrec.adapters.opening import open_index
from streamrec.errors import InvalidInput, Unavailable
from streamrec.ports import ItemIndex, Snapshot, UsersByProfile, VectorTable
from tests.contract.index_server import in_process, serving

D = 9
N = 60
ODD_IDS = ["a/b", "ф и льм", "🎬", "100%25", "x" * 256, "item-3"]


def table_of(seed: int) -> VectorTable:
    """Return users as they are published; the last component must not count."""
    chance = np.random.default_rng(seed)
    vectors = chance.normal(size=(N, D)) * chance.uniform(0.1, 10.0, size=(N, 1))
    vectors[:, -1] = 1.0
    ids = [f"{seed}-{row}" for row in range(N - len(ODD_IDS))] + ODD_IDS
    return VectorTable(ids, vectors.astype(np.float32))


TABLES = {"old": table_of(1), "new": table_of(2)}
ITEMS = VectorTable([f"item-{row}" for row in range(D)], np.eye(D, dtype=np.float32))


def snapshots() -> Iterator[Snapshot]:
    for generation, table in TABLES.items():
        users = VectorTable(table.ids, np.ones((N, D), np.float32))
        yield Snapshot(generation, ITEMS, users, {}, time.time(), {}, table.vectors)


@pytest.fixture(scope="module")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from serving(tmp_path_factory.mktemp("index"), snapshots())


@pytest.fixture(scope="module")
def generations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generations]:
    yield from in_process(tmp_path_factory.mktemp("in-process"), snapshots())


@pytest.fixture(params=["memory", "http", "in process"])
async def index(request: pytest.FixtureRequest) -> AsyncIterator[ItemIndex]:
    if request.param == "memory":
        yield MemoryIndex(dict.fromkeys(TABLES, ITEMS), TABLES)
        return
    if request.param == "in process":
        yield InProcessIndex(request.getfixturevalue("generations"))
        return
    client = open_index(request.getfixturevalue("server_url"), timeout_s=20.0)
    yield client
    await client.close()


def cosines(vector: np.ndarray) -> dict[str, float]:
    """Return the cosine with each user, nearest first."""
    table = TABLES["new"].vectors[:, :-1].astype(np.float64)
    asked = vector[:-1].astype(np.float64)
    scores = table @ asked / np.linalg.norm(table, axis=1) / np.linalg.norm(asked)
    order = np.argsort(-scores).tolist()
    return {TABLES["new"].ids[row]: float(scores[row]) for row in order}


def vector_of(user_id: str) -> np.ndarray:
    table = TABLES["new"]
    return np.asarray(table.vectors[table.ids.index(user_id)])


@pytest.mark.parametrize("user_id", ["2-7", *ODD_IDS])
async def test_users_by_the_cosine_without_the_one_asked_for(index: ItemIndex, user_id: str) -> None:
    answer = await index.search(UsersByProfile(user_id, 8))
    wanted = cosines(vector_of(user_id))
    del wanted[user_id]
    assert (answer.generation, answer.is_missing) == ("new", False)
    assert list(answer.ids) == list(wanted)[:8]
    assert list(answer.scores) == pytest.approx(list(wanted.values())[:8], abs=1e-5)


async def test_all_others_are_given_where_there_are_no_more(index: ItemIndex) -> None:
    answer = await index.search(UsersByProfile("2-0", 1000))
    assert {*answer.ids} == {*TABLES["new"].ids} - {"2-0"}
    assert len(answer.ids) == N - 1


async def test_who_is_not_there_is_missing_and_folded_in_from_what_was_chosen(index: ItemIndex) -> None:
    for recent in ([], ["no such item"]):
        answer = await index.search(UsersByProfile("1-7", 3, recent))
        assert (answer.generation, list(answer.ids), answer.is_missing) == ("new", [], True)
    chosen = ["item-3", "item-0", "no such item", "item-8"]
    answer = await index.search(UsersByProfile("1-7", 3, recent=chosen))
    assert answer.is_missing
    assert list(answer.ids) == list(cosines(ITEMS.vectors[[3, 0, 8]].mean(axis=0)))[:3]
    known = await index.search(UsersByProfile("2-7", 3, recent=chosen))
    assert not known.is_missing
    assert list(known.ids) == list(cosines(vector_of("2-7")))[1:4]


@pytest.mark.parametrize(
    "query",
    [
        UsersByProfile("2-7", 0),
        UsersByProfile("2-7", 1001),
        UsersByProfile("nobody", 0, recent=["item-1"]),
        UsersByProfile("nobody", 1001, recent=["item-1"]),
    ],
)
async def test_a_wrong_query_is_refused(index: ItemIndex, query: UsersByProfile) -> None:
    with pytest.raises(InvalidInput):
        await index.search(query)


async def test_queries_at_once_get_each_their_own_answer(index: ItemIndex) -> None:
    ids = TABLES["new"].ids
    wrong = index.search(UsersByProfile("2-7", 0))
    answers = await asyncio.gather(
        *(index.search(UsersByProfile(user_id, 1)) for user_id in ids), wrong, return_exceptions=True
    )
    assert isinstance(answers.pop(), InvalidInput)
    for user_id, answer in zip(ids, answers, strict=True):
        assert not isinstance(answer, BaseException)
        assert list(answer.ids) == list(cosines(vector_of(user_id)))[1:2]


async def test_a_memory_without_users_says_so() -> None:
    with pytest.raises(Unavailable):
        await MemoryIndex({"new": ITEMS}).search(UsersByProfile("2-7", 3))
