"""Pairs that users have seen, and those that they have not any more."""

from collections.abc import Collection, Iterable, Sequence

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import RETRACT

Sight = tuple[str, str, float]
"""A user's id, an item's id, and Unix seconds."""

Pair = tuple[str, str]
"""A user's id and an item's id."""


def sights_of(events: Sequence[Interaction], weights: Iterable[float]) -> tuple[list[Sight], list[Pair]]:
    """Return what B events leave seen, in their order, and the pairs that are unseen before that.

    Parameters
    ----------
    weights
        B, by which events of weight zero show nothing.

    >>> view, back = Interaction("u", "a", 5.0), Interaction("u", "a", 6.0, RETRACT)
    >>> sights_of([view, back], [1.0, 0.0])
    ([], [('u', 'a')])
    >>> sights_of([view, back, view], [1.0, 0.0, 1.0])
    ([('u', 'a', 5.0)], [('u', 'a')])
    """
    unseen = {
        (event.user_id, event.item_id): place for place, event in enumerate(events) if event.type == RETRACT
    }
    seen = [
        (event.user_id, event.item_id, event.timestamp)
        for place, (event, weight) in enumerate(zip(events, weights, strict=True))
        if weight and place >= unseen.get((event.user_id, event.item_id), 0)
    ]
    return seen, list(unseen)


def without(seen: list[Sight], unseen: Collection[Pair]) -> list[Sight]:
    """Return what is left of sights once pairs are unseen.

    >>> without([("u", "a", 5.0), ("u", "b", 5.0)], [("u", "a")])
    [('u', 'b', 5.0)]
    """
    gone = set(unseen)
    return [sight for sight in seen if sight[:2] not in gone]
