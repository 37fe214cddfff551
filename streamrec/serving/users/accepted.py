"""Choices that this process took in, until the trainer has published what it made of them."""

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.repeats import RecentIds
from streamrec.domain.events.weights import RETRACT, EventWeights
from streamrec.domain.users.context import second_of
from streamrec.domain.users.user import UserState

MAX_USERS = 10_000
"""With all their choices, and ids of usual length, some 50 MB; those who chose longest ago go first."""

MAX_CHOICES = 20
"""The newest of a user: as many as a vector holds by default."""

MAX_AGE_S = 60.0
"""The trainer publishes within this, or it is far behind. What it never publishes counts no longer: events of
deleted items, and of users who were erased through another process."""

N_EVENT_IDS = 20_000
"""Event ids remembered: a repeat, which the trainer drops, is seldom later than a minute."""


class Accepted(NamedTuple):
    """A choice, a dislike, or a retraction of what was said before.

    Attributes
    ----------
    second
        When it was, in whole Unix seconds by its sender's clock.
    noted_at
        When it was taken in, by this process's clock.
    """

    item_id: str
    second: int
    is_choice: bool
    noted_at: float
    is_retraction: bool = False


class AcceptedChoices:
    """A bounded number of choices, dislikes and retractions of a bounded number of users. Safe for threads.

    Parameters
    ----------
    clock
        Seconds; only differences count.

    >>> accepted = AcceptedChoices()
    >>> accepted.note([Interaction("u", "a", 5.0)], EventWeights({}))
    >>> [one.item_id for one in accepted.unpublished("u", None)]
    ['a']
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        max_users: int = MAX_USERS,
        max_choices: int = MAX_CHOICES,
    ) -> None:
        self._clock = clock
        self._max_users = max_users
        self._max_choices = max_choices
        self._lock = threading.Lock()
        self._event_ids = RecentIds(N_EVENT_IDS)
        self._by_user: OrderedDict[str, deque[Accepted]] = OrderedDict()
        self._deleted: OrderedDict[str, float] = OrderedDict()

    def note(self, events: Iterable[Interaction], weights: EventWeights) -> None:
        """Take over events in the order of the log; others of weight zero, and repeats, are none."""
        now = self._clock()
        for event in events:
            weight, is_retraction = weights.of(event.type, event.value), event.type == RETRACT
            if weight or is_retraction:
                second = second_of(event.timestamp)
                one = Accepted(event.item_id, second, weight > 0, now, is_retraction)
                # One at a time: who answers does not wait for the end of a long list.
                with self._lock:
                    self._note(one, event)
        with self._lock:
            self._drop_old_users(now)

    def unpublished(self, user_id: str, state: UserState | None) -> Sequence[Accepted]:
        """Return what a user's published state does not hold yet, oldest first.

        The log has an order: what was taken in before a choice that is published was read by the trainer as
        well, whatever it made of it. No state tells whether a retraction was read: it is returned until a
        later choice is published or it is too old; so is each dislike of an item among the others held, for
        its place among them. Done again they change nothing.
        """
        if user_id not in self._by_user:
            return ()
        with self._lock:
            of_user = self._by_user.get(user_id, deque())
            oldest = self._clock() - MAX_AGE_S
            is_published = _published_by(state)
            n_gone = max(
                (
                    number
                    for number, one in enumerate(of_user, start=1)
                    if one.noted_at < oldest or (one.is_choice and is_published(one))
                ),
                default=0,
            )
            for _ in range(n_gone):
                of_user.popleft()
            if not of_user:
                self._by_user.pop(user_id, None)
            again = {one.item_id for one in of_user if one.is_choice or one.is_retraction}
            return [
                one
                for one in of_user
                if (one.is_choice or one.item_id in again or not is_published(one))
                and one.noted_at > self._deleted.get(one.item_id, -math.inf)
            ]

    def forget_user(self, user_id: str) -> None:
        """Forget a user's choices."""
        with self._lock:
            self._by_user.pop(user_id, None)

    def forget_item(self, item_id: str) -> None:
        """Forget all choices of an item so far."""
        now = self._clock()
        with self._lock:
            # Looking for them among all users would take too long; they go by themselves.
            self._deleted[item_id] = now
            self._deleted.move_to_end(item_id)
            while self._deleted and next(iter(self._deleted.values())) < now - MAX_AGE_S:
                self._deleted.popitem(last=False)

    def __len__(self) -> int:
        """Return how many users there are."""
        return len(self._by_user)

    def _note(self, one: Accepted, event: Interaction) -> None:
        if event.event_id is not None and not self._event_ids.add(event.event_id):
            return
        self._by_user.setdefault(event.user_id, deque(maxlen=self._max_choices)).append(one)
        self._by_user.move_to_end(event.user_id)
        if len(self._by_user) > self._max_users:
            self._by_user.popitem(last=False)

    def _drop_old_users(self, now: float) -> None:
        while self._by_user:
            user_id, of_user = next(iter(self._by_user.items()))
            if of_user[-1].noted_at >= now - MAX_AGE_S:
                break
            del self._by_user[user_id]


def _published_by(state: UserState | None) -> Callable[[Accepted], bool]:
    """Return what tells whether a state holds something: by item and time, as far as it has times."""
    if state is None:
        return lambda _: False
    disliked = frozenset(state.disliked)
    if not state.recent_at:
        return lambda one: one.item_id in (state.recent if one.is_choice else disliked)
    timed = set(zip(state.recent[-len(state.recent_at) :], state.recent_at, strict=True))
    return lambda one: (one.item_id, one.second) in timed if one.is_choice else one.item_id in disliked
