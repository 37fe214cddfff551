"""What cohorts choose: smoothed, bounded, and forgotten with its people and items."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from streamrec.domain.popularity.cohort_counts import CohortCounts
from streamrec.domain.rows.id_map import IdMap
from streamrec.domain.users.cohorts import CohortRules
from streamrec.errors import UnfitState

NURSE, COOK = 11, 22
RULES = CohortRules(least_people=2, max_cohorts=3, half_life_s=100.0)


def counts(rules: CohortRules = RULES, **people: Sequence[int]) -> CohortCounts:
    """Return counts of the users 0, 1, ... with these tokens."""
    made = CohortCounts(rules)
    made.put(np.arange(len(people)), list(people.values()))
    return made


def choose(cohorts: CohortCounts, *pairs: tuple[int, int], at: float = 0.0) -> None:
    users, items = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    cohorts.add(users, items, np.full(len(pairs), at), np.ones(len(pairs)))


def share(cohorts: CohortCounts, token: int, item_row: int) -> float:
    (ranked,) = cohorts.shares([token], 100)
    found = dict(zip(ranked.item_rows.tolist(), ranked.shares.tolist(), strict=True))
    return float(found.get(item_row, 0.0))


def test_nothing_is_counted_nor_stored_before_anybody_has_a_cohort() -> None:
    cohorts = CohortCounts(RULES)
    choose(cohorts, (0, 1), (1, 2))
    assert cohorts.shown() == []
    assert cohorts.arrays().keys() == {"read_by"}


def test_a_small_cohort_is_near_popularity_and_a_large_one_by_itself() -> None:
    cohorts = counts(CohortRules(least_people=1), **{f"u{n}": [NURSE] for n in range(3)}, **{"v": [COOK]})
    choose(cohorts, *((3, 7) for _ in range(1)), *((100 + n, 5) for n in range(1000)))
    choose(cohorts, (0, 8), (1, 8), (2, 8))
    assert share(cohorts, NURSE, 8) < 0.04 < 0.9 < share(cohorts, NURSE, 5)
    cohorts.put(np.arange(2000, 3000), [[NURSE]] * 1000)
    choose(cohorts, *((2000 + n, 8) for n in range(1000)))
    assert share(cohorts, NURSE, 8) > 0.8 > share(cohorts, COOK, 8)


def test_who_repeats_an_item_adds_nothing_but_what_had_faded() -> None:
    once, often = counts(a=[NURSE], b=[NURSE]), counts(a=[NURSE], b=[NURSE])
    choose(once, (0, 1), (1, 2))
    choose(often, *[(0, 1)] * 50, (1, 2))
    assert share(once, NURSE, 1) == share(often, NURSE, 1)


def test_fewer_people_than_it_takes_show_nothing_however_much_they_choose() -> None:
    cohorts = counts(a=[NURSE], b=[COOK], c=[COOK])
    choose(cohorts, *((0, item) for item in range(20)), (1, 1))
    assert cohorts.shown() == []
    choose(cohorts, (2, 1))
    assert cohorts.shown() == [COOK]
    cohorts.forget_users(np.array([2]))
    assert cohorts.shown() == []
    choose(cohorts, *((1, item) for item in range(9)))
    assert cohorts.shown() == [], "one person must not pass for two"


def test_forgotten_people_and_items_are_taken_back() -> None:
    cohorts, without = counts(a=[NURSE], b=[NURSE], c=[NURSE]), counts(a=[NURSE], b=[NURSE])
    choose(cohorts, (0, 1), (1, 2), (2, 1), (2, 3), (1, 4))
    choose(without, (0, 1), (1, 2))
    cohorts.forget_users(np.array([2]))
    cohorts.forget_items(np.array([3, 4]))
    for item in range(5):
        assert share(cohorts, NURSE, item) == pytest.approx(share(without, NURSE, item))
    cohorts.put(np.array([2]), [[COOK]])
    assert cohorts.of_user(2) == (COOK,)


def test_what_somebody_chose_lately_goes_with_them_into_another_cohort() -> None:
    cohorts = counts(a=[NURSE], b=[NURSE], c=[COOK], d=[COOK])
    choose(cohorts, (0, 1), (1, 2), (2, 3), (3, 4))
    cohorts.put(np.array([0]), [[COOK]])
    assert share(cohorts, NURSE, 1) < 0.25 < share(cohorts, COOK, 1)
    assert cohorts.shown() == [COOK]


def test_counts_fade_and_stay_finite_over_a_long_time() -> None:
    cohorts = counts(a=[NURSE], b=[NURSE], c=[NURSE], d=[NURSE])
    choose(cohorts, (0, 1), (1, 1))
    choose(cohorts, (2, 2), (3, 2), at=1000.0)
    assert share(cohorts, NURSE, 2) > 0.99
    choose(cohorts, (0, 3), (1, 3), at=1e7)
    assert share(cohorts, NURSE, 3) > 0.999


def test_rare_values_go_and_neither_drive_out_nor_cost_more_than_their_places() -> None:
    cohorts = counts(a=[NURSE], b=[NURSE])
    choose(cohorts, *((user, item) for user in (0, 1) for item in range(30)))
    for user in range(2, 500):
        cohorts.put(np.array([user]), [[1000 + user]])
        choose(cohorts, (user, user % 50))
    assert cohorts.shown() == [NURSE]
    assert len(cohorts.arrays()["cohorts"]) <= 6


def test_more_new_cohorts_at_once_than_there_is_room_for() -> None:
    cohorts = counts(RULES, **{f"u{n}": [n + 1] for n in range(100)})
    choose(cohorts, *((user, 1) for user in range(100)))
    assert len(cohorts.arrays()["cohorts"]) == 6


def test_hidden_items_are_left_out_and_rankings_fall() -> None:
    cohorts = counts(a=[NURSE], b=[NURSE])
    choose(cohorts, (0, 1), (1, 1), (0, 2), (1, 3))
    (ranked,) = cohorts.shares([NURSE], 2, np.array([False, True, False]))
    assert ranked.item_rows.tolist() == [2, 3]
    assert all(high >= low for high, low in pairwise(ranked.shares.tolist()))


def test_a_restart_goes_on_with_the_same_counts() -> None:
    cohorts, restored = counts(a=[NURSE], b=[NURSE, COOK]), CohortCounts(RULES)
    choose(cohorts, (0, 1), (1, 2))
    cohorts.note_read()
    restored.load_arrays(cohorts.arrays())
    for one in (cohorts, restored):
        choose(one, (0, 3), (1, 1), at=50.0)
    assert restored.is_read
    assert restored.shown() == cohorts.shown()
    assert [share(restored, NURSE, item) for item in range(4)] == [
        share(cohorts, NURSE, item) for item in range(4)
    ]
    assert not CohortCounts(RULES._replace(attributes=frozenset({"job"}))).is_read


def test_other_numbers_of_people_and_cohorts_take_over_what_there_is() -> None:
    cohorts = counts(a=[NURSE], b=[NURSE], c=[COOK])
    choose(cohorts, (0, 1), (1, 2), (0, 3), (2, 1))
    fewer = CohortCounts(RULES._replace(least_people=1, max_cohorts=1))
    fewer.load_arrays(cohorts.arrays())
    assert fewer.shown() == [NURSE]
    more = CohortCounts(RULES._replace(least_people=5))
    more.load_arrays(cohorts.arrays())
    assert more.shown() == []
    with pytest.raises(UnfitState):
        more.load_arrays(cohorts.arrays() | {"cohorts": np.array([NURSE, NURSE])})


def test_who_waits_gets_tokens_with_a_row_and_nobody_waits_longer() -> None:
    cohorts, ids = CohortCounts(RULES), IdMap(["a"])
    cohorts.waiting = {"a": (NURSE,), "never came": (COOK,)}
    cohorts.enter(ids)
    assert cohorts.of_user(0) == (NURSE,)
    assert not cohorts.waiting
    assert cohorts.of_user(-1) == cohorts.of_user(99) == ()
