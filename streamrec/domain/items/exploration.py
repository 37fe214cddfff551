"""Exploration: new items are shown now and then, for nothing is learned of what is never shown."""

import heapq
import random
from collections.abc import Collection, Sequence

N_UNTOUCHED = 3
"""Slots at the top that stay as they are: these are looked at most, and a guess costs most there."""


def n_new_slots(share: float, k: int, rng: random.Random) -> int:
    """Return how many slots of a list of `k` go to new items: `share` (0 to 1) of all, in expectation.

    Where `k` * `share` is no whole number, chance decides on one slot more.

    >>> n_new_slots(0.25, 8, random.Random(0)), n_new_slots(0.0, 8, random.Random(0))
    (2, 0)
    """
    return int(share * k + rng.random())


def with_new_items(
    ranked: Sequence[str],
    new: Sequence[str],
    banned: Collection[str],
    n_slots: int,
    k: int,
    rng: random.Random,
) -> list[str]:
    """Return the best `k` with new items in some of the slots of the lower half.

    The new items that rank somewhere for this user stand in line before the others, and the one at position p
    is drawn with weight 1 / p, without replacement (Efraimidis, Spirakis 2006, Weighted random sampling with
    a reservoir, section 2). So different requests show different ones, and none is never shown because it
    ranks for nobody yet.

    Parameters
    ----------
    ranked
        Distinct ids, best first: the list, and after its `k` the candidates that did not make it.
    new
        Distinct ids, those first that should be shown most.
    banned
        Never to be put in.
    n_slots
        For new items, see `n_new_slots`; no more than the lower half.

    >>> chance = random.Random(0)
    >>> with_new_items(list("abcdefgh"), ["new"], (), n_slots=6, k=6, rng=chance)
    ['a', 'b', 'c', 'd', 'new', 'e']
    >>> with_new_items(list("abcdefgh"), ["new"], (), n_slots=0, k=6, rng=chance)
    ['a', 'b', 'c', 'd', 'e', 'f']
    """
    listed = list(ranked[:k])
    first_slot = max(N_UNTOUCHED, k // 2)
    slots = range(first_slot, min(k, len(listed) + 1))
    if not n_slots or not slots:
        return listed
    chosen = _chosen(ranked[k:], new, {*listed, *banned}, min(n_slots, len(slots)), rng)
    for slot, item_id in zip(sorted(rng.sample(slots, len(chosen))), chosen, strict=True):
        listed.insert(slot, item_id)
    return listed[:k]


def _chosen(
    fitting: Sequence[str], new: Sequence[str], unwanted: Collection[str], n: int, rng: random.Random
) -> list[str]:
    """Return up to `n` new items."""
    possible = [item_id for item_id in new if item_id not in unwanted]
    among_new = set(possible)
    fits = [item_id for item_id in fitting if item_id in among_new]
    line = list(dict.fromkeys([*fits, *possible]))
    keys = [rng.random() ** (index + 1) for index in range(len(line))]
    return [line[index] for index in heapq.nlargest(n, range(len(line)), key=keys.__getitem__)]
