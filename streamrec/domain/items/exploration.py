"""Exploration: new items are shown now and then, for nothing is learned of what is never shown."""

import heapq
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from streamrec.domain.popularity.ranked_item import RankedItem

ExplorationBy = Literal["chance", "uncertainty"]

N_UNTOUCHED = 3
"""Slots at the top that stay as they are: these are looked at most, and a guess costs most there."""

_FITS_HALF_AT = 10
"""Place among the candidates, counted from 0, whose item counts half as much as the first one."""

_FITS_NOBODY = 0.03
"""Factor of an item that is no candidate: as of one that ranks some 300th."""

_STEADINESS = 16.0
"""Shape of what chance makes of a score: a trainer that rests publishes the same scores for hours."""


def n_new_slots(share: float, k: int, rng: random.Random) -> int:
    """Return how many slots of a list of `k` go to new items: `share` (0 to 1) of all, in expectation.

    Where `k` * `share` is no whole number, chance decides on one slot more.

    >>> n_new_slots(0.25, 8, random.Random(0)), n_new_slots(0.0, 8, random.Random(0))
    (2, 0)
    """
    return int(share * k + rng.random())


def first_slot_of(k: int) -> int:
    """Return the first position of a list of `k` that a new item may get: in its lower half."""
    return max(N_UNTOUCHED, k // 2)


def with_new_items(
    ranked: Sequence[str],
    new: Sequence[RankedItem],
    n_slots: int,
    k: int,
    rng: random.Random,
    by: ExplorationBy = "chance",
) -> list[str]:
    """Return the best `k` with new items in some of the slots of the lower half.

    By chance, the new items that rank somewhere for this user stand in line before the others, and the one at
    position p is drawn with weight 1 / p, without replacement (Efraimidis, Spirakis 2006, Weighted random
    sampling with a reservoir, section 2). So different requests show different ones, and none is never shown
    because it ranks for nobody yet.

    By uncertainty, those with the highest score are shown, each score times a little chance, and less the
    further down the item ranks for this user.

    Parameters
    ----------
    ranked
        Distinct ids, best first: the list, and after its `k` the candidates that did not make it.
    new
        Distinct items, those first that should be shown most. By uncertainty, scores are positive and say how
        much there is to learn.
    n_slots
        For new items, see `n_new_slots`; no more than the lower half.

    >>> chance = random.Random(0)
    >>> with_new_items(list("abcdefgh"), [RankedItem("new", 1.0)], n_slots=6, k=6, rng=chance)
    ['a', 'b', 'c', 'd', 'new', 'e']
    >>> with_new_items(list("abcdefgh"), [RankedItem("new", 1.0)], n_slots=0, k=6, rng=chance)
    ['a', 'b', 'c', 'd', 'e', 'f']
    """
    listed = list(ranked[:k])
    slots = range(first_slot_of(k), min(k, len(listed) + 1))
    if not n_slots or not slots:
        return listed
    in_list = set(listed)
    possible = {item_id: score for item_id, score in new if item_id not in in_list}
    fitting = {item_id: place for place, item_id in enumerate(ranked[k:], k) if item_id in possible}
    keys = _KEYS[by](possible, fitting, rng)
    chosen = heapq.nlargest(min(n_slots, len(slots)), keys, key=keys.__getitem__)
    for slot, item_id in zip(sorted(rng.sample(slots, len(chosen))), chosen, strict=True):
        listed.insert(slot, item_id)
    return listed[:k]


def _by_chance(
    possible: Mapping[str, float], fitting: Mapping[str, int], rng: random.Random
) -> dict[str, float]:
    line = dict.fromkeys([*fitting, *possible])
    return {item_id: rng.random() ** position for position, item_id in enumerate(line, 1)}


def _by_uncertainty(
    possible: Mapping[str, float], fitting: Mapping[str, int], rng: random.Random
) -> dict[str, float]:
    def fit(item_id: str) -> float:
        place = fitting.get(item_id)
        return _FITS_NOBODY if place is None else 1 / (1 + place / _FITS_HALF_AT)

    return {
        item_id: score * fit(item_id) * rng.gammavariate(_STEADINESS, 1 / _STEADINESS)
        for item_id, score in possible.items()
    }


_KEYS: dict[
    ExplorationBy, Callable[[Mapping[str, float], Mapping[str, int], random.Random], dict[str, float]]
] = {"chance": _by_chance, "uncertainty": _by_uncertainty}
