import numpy as np

from streamrec.training.known_positives import KnownPositives


def test_no_positive_is_ever_missed_while_the_table_grows() -> None:
    known, random = KnownPositives(), np.random.default_rng(0)
    users, items = random.integers(0, 10**6, 600_000), random.integers(0, 10**5, 600_000)
    for part in np.array_split(np.arange(len(users)), 7):
        known.add(users[part], items[part])
    assert all(known.contains(users[n : n + 1], items[n : n + 1])[0, 0] for n in range(0, len(users), 301))


def test_few_pairs_are_taken_for_positives_by_mistake() -> None:
    known, random = KnownPositives(), np.random.default_rng(0)
    known.add(random.integers(0, 10**6, 10**6), random.integers(0, 10**5, 10**6))
    strangers = known.contains(np.arange(2 * 10**6, 2 * 10**6 + 500), random.integers(0, 10**5, 400))
    assert strangers.mean() < 0.15
    assert known.arrays()["bits"].nbytes <= 4 * 10**6


def test_known_positives_go_on_from_a_checkpoint() -> None:
    known, restored = KnownPositives(), KnownPositives()
    known.add(np.array([5, 6]), np.array([7, 8]))
    restored.load({name: array.copy() for name, array in known.arrays().items()})
    assert restored.contains(np.array([5, 6]), np.array([7, 8])).tolist() == [[True, False], [False, True]]
