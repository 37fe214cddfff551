import random
from collections import Counter

import pytest

from streamrec.domain.items.exploration import N_UNTOUCHED, ExplorationBy, n_new_slots, with_new_items
from streamrec.domain.popularity.ranked_item import RankedItem

RANKED = [f"i{n}" for n in range(50)]
NEW = [f"n{n}" for n in range(30)]


WAYS: tuple[ExplorationBy, ...] = ("chance", "uncertainty")


def scored(*item_ids: str, **scores: float) -> list[RankedItem]:
    return [RankedItem(item_id, scores.get(item_id, 1.0)) for item_id in (*item_ids, *scores)]


def lists(
    n: int,
    share: float = 0.02,
    k: int = 10,
    ranked: list[str] = RANKED,
    new: list[str] = NEW,
    by: ExplorationBy = "chance",
) -> list[list[str]]:
    rng = random.Random(7)
    return [with_new_items(ranked, scored(*new), n_new_slots(share, k, rng), k, rng, by=by) for _ in range(n)]


def shown_by_uncertainty(n: int, ranked: list[str], **scores: float) -> Counter[str]:
    """Return how often each of these new items is shown in `n` lists with one of them."""
    rng = random.Random(7)
    made = (with_new_items(ranked, scored(**scores), 1, 10, rng, by="uncertainty") for _ in range(n))
    return Counter(item_id for of_one in made for item_id in of_one if item_id in scores)


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1, 0.25])
@pytest.mark.parametrize("k", [10, 20])
@pytest.mark.parametrize("by", WAYS)
def test_new_items_get_their_share_of_the_slots(share: float, k: int, by: ExplorationBy) -> None:
    made = lists(4000, share, k, by=by)
    n_new = sum(item_id in NEW for of_one in made for item_id in of_one)
    assert n_new / (4000 * k) == pytest.approx(share, rel=0.1)
    assert {len(of_one) for of_one in made} == {k}


def test_they_stand_in_the_lower_half_each_slot_equally_often() -> None:
    slots = Counter(
        slot for made in lists(4000, share=0.1) for slot, item_id in enumerate(made) if item_id in NEW
    )
    assert set(slots) == {5, 6, 7, 8, 9}
    assert min(slots.values()) > 0.8 * max(slots.values())


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_the_top_stays_what_it_is_also_in_short_lists(k: int) -> None:
    for made in lists(50, share=1.0, k=k):
        assert made[:N_UNTOUCHED] == RANKED[: min(k, N_UNTOUCHED)]
        assert len(made) == k


def test_all_else_keeps_its_order_and_nothing_comes_twice() -> None:
    for made in lists(200, share=0.3):
        ranked = [item_id for item_id in made if item_id not in NEW]
        assert ranked == RANKED[: len(ranked)]
        assert len(set(made)) == 10


def test_a_share_of_nothing_and_nothing_new_leave_the_list_alone() -> None:
    assert all(made == RANKED[:10] for made in lists(100, share=0.0))
    assert all(made == RANKED[:10] for made in lists(100, share=1.0, new=[]))


@pytest.mark.parametrize("by", WAYS)
def test_what_is_listed_already_is_never_put_in(by: ExplorationBy) -> None:
    rng = random.Random(1)
    for _ in range(200):
        made = with_new_items(RANKED, scored(*RANKED[:10], "n"), 5, 10, rng, by=by)
        assert sorted(made)[-1] == "n"
        assert len(set(made)) == 10


def test_new_items_that_fit_the_user_come_before_others() -> None:
    ranked = [*RANKED[:20], "n7", *RANKED[20:], "n3"]
    shown = Counter(item_id for made in lists(3000, 0.1, ranked=ranked) for item_id in made if item_id in NEW)
    assert [item_id for item_id, _ in shown.most_common(3)] == ["n7", "n3", "n0"]


def test_a_new_item_that_fits_nobody_is_shown_too() -> None:
    ranked = [*RANKED, *NEW[5:]]
    shown = Counter(item_id for made in lists(3000, 0.1, ranked=ranked) for item_id in made if item_id in NEW)
    assert all(shown[item_id] > 0 for item_id in NEW[:5])


def test_different_requests_show_different_ones_and_the_newest_most() -> None:
    shown = Counter(item_id for made in lists(3000, 0.1) for item_id in made if item_id in NEW)
    assert len(shown) > 15
    assert shown["n0"] > shown["n3"] > shown["n12"]


def test_a_list_that_is_not_full_grows_by_them() -> None:
    made = with_new_items(["a", "b", "c", "d", "e", "f"], scored("n"), 10, 10, random.Random(0))
    assert sorted(made) == ["a", "b", "c", "d", "e", "f", "n"]
    assert with_new_items(["a"], scored("n"), 10, 10, random.Random(0)) == ["a"]


def test_by_uncertainty_the_promising_are_shown_most_and_all_now_and_then() -> None:
    shown = shown_by_uncertainty(4000, RANKED, fair=1.0, better=1.4, poor=0.6)
    assert sum(shown.values()) == 4000
    assert shown["better"] > 2 * shown["fair"] > 100
    assert shown["fair"] > 5 * shown["poor"] > 0


def test_by_uncertainty_one_that_ranks_for_the_user_needs_less_promise_the_higher_it_ranks() -> None:
    ranked = [*RANKED[:12], "high", *RANKED[12:], "low"]
    shown = shown_by_uncertainty(4000, ranked, nobody=1.0, low=1.0, high=1.0)
    assert shown["high"] > 2 * shown["low"] > 20 * shown["nobody"]
    shown = shown_by_uncertainty(4000, ranked, nobody=30.0, low=1.0)
    assert shown["nobody"] > shown["low"]
