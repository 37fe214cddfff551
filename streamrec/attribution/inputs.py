"""Records of the stream as the attribution takes them: lists, events and erasures; others are counted."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from msgspec import UNSET

from streamrec.domain.events.erasure import digest_of
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import RETRACT, EventWeights
from streamrec.domain.experiments.attribution import CLICK, OTHER, PURCHASE, Act, Kind
from streamrec.domain.experiments.exposure import Exposure, decode_exposure
from streamrec.errors import InvalidEvent
from streamrec.ports import ErasureStore, Record


class KindRules(NamedTuple):
    """Rules that tell clicks, purchases and other activity.

    Attributes
    ----------
    weights
        Events that weigh nothing, or less, are no activity.
    clicks, purchases
        Types; without any type of clicks, all that are no purchases.

    >>> rules = KindRules(EventWeights({"impression": 0.0}), frozenset(), frozenset({"order"}))
    >>> [rules.of(Interaction("u", "i", 0.0, type)) for type in ("order", "view", "impression", "retract")]
    ['purchase', 'click', None, None]
    """

    weights: EventWeights
    clicks: frozenset[str]
    purchases: frozenset[str]

    def of(self, event: Interaction) -> Kind | None:
        """Return what an event is; None for one that is no activity."""
        if event.type in self.purchases:
            return PURCHASE
        if event.type in self.clicks:
            return CLICK
        if event.type == RETRACT or self.weights.of(event.type, event.value) <= 0:
            return None
        return OTHER if self.clicks else CLICK


class Taken(NamedTuple):
    """Lists of a batch with the times at which they were appended, and how many records hold none."""

    exposures: list[tuple[Exposure, float]]
    malformed: list[str]
    n_erased: int


class ErasedUsers:
    """Erasures by their times: for lists, which stand in a topic of their own without markers.

    Parameters
    ----------
    store
        Read once now, and of those users that `note` is told of.
    """

    def __init__(self, store: ErasureStore) -> None:
        self._store = store
        self._salt = store.erasure_salt()
        self._erased_at: dict[bytes, float] = {}
        self._add(None)

    def _add(self, digests: Sequence[bytes] | None) -> None:
        for one in self._store.read_erasures(digests):
            self._erased_at[one.digest] = max(one.erased_at, self._erased_at.get(one.digest, one.erased_at))

    def note(self, user_ids: Iterable[str], at: float) -> dict[str, float]:
        """Return when users were erased who are told to be.

        Parameters
        ----------
        at
            Unix seconds, by the log's clock: the time of those of whom the store does not know yet. By one
            that is ahead, what they are shown from now on would be of before.

        Raises
        ------
        Unavailable
            When the store does not answer.
        """
        digests = {user_id: digest_of(user_id, self._salt) for user_id in user_ids}
        if digests:
            self._add(list(digests.values()))
        return {user_id: self._erased_at.setdefault(digest, at) for user_id, digest in digests.items()}

    def has(self, user_id: str, appended_at: float) -> bool:
        """Return whether a user was erased after a list was appended."""
        if not self._erased_at:
            return False
        return appended_at <= self._erased_at.get(digest_of(user_id, self._salt), -1.0)


def taken_lists(records: Sequence[Record], erased: ErasedUsers, now: float) -> Taken:
    """Read records of the topic `impressions`.

    Parameters
    ----------
    now
        Unix seconds: what says that it was appended later was appended now.
    """
    taken = Taken([], [], 0)
    n_erased = 0
    for record in records:
        try:
            exposure = decode_exposure(record.value)
        except InvalidEvent as error:
            taken.malformed.append(str(error))
            continue
        if erased.has(exposure.user_id, record.timestamp):
            n_erased += 1
        else:
            taken.exposures.append((exposure, min(record.timestamp, now)))
    return taken._replace(n_erased=n_erased)


def acts_of(
    events: Sequence[Interaction],
    arrivals: Sequence[float],
    kind_of: Callable[[Interaction], Kind | None],
    now: float,
) -> list[Act]:
    """Return the events that are activity, at their times of arrival, none later than now."""
    acts = []
    for event, arrived_at in zip(events, arrivals, strict=True):
        kind = kind_of(event)
        if kind is not None:
            request_id = None if event.request_id is UNSET else event.request_id
            at, value = min(arrived_at, now), event.value or 0.0
            acts.append(Act(event.user_id, at, event.item_id, kind, value, request_id))
    return acts
