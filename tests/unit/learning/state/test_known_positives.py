from typing import Any

import numpy as np

from streamrec.learning.state.known_positives import KnownPositives


def test_no_positive_is_ever_missed_while_the_table_grows() -> None:
    known, random = KnownPositives(), np.random.default_rng(0)
    users, items = random.integers(0, 10**6, 600_000), random.integers(0, 10**5, 600_000)
    for part in np.array_split(np.arange(len(users)), 7):
        known.add(users[part], items[part])
    assert all(known.contains(users[n : n + 1], items[n : n + 1])[0, 0] for n in range(0, len(users), 301))


def test_few_pairs_are_taken_for_positives_by_mistake() -> None:
    known, random = KnownPositives(), np.random.default_rng(0)
    known.add(random.integers(0, 10**6, 10**6), random.integers(0, 10**5, 10**6))
    unknown = known.contains(np.arange(2 * 10**6, 2 * 10**6 + 500), random.integers(0, 10**5, 400))
    assert unknown.mean() < 0.15
    assert known.arrays()["bits"].nbytes <= 4 * 10**6


def test_known_positives_go_on_from_a_checkpoint() -> None:
    known, restored = KnownPositives(), KnownPositives()
    known.add(np.array([5, 6]), np.array([7, 8]))
    arrays: dict[str, Any] = {name: array.copy() for name, array in known.arrays().items()}
    restored.load(arrays)
    assert restored.contains(np.array([5, 6]), np.array([7, 8])).tolist() == [[True, False], [False, True]]


def test_pairs_that_come_again_take_no_room() -> None:
    known = KnownPositives()
    empty = known.arrays()["bits"].nbytes
    for _ in range(400):
        known.add(np.full(10_000, 7), np.full(10_000, 9))
    assert (known.arrays()["bits"].nbytes, known.n_pairs) == (empty, 1)


def test_a_stream_without_end_keeps_the_newest_pairs_within_a_bound() -> None:
    known, n_at_once = KnownPositives(most_bits=1 << 22), 50_000
    for first in range(0, 2_000_000, n_at_once):
        users = np.arange(first, first + n_at_once)
        known.add(users, users % 1000)
        assert sum(array.nbytes for array in known.arrays().values()) <= 2 * (1 << 22) // 8 + 8
    assert known.contains(np.array([1_999_999]), np.array([999])).all()
    assert known.contains(np.arange(1_900_000, 1_900_100), np.arange(100))[
        np.arange(100), np.arange(100)
    ].all()
    assert known.contains(np.arange(100), np.arange(100)).mean() < 0.3  # the oldest are forgotten


def test_a_table_that_counted_repeats_is_folded() -> None:
    known = KnownPositives()
    known.add(np.arange(100), np.arange(100))
    grown = {"bits": np.tile(known.arrays()["bits"], 16), "n_pairs": np.array([4_000_000])}
    restored = KnownPositives()
    restored.load(grown)
    assert restored.arrays()["bits"].nbytes == known.arrays()["bits"].nbytes
    assert restored.contains(np.arange(100), np.arange(100)).diagonal().all()
    assert restored.n_pairs <= 100
