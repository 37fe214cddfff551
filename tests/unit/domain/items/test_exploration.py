import random
from collections import Counter

import pytest

from streamrec.domain.items.exploration import N_UNTOUCHED, n_new_slots, with_new_items

RANKED = [f"i{n}" for n in range(50)]
NEW = [f"n{n}" for n in range(30)]


def lists(
    n: int, share: float = 0.02, k: int = 10, ranked: list[str] = RANKED, new: list[str] = NEW
) -> list[list[str]]:
    rng = random.Random(7)
    return [with_new_items(ranked, new, (), n_new_slots(share, k, rng), k, rng) for _ in range(n)]


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1, 0.25])
@pytest.mark.parametrize("k", [10, 20])
def test_new_items_get_their_share_of_the_slots(share: float, k: int) -> None:
    made = lists(4000, share, k)
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


def test_what_is_banned_or_listed_already_is_never_put_in() -> None:
    rng = random.Random(1)
    for _ in range(200):
        made = with_new_items(RANKED, [*RANKED[:10], "banned", "n"], {"banned"}, 5, 10, rng)
        assert sorted(made)[-1] == "n"
        assert (len(set(made)), "banned" in made) == (10, False)


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
    made = with_new_items(["a", "b", "c", "d", "e", "f"], ["n"], (), 10, 10, random.Random(0))
    assert sorted(made) == ["a", "b", "c", "d", "e", "f", "n"]
    assert with_new_items(["a"], ["n"], (), 10, 10, random.Random(0)) == ["a"]
