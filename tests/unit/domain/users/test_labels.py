import numpy as np
import pytest

from streamrec.domain.users.labels import N_LABELS, UserLabels

NO_VALUES = np.full(10_000, np.nan)


def count(labels: UserLabels, user: int, *names: str) -> None:
    """Count an event for each name."""
    labels.count(np.full(len(names), user), [(name,) for name in names], NO_VALUES[: len(names)])


def counts(labels: UserLabels, user: int) -> dict[str, int]:
    return {use.name: use.n_events for use in labels.of(np.array([user]))[0]}


def test_users_of_few_labels_are_counted_exactly() -> None:
    chance = np.random.default_rng(1)
    users, chosen = chance.integers(20, size=3000), chance.integers(N_LABELS, size=(3000, 2))
    values = np.where(chance.random(3000) < 0.3, np.nan, chance.normal(5.0, 100.0, 3000))
    names = [tuple(dict.fromkeys(f"c{label}" for label in pair)) for pair in chosen.tolist()]
    labels = UserLabels()
    for start in range(0, 3000, 170):
        at = slice(start, start + 170)
        labels.count(users[at], names[at], values[at])
    for user, uses in enumerate(labels.of(np.arange(20))):
        of_user = [(names[at], values[at]) for at in np.flatnonzero(users == user).tolist()]
        for use in uses:
            given = [value for of_event, value in of_user if use.name in of_event]
            assert use.n_events == len(given)
            assert use.mean_value == pytest.approx(np.nanmean(given), rel=1e-4, abs=1e-3)
        assert {use.name for use in uses} == {name for of_event, _ in of_user for name in of_event}
        assert [use.n_events for use in uses] == sorted((use.n_events for use in uses), reverse=True)


def test_what_comes_again_and_again_stays_among_what_comes_once() -> None:
    labels = UserLabels()
    for turn in range(300):
        count(labels, 0, "often", f"once-{turn}", "often", f"other-{turn}")
    found = counts(labels, 0)
    assert len(found) == N_LABELS
    assert 0 < found["often"] <= 600
    assert max(found, key=lambda name: found[name]) == "often"


def test_a_newcomer_that_is_frequent_gets_in() -> None:
    labels = UserLabels()
    count(labels, 0, *(f"old-{number}" for number in range(N_LABELS) for _ in range(3)))
    for _ in range(5):
        count(labels, 0, "new")
    assert counts(labels, 0)["new"] == 3  # two went into the slot that it took
    assert len(counts(labels, 0)) == N_LABELS


def test_many_newcomers_at_once_leave_the_most_frequent() -> None:
    labels = UserLabels()
    count(labels, 0, *(f"c{number}" for number in range(30) for _ in range(number)))
    assert counts(labels, 0) == {f"c{number}": number for number in range(29, 29 - N_LABELS, -1)}


def test_means_are_over_given_values_since_the_label_came_in() -> None:
    labels = UserLabels()
    labels.count(np.array([0, 0, 1]), [("war",), ("war",), ("war",)], np.array([3.3, np.nan, 1e308]))
    (war,), (of_another,) = labels.of(np.array([0, 1]))
    assert (war.n_events, war.mean_value, of_another.mean_value) == (2, 3.3, 1e30)
    count(labels, 2, "war")
    assert labels.of(np.array([2]))[0][0].mean_value is None


def test_no_labels_take_no_memory() -> None:
    labels = UserLabels()
    labels.count(np.array([1_000_000]), [()], np.array([1.0]))
    labels.count(np.zeros(0, np.int64), [], np.zeros(0))
    assert labels.of(np.array([1_000_000, 3])) == [(), ()]
    assert labels.arrays()["n_labels"].shape == (0,)
    labels.forget_users(np.array([5]))


def reread(labels: UserLabels) -> UserLabels:
    again = UserLabels()
    again.load_entries(labels.entries())
    again.load_arrays(labels.arrays())
    return again


def test_it_goes_on_from_what_was_written_down() -> None:
    labels = UserLabels()
    chance = np.random.default_rng(2)
    names = [(f"c{label}",) for label in chance.integers(30, size=2000).tolist()]
    labels.count(chance.integers(50, size=2000), names, chance.random(2000))
    labels.forget_users(np.array([7]))
    restored = reread(labels)
    everybody = np.arange(60)
    assert restored.of(everybody) == labels.of(everybody)
    assert restored.of(np.array([7])) == [()]
    for table in (labels, restored):
        count(table, 7, "c1", "new")
        count(table, 49, *(["new"] * 50))
    assert counts(restored, 49) == counts(labels, 49)
    assert counts(restored, 7) == {"c1": 1, "new": 1}


def test_names_that_nobody_has_any_more_go_and_those_in_use_stay() -> None:
    labels, n_users = UserLabels(), 20
    for number in range(0, 100_000, 100):
        users = np.arange(100) % n_users
        names = [("always",) if n < n_users else (f"made-{number + n}",) for n in range(100)]
        labels.count(users, names, np.full(100, 2.0))
        assert len(labels.entries()) <= 2200
    found = labels.of(np.arange(n_users))
    assert all(uses[0].name == "always" and uses[0].n_events > 900 for uses in found)
    assert all(use.mean_value == 2.0 for uses in found for use in uses if use.n_events)
    restored = reread(labels)
    assert restored.of(np.arange(n_users)) == found
