"""Whatever is written and deleted in whatever order, a search sees exactly what is there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamrec.adapters.faiss.index import FaissIndex
from streamrec.adapters.faiss.search import ClusteredSearch

D = 3
IDS = [f"i{number}" for number in range(12)]
CENTROIDS = np.random.default_rng(0).normal(size=(4, D)).astype(np.float32)

numbers = st.integers(-8, 8)
vectors = st.lists(numbers, min_size=D, max_size=D)
upserts = st.lists(st.tuples(st.sampled_from(IDS), vectors), max_size=6)
deletes = st.lists(st.sampled_from(IDS), max_size=4)
changes = st.lists(st.tuples(upserts, deletes), max_size=6)


def an_index(kind: str) -> FaissIndex:
    index = FaissIndex(D)
    if kind == "ivf":
        index._search = ClusteredSearch(CENTROIDS)
    return index


@pytest.mark.parametrize("kind", ["flat", "ivf"])
@given(
    changes=changes, query=vectors, k=st.integers(1, 15), exclude=st.lists(st.sampled_from(IDS), max_size=5)
)
def test_a_search_sees_exactly_what_is_there(
    kind: str,
    changes: list[tuple[list[tuple[str, list[int]]], list[str]]],
    query: list[int],
    k: int,
    exclude: list[str],
) -> None:
    index = an_index(kind)
    held: dict[str, list[int]] = {}
    for written, deleted in changes:
        index.upsert(
            [id_ for id_, _ in written], np.array([v for _, v in written], np.float32).reshape(-1, D)
        )
        held.update(written)
        assert index.delete(deleted) == len(set(deleted) & held.keys())
        for id_ in deleted:
            held.pop(id_, None)
    found = index.search(np.array(query, np.float32), k, exclude)
    scores = {id_: float(np.dot(vector, query)) for id_, vector in held.items() if id_ not in exclude}
    assert len(index) == len(held)
    assert len(found.ids) == len(set(found.ids)) == min(k, len(scores))
    # Items of equal score may come in any order.
    assert found.scores.tolist() == sorted(scores.values(), reverse=True)[:k]
    assert [scores[id_] for id_ in found.ids] == found.scores.tolist()
