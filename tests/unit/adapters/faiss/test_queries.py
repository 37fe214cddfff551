import numpy as np

from streamrec.adapters.faiss.queries import QuerySample

USERS = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32)


def test_it_starts_with_vectors_of_users() -> None:
    assert np.array_equal(QuerySample(USERS[:5]).vectors(), USERS[:5])
    assert len(QuerySample(USERS).vectors()) == 256
    assert QuerySample(USERS[:0]).vectors().shape == (0, 3)


def test_a_query_asked_again_and_again_takes_one_place() -> None:
    sample = QuerySample(USERS[:256])
    for _ in range(1000):
        sample.add(np.ones(3, np.float32))
    held = sample.vectors()
    assert (held == 1).all(axis=1).sum() == 1
    assert len(held) == 256


def test_distinct_queries_take_the_places_of_older_ones() -> None:
    sample = QuerySample(USERS[:256])
    asked = np.random.default_rng(1).normal(size=(3000, 3)).astype(np.float32)
    for query in asked:
        sample.add(query)
    held = {query.tobytes() for query in sample.vectors()}
    assert len(held) == 256
    assert len(held & {query.tobytes() for query in asked}) > 250
