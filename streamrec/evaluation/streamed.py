"""GMF with the delays of production: learned in micro-batches, and answered from what was published."""

from collections import defaultdict, deque
from collections.abc import Callable
from functools import partial
from sys import maxsize
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from streamrec.domain.ranking.prequential import Events, Rows, padded
from streamrec.domain.rows.growing import grown
from streamrec.domain.users.aging import vector_after
from streamrec.domain.users.context import second_of, vector_with
from streamrec.learning.learner import Learner
from streamrec.learning.state.dirty_rows import DirtyRows
from streamrec.publishing.views import aging_vectors

T = TypeVar("T")

Chosen = tuple[int, int]
"""An item's row, and the whole second in which it was chosen."""


class Pace(NamedTuple):
    """Rate of the events, and durations of the trainer's steps.

    Attributes
    ----------
    events_per_s
        Rate of arrival, in event order: recorded pauses are left out.
    step_s, event_s
        Duration of a round of the trainer's loop: fixed, and per event in it.
    max_batch
        Events of a round at most.
    user_write_s
        Duration of publishing users: the next ones go out as soon as the last are.
    item_interval_s
        Item vectors are published so often at most.
    max_item_vectors
        Item vectors in one publication at most; the others wait for the next.
    max_moved_vectors
        Of these, vectors at most of items that were not chosen.
    item_delay_s
        From the publication of item vectors until the index answers with them.
    past_interval_s
        Rows of items as somebody's past are published so often at most, with the items' neighbours: as these
        take a tenth of the trainer's time at most, so often as 200 of them take 30 ms.
    max_past_rows
        In one of these publications at most.
    past_delay_s
        From their publication until a server's copy of what was there before ends.
    """

    events_per_s: float
    step_s: float = 0.003
    event_s: float = 0.0001
    max_batch: int = 1024
    user_write_s: float = 0.003
    item_interval_s: float = 0.2
    max_item_vectors: int = 2000
    max_moved_vectors: int = 300
    item_delay_s: float = 0.05
    past_interval_s: float = 0.3
    max_past_rows: int = 200
    past_delay_s: float = 1.0


class _User(NamedTuple):
    """A user as published: vector, how it ages, last items, newest first, events learned by then."""

    vector: NDArray[np.float32] | None
    aging: bytes
    known: list[Chosen]
    n_learned: int


class _Outbox(Generic[T]):
    """Rows of one kind that wait to be published, and what was published and is not seen yet."""

    def __init__(
        self, interval_s: float, delay_s: float, max_rows: int = maxsize, max_moved: int | None = None
    ) -> None:
        self._interval_s = interval_s
        self._delay_s = delay_s
        self._max_rows = max_rows
        self._max_moved = max_moved
        self.waiting = DirtyRows()
        self._is_empty = True
        self._due = 0.0
        self._under_way: deque[tuple[float, T]] = deque()

    @property
    def due(self) -> float:
        """Moment from when on the next publication may begin; infinite while nothing waits."""
        return np.inf if self._is_empty else self._due

    def mark(self, rows: Rows, now: float, *, go_first: bool = False) -> None:
        """Let rows wait, as the trainer does."""
        self.waiting.mark(rows, now, go_first=go_first)
        self._is_empty = self._is_empty and not len(rows)

    def publish_if_due(self, now: float, values_of: Callable[[Rows], T]) -> None:
        """Publish what the rows hold now."""
        if now < self.due:
            return
        self._due = now + self._interval_s
        rows = self.waiting.take(self._max_rows, self._max_moved)
        self._is_empty = not self.waiting.n_waiting
        self._under_way.append((now + self._delay_s, values_of(rows)))

    def arrived(self, now: float) -> list[T]:
        """Return what is seen from now on, in order."""
        arrived = []
        while self._under_way and self._under_way[0][0] <= now:
            arrived.append(self._under_way.popleft()[1])
        return arrived


class StreamedGmf:
    """A `Ranker` that follows the trainer's schedule on a simulated clock.

    Time runs by the events: the n-th arrives n / `events_per_s` seconds after the start. It is asked about at
    that moment, is learned once the trainer comes round to it, and shows in answers once what was learned
    has been published; that it was chosen shows in the user's own answers at once, as in the recommender
    that took it in.

    Parameters
    ----------
    learner
        Trained on the history; what it knows at first counts as published.
    """

    def __init__(self, learner: Learner, pace: Pace) -> None:
        self._learner = learner
        self._pace = pace
        self._n_arrived = self._n_learned = 0
        self._free_at = 0.0
        model = learner.model
        self._items = model.item_vectors(torch.arange(model.items.n_rows)).numpy()
        self._users = self._users_of(np.arange(model.users.n_rows))
        self._past = self._past_of(np.arange(model.past.n_rows))
        newest = partial(deque[tuple[Chosen, int]], maxlen=model.context.n)
        self._accepted: dict[int, deque[tuple[Chosen, int]]] = defaultdict(newest)
        self._waiting: deque[tuple[float, Events]] = deque()
        self._users_out = _Outbox[dict[int, _User]](pace.user_write_s, pace.user_write_s)
        self._items_out = _Outbox[tuple[Rows, NDArray[np.float32]]](
            pace.item_interval_s, pace.item_delay_s, pace.max_item_vectors, pace.max_moved_vectors
        )
        self._items_out.waiting.settle(model.items.n_rows)
        self._past_out = _Outbox[dict[int, NDArray[np.float32]]](
            pace.past_interval_s, pace.past_delay_s, pace.max_past_rows
        )

    def scores(self, user_row: int, n_items: int, at: float | None = None) -> NDArray[np.floating]:
        """Return (n_items,) inner products of vectors; of a user without one, the items' biases."""
        self._live_until(self._n_arrived / self._pace.events_per_s)
        items = self._items[:n_items]
        vector = self._vector(user_row, at)
        return padded(items[:, -1] if vector is None else items @ vector, n_items)

    def learn(self, events: Events) -> None:
        """Let events arrive; they are learned when their time has come."""
        columns = (events.user_rows.tolist(), events.item_rows.tolist(), events.timestamps.tolist())
        for index, (user, item, time) in enumerate(zip(*columns, strict=True)):
            arrival = self._n_arrived / self._pace.events_per_s
            self._waiting.append((arrival, events.at(slice(index, index + 1))))
            self._accepted[user].appendleft(((item, second_of(time)), self._n_arrived))
            self._n_arrived += 1

    def _vector(self, user_row: int, at: float | None) -> NDArray[np.float32] | None:
        """Return the user's vector as published, with the choices that are not in it yet, at a moment."""
        user = self._users.get(user_row, _NOBODY)
        fresh = [chosen for chosen, number in self._accepted[user_row] if number >= user.n_learned]
        weighing = self._learner.model.context.weighing
        vector = vector_with(user.vector, user.known, fresh, self._past, weighing)
        if at is None or vector is None or vector is not user.vector or not user.known:
            return vector
        pause_s = at - user.known[0][1]
        return np.frombuffer(vector_after(vector.tobytes(), user.aging, pause_s, weighing.scale_s), "<f4")

    def _live_until(self, now: float) -> None:
        while self._waiting and max(self._free_at, self._waiting[0][0]) <= now:
            self._round(max(self._free_at, self._waiting[0][0]))
        # The loop also goes round without events, and publishes what is due.
        while (due := max(self._free_at, self._next_due())) <= now:
            self._free_at = due
            self._publish(due)
        for users in self._users_out.arrived(now):
            self._users.update(users)
        for rows, vectors in self._items_out.arrived(now):
            self._items = grown(self._items, int(rows.max(initial=-1)) + 1)
            self._items[rows] = vectors
        for past in self._past_out.arrived(now):
            self._past.update(past)

    def _next_due(self) -> float:
        return min(self._users_out.due, self._items_out.due, self._past_out.due)

    def _round(self, start: float) -> None:
        pace = self._pace
        batch: list[Events] = []
        while self._waiting and self._waiting[0][0] <= start and len(batch) < pace.max_batch:
            batch.append(self._waiting.popleft()[1])
        outcome = self._learner.learn(
            np.concatenate([events.user_rows for events in batch]),
            np.concatenate([events.item_rows for events in batch]),
            np.concatenate([events.weights for events in batch]),
            np.concatenate([events.timestamps for events in batch]),
        )
        self._n_learned += len(batch)
        self._users_out.mark(outcome.touched_user_rows, start)
        self._items_out.mark(outcome.touched_item_rows, start)
        self._items_out.mark(np.concatenate([e.item_rows for e in batch]), start, go_first=True)
        last, _ = self._learner.model.context.last(outcome.touched_user_rows)
        self._past_out.mark(np.unique(last[last >= 0]), start)
        self._free_at = start + pace.step_s + len(batch) * pace.event_s
        self._publish(self._free_at)

    def _publish(self, now: float) -> None:
        self._users_out.publish_if_due(now, self._users_of)
        self._items_out.publish_if_due(now, self._items_of)
        self._past_out.publish_if_due(now, self._past_of)

    def _users_of(self, rows: Rows) -> dict[int, _User]:
        model = self._learner.model
        last, seconds = model.context.last(rows)
        torch_rows = torch.from_numpy(rows)
        vectors, aging = aging_vectors(model, torch_rows, model.past_of(torch_rows))
        users = {}
        columns = rows.tolist(), vectors.numpy(), aging, last.tolist(), seconds.tolist()
        for row, vector, of_time, items, times in zip(*columns, strict=True):
            known = [(item, second) for item, second in zip(items, times, strict=True) if item >= 0]
            users[row] = _User(vector, of_time, known, self._n_learned)
        return users

    def _items_of(self, rows: Rows) -> tuple[Rows, NDArray[np.float32]]:
        return rows, self._learner.model.item_vectors(torch.from_numpy(rows)).numpy()

    def _past_of(self, rows: Rows) -> dict[int, NDArray[np.float32]]:
        vectors = self._learner.model.past_vectors(torch.from_numpy(rows)).numpy()
        return dict(zip(rows.tolist(), vectors, strict=True))


_NOBODY = _User(None, b"", [], 0)
