import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from streamrec.adapters.faiss.index import FaissIndex
from streamrec.adapters.faiss.schedule import EXACT_UP_TO
from streamrec.errors import InvalidInput, UnknownId

D = 17
Vectors = NDArray[np.float32]


def vectors_of(n: int, seed: int = 0) -> Vectors:
    """Return (n, D) vectors shaped like a trained model's: clusters, a decaying spectrum, a bias."""
    chance = np.random.default_rng(seed)
    spectrum = 1 / np.sqrt(np.arange(1, D))
    centres = np.random.default_rng(99).normal(size=(50, D - 1))
    embeddings = (centres[chance.integers(50, size=n)] + chance.normal(size=(n, D - 1))) * spectrum
    return np.hstack([embeddings, chance.normal(size=(n, 1))]).astype(np.float32)


def users(n: int, seed: int = 1) -> Vectors:
    vectors = vectors_of(n, seed)
    vectors[:, -1] = 1.0
    return vectors


def ids_of(n: int, start: int = 0) -> list[str]:
    return [f"item-{number}" for number in range(start, start + n)]


class Model:
    """What the index should hold."""

    def __init__(self) -> None:
        self.vectors: dict[str, Vectors] = {}

    def recall(self, index: FaissIndex, queries: Vectors, n_excluded: int = 200) -> float:
        """Return recall@10 with each query's nearest items left out."""
        ids, matrix = list(self.vectors), np.array(list(self.vectors.values()))
        n_found = 0
        for query in queries:
            order = [ids[row] for row in np.argsort(-(matrix @ query))[: n_excluded + 10]]
            found = index.search(query, 10, order[:n_excluded]).ids
            n_found += len(set(found) & set(order[n_excluded:]))
        return n_found / (10 * len(queries))


def filled(n: int) -> tuple[FaissIndex, Model]:
    index, model = FaissIndex(D, users(100, seed=5)), Model()
    ids, vectors = ids_of(n), vectors_of(n)
    index.upsert(ids, vectors)
    model.vectors.update(zip(ids, vectors, strict=True))
    return index, model


@pytest.fixture(scope="module")
def clustered() -> tuple[FaissIndex, Model]:
    index, model = filled(EXACT_UP_TO + 5_000)
    index.maintain()
    assert index.stats().kind == "ivf"
    return index, model


def test_a_new_vector_is_found_at_once() -> None:
    index, _ = filled(100)
    vector = np.full(D, 5, np.float32)
    index.upsert(["new"], vector[np.newaxis])
    ranking = index.search(vector, 1)
    assert ranking.ids == ["new"]
    assert ranking.scores.tolist() == pytest.approx([25 * D])


def test_a_changed_vector_counts_from_then_on(clustered: tuple[FaissIndex, Model]) -> None:
    index, model = clustered
    far = np.full(D, 50, np.float32)
    index.upsert(["item-3"], far[np.newaxis])
    assert index.search(far, 1).ids == ["item-3"]
    index.upsert(["item-3"], model.vectors["item-3"][np.newaxis])
    assert index.search(far, 1).ids != ["item-3"]
    assert len(index) == len(model.vectors)


def test_of_a_repeated_id_the_last_vector_counts() -> None:
    index = FaissIndex(2)
    index.upsert(["a", "b", "a"], np.array([[9, 9], [2, 0], [1, 0]], np.float32))
    assert index.search(np.array([1, 0], np.float32), 5).ids == ["b", "a"]


@pytest.mark.parametrize("n", [300, EXACT_UP_TO + 1])
def test_a_deleted_item_is_not_found_and_its_place_can_be_taken(n: int) -> None:
    index, _ = filled(n)
    index.maintain()
    vector = np.full(D, 50, np.float32)
    index.upsert(["item-7"], vector[np.newaxis])
    assert index.delete(["item-7", "nobody", "item-7"]) == 1
    assert "item-7" not in index.search(vector, 10).ids
    with pytest.raises(UnknownId):
        index.search_similar("item-7", 10)
    index.upsert(["next"], 2 * vector[np.newaxis])
    assert index.search(vector, 1).ids == ["next"]
    assert len(index) == n


def test_an_empty_index_finds_nothing() -> None:
    index = FaissIndex(D)
    assert index.search(np.ones(D, np.float32), 10).ids == []
    assert index.delete(["a"]) == 0
    index.maintain()
    assert index.stats().n_vectors == 0


def test_all_that_is_asked_for_is_found_although_the_nearest_lists_hold_less(
    clustered: tuple[FaissIndex, Model],
) -> None:
    index, _ = clustered
    query = users(1)[0]
    first = index.search(query, 1000).ids
    assert len(set(first)) == 1000
    second = index.search(query, 1000, first).ids
    assert len(set(second)) == 1000
    assert not set(first) & set(second)


def test_all_but_a_few_may_be_left_out(clustered: tuple[FaissIndex, Model]) -> None:
    index, model = clustered
    kept = {"item-5", "item-17000"}
    found = index.search(users(1)[0], 10, [id_ for id_ in model.vectors if id_ not in kept])
    assert set(found.ids) == kept


def test_items_like_one_are_ranked_without_popularity_and_without_itself() -> None:
    index = FaissIndex(3)
    index.upsert(
        ["a", "like", "unlike", "popular"],
        np.array([[1, 0, 0], [0.9, 0.1, 0], [-1, 0, 0], [0.2, 0, 9]], np.float32),
    )
    assert index.search_similar("a", 10).ids == ["like", "popular", "unlike"]
    assert index.search_similar("a", 10, ["like"]).ids == ["popular", "unlike"]


@pytest.mark.parametrize("k", [0, -1, 1001])
def test_k_is_bounded(k: int) -> None:
    with pytest.raises(InvalidInput, match="k is"):
        FaissIndex(D).search(np.ones(D, np.float32), k)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e30])
def test_numbers_that_can_not_be_ranked_are_refused(number: float) -> None:
    index, _ = filled(10)
    bad = np.full(D, number, np.float32)
    with pytest.raises(InvalidInput):
        index.search(bad, 1)
    with pytest.raises(InvalidInput):
        index.upsert(["good", "bad"], np.stack([np.ones(D, np.float32), bad]))
    assert len(index) == 10


def test_a_wrong_shape_is_refused() -> None:
    index, _ = filled(10)
    with pytest.raises(InvalidInput, match="shape"):
        index.search(np.ones(D + 1, np.float32), 1)
    with pytest.raises(InvalidInput, match="shape"):
        index.upsert(["a", "b"], np.ones((1, D), np.float32))


def test_recall_holds_while_growing_over_every_threshold_and_after_deletes() -> None:
    index, model = FaissIndex(D), Model()
    kinds = []
    for start in range(0, 60_000, 12_000):
        ids, vectors = ids_of(12_000, start), vectors_of(12_000, seed=start)
        index.upsert(ids, vectors)
        model.vectors.update(zip(ids, vectors, strict=True))
        index.maintain()
        kinds.append((index.stats().kind, index.stats().n_builds))
        assert model.recall(index, users(50, seed=start + 1)) >= 0.95
    assert kinds == [("flat", 0), ("ivf", 1), ("ivf", 1), ("ivf", 1), ("ivf", 2)]
    gone = np.random.default_rng(3).choice(list(model.vectors), 12_000, replace=False).tolist()
    assert index.delete(gone) == 12_000
    for id_ in gone:
        del model.vectors[id_]
    assert model.recall(index, users(50, seed=4)) >= 0.95
    index.maintain()
    assert model.recall(index, users(50, seed=4)) >= 0.95
    assert index.stats().n_vectors == 48_000


def test_recall_holds_when_every_vector_has_moved() -> None:
    index, model = filled(EXACT_UP_TO + 1)
    index.maintain()
    ids = list(model.vectors)
    for step in range(3):
        moved = vectors_of(len(ids), seed=50 + step)[:, ::-1]
        index.upsert(ids, moved)
        model.vectors.update(zip(ids, moved, strict=True))
        queries = users(120, seed=step)[:, ::-1]
        for query in queries:
            index.search(np.ascontiguousarray(query), 10)
        index.maintain()
        assert model.recall(index, queries[:40]) >= 0.95


def test_a_shrunken_index_looks_at_every_row_again() -> None:
    index, model = filled(EXACT_UP_TO + 1)
    index.maintain()
    gone = list(model.vectors)[: EXACT_UP_TO - 5_000]
    index.delete(gone)
    for id_ in gone:
        del model.vectors[id_]
    index.maintain()
    assert index.stats().kind == "flat"
    assert model.recall(index, users(20)) == 1.0


def test_the_measured_recall_is_told() -> None:
    index, model = filled(EXACT_UP_TO + 1)
    assert index.stats().recall_at_10 == 1.0
    index.maintain()
    stats = index.stats()
    assert stats.n_lists > 1
    assert max(stats.n_probes.values()) <= stats.n_lists
    assert stats.recall_at_10 == pytest.approx(model.recall(index, users(100, seed=5)), abs=0.02)


def test_changes_are_visible_at_once_while_lists_are_built_aside() -> None:
    index, _ = filled(EXACT_UP_TO + 10_000)
    building = threading.Thread(target=index.maintain)
    building.start()
    far = 100 * np.eye(D, dtype=np.float32)
    n_during = 0
    while building.is_alive():
        number = n_during % D
        index.upsert([f"far-{number}"], far[number : number + 1])
        assert index.search(far[number], 1).ids == [f"far-{number}"]
        index.delete([f"item-{n_during}"])
        assert f"item-{n_during}" not in index.search(far[0], 1000).ids
        if number == D - 1:
            index.delete([f"far-{row}" for row in range(D - 1)])
        n_during += 1
    building.join()
    assert n_during > D
    assert index.stats().kind == "ivf"
    for row in range(D):
        wanted = row == D - 1 or row < n_during % D
        assert (index.search(far[row], 1).ids == [f"far-{row}"]) == wanted
    gone = {f"item-{number}" for number in range(n_during)}
    assert not gone & set(index.search(users(1)[0], 1000).ids)


def _repeat(work: Callable[[], None], stop: threading.Event, failures: list[BaseException]) -> None:
    try:
        while not stop.is_set():
            work()
    except BaseException as error:  # noqa: BLE001  # handed to the test, which fails by it
        failures.append(error)
        stop.set()


def test_threads_may_search_write_and_rebuild_at_once() -> None:
    index, _ = filled(EXACT_UP_TO - 500)
    stop = threading.Event()
    failures: list[BaseException] = []

    def search() -> None:
        query = users(1, seed=time.perf_counter_ns() % 1000)[0]
        left_out = index.search(query, 50).ids
        again = index.search(query, 50, left_out).ids
        assert not set(again) & set(left_out)

    def write() -> None:
        start = time.perf_counter_ns() % 40_000
        index.upsert(ids_of(300, start), vectors_of(300, seed=start))
        index.delete(ids_of(30, start // 2))

    works = [search, search, write, index.maintain]
    threads = [threading.Thread(target=_repeat, args=(work, stop, failures)) for work in works]
    for thread in threads:
        thread.start()
    while index.stats().n_builds == 0 and not failures:
        time.sleep(0.01)
    time.sleep(0.5)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert index.stats().kind == "ivf"
