"""Context of a request, as the sources of candidates need it."""

from collections.abc import Iterable, Sequence

import msgspec

from streamrec.domain.events.stream_time import UNKNOWN_TIME, StreamTime
from streamrec.domain.filters.condition import Conditions
from streamrec.domain.popularity.recency import N_LAST, distinct_newest_first
from streamrec.domain.users.less import Less


class RequestContext(msgspec.Struct, frozen=True):
    """User and wishes of a request, as far as the sources need to know.

    Attributes
    ----------
    vector, generation
        The user's (D + 1,) float32 bytes and the model they belong to; None for an unknown user.
    recent
        Item ids of the last events, newest last; the item that an unknown user looks at stands for them.
    recent_at
        When the newest of `recent` were chosen, newest last, in Unix seconds.
    n_events
        Of the user so far.
    time
        Of the request.
    item_id
        Item that an unknown user looks at: similar ones are wanted.
    banned
        Not to be offered: seen (when asked so), disliked and excluded.
    is_new_only
        True when items that the user chose before are among `banned`.
    categories
        Only these are wanted; empty: all.
    only
        Just these items are wanted; empty: all.
    similarity
        Only what is similar to the item is wanted, in this way; None: also what is popular.
    conditions
        Only items that fulfil these are wanted.
    takes_any
        Where too few that fulfil the conditions are proposed, any others that do may follow.
    feed
        Sources that are asked one after the other, for everybody; empty: those for who asks.
    cohorts
        Tokens of the user's cohorts that have a ranking.
    less
        Items that less like is wanted.
    is_explained
        The answer will be explained, by what it would be without one of the user's items or another.
    """

    vector: bytes | None = None
    generation: str | None = None
    recent: Sequence[str] = ()
    recent_at: Sequence[float] = ()
    n_events: int = 0
    time: StreamTime = UNKNOWN_TIME
    item_id: str | None = None
    banned: frozenset[str] = frozenset()
    is_new_only: bool = True
    categories: frozenset[str] = frozenset()
    only: frozenset[str] = frozenset()
    similarity: str | None = None
    conditions: Conditions = ()
    takes_any: bool = True
    feed: tuple[str, ...] = ()
    cohorts: tuple[int, ...] = ()
    less: tuple[Less, ...] = ()
    is_explained: bool = False

    @property
    def is_by_item(self) -> bool:
        """True when the item looked at is all there is to go by: nothing is known of the user."""
        return self.item_id is not None and self.generation is None and not self.n_events

    def read_history(self) -> list[str]:
        """Return the items whose neighbours are read for it, newest first.

        An explanation looks what is proposed without one of them: it goes by one more then.
        """
        return distinct_newest_first(self.recent, N_LAST + self.is_explained)

    def with_only(self, item_ids: Iterable[str]) -> "RequestContext":
        """Return the context of one who wants just these."""
        return msgspec.structs.replace(self, only=frozenset(item_ids))

    def wants(self, item_id: str) -> bool:
        """Return whether an item may be offered, as far as its id tells."""
        return item_id not in self.banned and (not self.only or item_id in self.only)

    def without(self, item_id: str) -> "RequestContext":
        """Return the context had the user neither chosen an item nor looked at it; what is banned stays.

        >>> context = RequestContext(recent=("a", "b", "a"), recent_at=(5, 9), item_id="a").without("a")
        >>> context.recent, context.recent_at, context.item_id
        (['b'], [5], None)
        """
        n_unknown = len(self.recent) - len(self.recent_at)
        return msgspec.structs.replace(
            self,
            recent=[id_ for id_ in self.recent if id_ != item_id],
            recent_at=[
                at for id_, at in zip(self.recent[n_unknown:], self.recent_at, strict=True) if id_ != item_id
            ],
            item_id=None if self.item_id == item_id else self.item_id,
        )
