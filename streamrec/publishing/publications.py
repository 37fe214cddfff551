"""Publications: what the trainer hands over to be published, as of one moment."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from streamrec.domain.items.item import Item
from streamrec.domain.ranking.published_blend import Blend
from streamrec.domain.status.point import StatusPoint
from streamrec.domain.status.report import TrainerReport
from streamrec.ports import NO_VERSIONS, Message, RankedItem, UserUpdates


class UserPublication(NamedTuple):
    """Changes of users in some steps of the loop.

    Attributes
    ----------
    updates
        States and seen pairs for the document store.
    forgotten_users
        Ids whose state and seen pairs are deleted.
    rejected
        For the rejected topic.
    """

    updates: UserUpdates
    forgotten_users: Sequence[str]
    rejected: Sequence[Message]


class Status(NamedTuple):
    """State of a moment, as the hot cache shows it.

    Attributes
    ----------
    rankings
        By name: ``window`` or ``window:category``.
    counters
        By name.
    blend
        How sources are blended.
    names
        Of all rankings there are: the cache removes any others. None: it removes none.
    items
        Whose metadata changed: the cache forgets what it holds of them, or knows them as hidden.
    versions
        Of these, by id.
    report
        The trainer's of itself; None: it makes none.
    points
        Of the series of figures, those that the cache has not got yet.
    """

    rankings: Mapping[str, Sequence[RankedItem]]
    counters: Mapping[str, float]
    blend: Blend
    names: Collection[str] | None = None
    items: Sequence[Item] = ()
    versions: Mapping[str, int] = NO_VERSIONS
    report: TrainerReport | None = None
    points: Sequence[StatusPoint] = ()


class Gathered(NamedTuple):
    """Vectors of one moment, which stays what it is however often their publication is tried.

    Attributes
    ----------
    at
        Unix seconds.
    commands_read
        Next offset of the commands that had been carried out; None: not known.
    """

    vectors: Sequence[tuple[str, bytes | None]]
    at: float
    commands_read: int | None
