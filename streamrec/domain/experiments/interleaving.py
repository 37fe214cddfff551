"""Team draft: one list out of the lists of several variants, each item being of the variant that drew it.

Radlinski, Kurup, Joachims 2008, How does clickthrough data reflect retrieval quality?, section 4.2; for more
than two lists: Schuth, Sietsma, Whiteson, Lefortier, de Rijke 2014, Multileaved comparisons for fast online
evaluation, section 4.1.
"""

import random
from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

Item = TypeVar("Item", bound=Hashable)


class Drafted(NamedTuple, Generic[Item]):
    """A mixed list; `teams` holds the position of the list that each item was drawn from."""

    items: list[Item]
    teams: list[int]


def team_draft(lists: Sequence[Sequence[Item]], k: int, seed: int | str | bytes) -> Drafted[Item]:
    """Return at most `k` items, drawn in turns from the top of each of the lists.

    In each round every list draws once, in an order by chance: the best of its items that is not yet drawn.
    A list that has no more is passed over. An item of several lists is of the one that draws it first.

    Parameters
    ----------
    lists
        Ranked items, best first, without repeats.
    k
        At least 0.
    seed
        Decides the orders; of the same seed the same list comes out, in every process.

    >>> team_draft([["a", "b"], ["b", "c"]], 3, seed="request 2")
    Drafted(items=['b', 'a', 'c'], teams=[1, 0, 1])
    >>> team_draft([["a"], []], 3, seed=1)
    Drafted(items=['a'], teams=[0])
    """
    chance = random.Random(seed)  # noqa: S311 who is shown what is no secret
    drawn: set[Item] = set()
    items: list[Item] = []
    teams: list[int] = []
    upcoming = [iter(ranked) for ranked in lists]
    round_order = list(range(len(lists)))
    while len(items) < k and round_order:
        chance.shuffle(round_order)
        for team in tuple(round_order):
            item = next((one for one in upcoming[team] if one not in drawn), None)
            if item is None:
                round_order.remove(team)
                continue
            drawn.add(item)
            items.append(item)
            teams.append(team)
            if len(items) == k:
                break
    return Drafted(items, teams)


def credit_of(teams: Sequence[int], clicked: Iterable[int], n_teams: int) -> list[int]:
    """Return how many of the clicked positions are of each team; a position clicked twice counts once.

    >>> credit_of([1, 0, 1], [0, 2, 2], n_teams=2)
    [0, 2]
    """
    credit = [0] * n_teams
    for position in set(clicked):
        credit[teams[position]] += 1
    return credit
