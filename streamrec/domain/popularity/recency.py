"""Weights by recency: a user's last choices count most."""

from collections.abc import Sequence

N_LAST = 20
"""Last distinct items of a user that count."""

AGE_DECAY = 0.8
"""Share of its weight that an item keeps for each one chosen after it."""

_AGAIN_DECAY = 0.95
"""The same for items chosen again: habits last longer than current interests."""


def distinct_newest_first(recent: Sequence[str], n: int) -> list[str]:
    """Return the last `n` distinct items of `recent` (newest last), newest first.

    >>> distinct_newest_first(["a", "b", "a", "c"], 2)
    ['c', 'a']
    """
    return list(dict.fromkeys(reversed(recent)))[:n]


def newest_times(recent: Sequence[str], times: Sequence[float], n: int) -> list[float]:
    """Return the times of what `distinct_newest_first` returns, as far as they are known.

    Parameters
    ----------
    times
        Of the newest of `recent`, newest last; at most as many.

    >>> newest_times(["a", "b", "a", "c"], [20.0, 30.0], 3)
    [30.0, 20.0]
    """
    newest: dict[str, float] = {}
    for item_id, at in zip(reversed(recent), reversed(times), strict=False):
        newest.setdefault(item_id, at)
    return list(newest.values())[:n]


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
