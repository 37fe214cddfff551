"""Propensities against lists that chance really made."""

import random
from collections import Counter

import pytest

from streamrec.domain.items.exploration import n_new_slots, with_new_items
from streamrec.domain.items.propensities import Draw, propensities_of
from streamrec.domain.popularity.ranked_item import RankedItem

N_DRAWS = 20_000


@pytest.mark.parametrize(("share", "k", "n_new"), [(0.05, 10, 20), (0.25, 10, 3), (0.6, 8, 2), (1.0, 6, 9)])
def test_a_propensity_is_the_share_of_lists_that_have_the_same_there(
    share: float, k: int, n_new: int
) -> None:
    chance = random.Random(3)
    ranked = [f"old{n}" for n in range(k)]
    new = [RankedItem(f"new{n}", 1.0) for n in range(n_new)]
    counts: Counter[tuple[int, str]] = Counter()
    lists = []
    for _ in range(N_DRAWS):
        listed = with_new_items(ranked, new, n_new_slots(share, k, chance), k, chance)
        kinds = tuple("new" if id_.startswith("new") else id_ for id_ in listed)
        counts.update(enumerate(kinds))
        lists.append(kinds)
    for kinds in set(lists):
        positions = tuple(n for n, kind in enumerate(kinds) if kind == "new")
        told = propensities_of(Draw(share, k, n_new, positions))
        assert len(told) == k
        for position, kind in enumerate(kinds):
            assert told[position] == pytest.approx(counts[position, kind] / N_DRAWS, abs=0.015)
            assert 0 < told[position] <= 1 + 1e-12


def test_without_new_items_nothing_is_left_to_chance() -> None:
    assert propensities_of(Draw(0.5, 10, 0, ())) == (1.0,) * 10


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_a_short_list_has_no_position_for_new_items(k: int) -> None:
    assert propensities_of(Draw(0.5, k, 5, ())) == (1.0,) * k
