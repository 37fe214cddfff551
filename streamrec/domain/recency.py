"""What a user did last counts most."""

from collections.abc import Collection, Mapping, Sequence

from streamrec.domain.neighbour import Neighbour

AGE_DECAY = 0.8
"""Share of its weight that an item keeps for each one chosen after it."""

_AGAIN_DECAY = 0.95
"""The same where the question is what will be chosen again: habits are older than moods."""


def distinct_newest_first(recent: Sequence[str], n: int) -> list[str]:
    """Return the last `n` distinct items of `recent` (newest last), newest first.

    >>> distinct_newest_first(["a", "b", "a", "c"], 2)
    ['c', 'a']
    """
    return list(dict.fromkeys(reversed(recent)))[:n]


def visited_with(
    history: Sequence[str], neighbours: Mapping[str, Sequence[Neighbour]], banned: Collection[str]
) -> tuple[dict[str, float], dict[str, float]]:
    """Return what was chosen together with, and what after, the items of a history (newest first).

    An item's score is the sum of its similarities to those, each worth `AGE_DECAY` to its age.

    >>> near = {"a": [Neighbour("x", 0.5, 3.0, 0.0)], "b": [Neighbour("x", 0.5, 3.0, 0.25)]}
    >>> visited_with(["a", "b"], near, ())
    ({'x': 0.9}, {'x': 0.2})
    """
    together: dict[str, float] = {}
    after: dict[str, float] = {}
    weight = 1.0
    for item_id in history:
        for neighbour in neighbours.get(item_id, ()):
            near = neighbour.item_id
            together[near] = together.get(near, 0.0) + weight * neighbour.similarity
            if neighbour.follows:
                after[near] = after.get(near, 0.0) + weight * neighbour.follows
        weight *= AGE_DECAY
    for item_id in banned & together.keys() if isinstance(banned, frozenset) else banned:
        together.pop(item_id, None)
        after.pop(item_id, None)
    return together, after


def again(recent: Sequence[str]) -> dict[str, float]:
    """Return how much each of `recent` (newest last) was chosen, lately more than before.

    >>> scores = again(["a", "b", "a"])
    >>> scores["a"] > scores["b"] > 0
    True
    """
    scores: dict[str, float] = {}
    weight = 1.0
    for item_id in reversed(recent):
        scores[item_id] = scores.get(item_id, 0.0) + weight
        weight *= _AGAIN_DECAY
    return scores
