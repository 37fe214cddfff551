"""Propensities of a list into which chance put new items: how probably each position is what it is.

Of a position with an item of the ranked list it is the probability that this item stands there; of one with
a new item, that some new item does: which one it is depends on scores of all new ones times chance, and has
no closed form. So they weigh policies that explore more or less, or not at all, and not the choice of new
items.
"""

import math
from functools import lru_cache
from typing import NamedTuple

from streamrec.domain.items.exploration import first_slot_of


class Draw(NamedTuple):
    """Facts of one list that chance had a part in.

    Attributes
    ----------
    share
        Of the positions, given to new items in expectation.
    k
        Length of the list.
    n_new
        New items that could have been chosen.
    positions
        Of the new items, ascending; counted from 0.
    """

    share: float
    k: int
    n_new: int
    positions: tuple[int, ...]


@lru_cache(maxsize=4096)
def propensities_of(draw: Draw) -> tuple[float, ...]:
    """Return the `k` propensities.

    With a share of 0.05, a list of 10 has a new item in one of two cases, at one of the five lower positions.

    >>> [round(one, 2) for one in propensities_of(Draw(0.05, 10, 3, (6,)))]
    [1.0, 1.0, 1.0, 1.0, 1.0, 0.9, 0.1, 0.2, 0.3, 0.4]
    """
    first = first_slot_of(draw.k)
    n_slots = max(0, draw.k - first)
    whole = int(draw.share * draw.k)
    fraction = draw.share * draw.k - whole
    cases = [(whole, 1 - fraction), (whole + 1, fraction)]
    counts = [(min(n, n_slots, draw.n_new), probability) for n, probability in cases if probability > 0]
    found = []
    for position in range(draw.k):
        if position < first:
            found.append(1.0)
        elif position in draw.positions:
            found.append(sum(probability * n / n_slots for n, probability in counts))
        else:
            before, n_shifted = position - first, sum(new < position for new in draw.positions)
            found.append(
                sum(probability * _shifted_by(n_shifted, before, n_slots, n) for n, probability in counts)
            )
    return tuple(found)


def _shifted_by(n_shifted: int, before: int, n_slots: int, n: int) -> float:
    """Return how probably, of `n` of the slots, so many are among the first ones and the next is none."""
    if not 0 <= n - n_shifted <= n_slots - 1 - before:
        return 0.0
    ways = math.comb(before, n_shifted) * math.comb(n_slots - 1 - before, n - n_shifted)
    return ways / math.comb(n_slots, n)
