"""GMF with the delays of production: learned in micro-batches, and answered from what was published."""

from collections import deque
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from streamrec.domain.ranking.prequential import Events, Rows, padded
from streamrec.domain.rows.growing import grown
from streamrec.learning.learner import Learner


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
    item_delay_s
        From the publication of item vectors until the index answers with them.
    """

    events_per_s: float
    step_s: float = 0.003
    event_s: float = 0.0001
    max_batch: int = 1024
    user_write_s: float = 0.003
    item_interval_s: float = 0.2
    max_item_vectors: int = 2000
    item_delay_s: float = 0.05


class _Publication(NamedTuple):
    visible_at: float
    of_users: bool
    rows: Rows
    vectors: NDArray[np.float32]


class StreamedGmf:
    """A `Ranker` that follows the trainer's schedule on a simulated clock.

    Time runs by the events: the n-th arrives n / `events_per_s` seconds after the start. It is asked about at
    that moment, is learned once the trainer comes round to it, and shows in answers once what was learned
    has been published.

    Parameters
    ----------
    learner
        Trained on the history; what it knows at first counts as published.
    """

    def __init__(self, learner: Learner, pace: Pace) -> None:
        self._learner = learner
        self._pace = pace
        model = learner.model
        self._users = model.user_vectors(torch.arange(model.users.n_rows)).numpy()
        self._items = model.item_vectors(torch.arange(model.items.n_rows)).numpy()
        self._waiting: deque[tuple[float, Events]] = deque()
        self._under_way: list[_Publication] = []
        self._dirty_users = np.zeros(0, np.int64)
        self._dirty_items = np.zeros(0, np.int64)
        self._n_arrived = 0
        self._free_at = self._users_due = self._items_due = 0.0

    def scores(self, user_row: int, n_items: int) -> NDArray[np.floating]:
        """Return (n_items,) inner products of published vectors; of a user without one, the items' biases."""
        self._live_until(self._n_arrived / self._pace.events_per_s)
        items = self._items[:n_items]
        is_published = user_row < len(self._users) and self._users[user_row, -1] != 0
        return padded(items @ self._users[user_row] if is_published else items[:, -1], n_items)

    def learn(self, events: Events) -> None:
        """Let events arrive; they are learned when their time has come."""
        for index in range(len(events.user_rows)):
            arrival = self._n_arrived / self._pace.events_per_s
            self._waiting.append((arrival, events.at(slice(index, index + 1))))
            self._n_arrived += 1

    def _live_until(self, now: float) -> None:
        while self._waiting and max(self._free_at, self._waiting[0][0]) <= now:
            self._round(max(self._free_at, self._waiting[0][0]))
        # The loop also goes round without events, and publishes what is due.
        while (due := max(self._free_at, self._next_due())) <= now:
            self._free_at = due
            self._publish(due)
        for publication in self._under_way:
            if publication.visible_at <= now:
                self._show(publication)
        self._under_way = [publication for publication in self._under_way if publication.visible_at > now]

    def _next_due(self) -> float:
        of_users = self._users_due if len(self._dirty_users) else np.inf
        return min(of_users, self._items_due if len(self._dirty_items) else np.inf)

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
        self._dirty_users = np.union1d(self._dirty_users, outcome.touched_user_rows)
        # Kept in the order of waiting: what did not fit into one publication comes first in the next.
        fresh = np.setdiff1d(outcome.touched_item_rows, self._dirty_items, assume_unique=True)
        self._dirty_items = np.concatenate([self._dirty_items, fresh])
        self._free_at = start + pace.step_s + len(batch) * pace.event_s
        self._publish(self._free_at)

    def _publish(self, now: float) -> None:
        pace, model = self._pace, self._learner.model
        if len(self._dirty_users) and now >= self._users_due:
            self._users_due = now + pace.user_write_s
            rows, self._dirty_users = self._dirty_users, self._dirty_users[:0]
            vectors = model.user_vectors(torch.from_numpy(rows)).numpy()
            self._under_way.append(_Publication(now + pace.user_write_s, True, rows, vectors))
        if len(self._dirty_items) and now >= self._items_due:
            self._items_due = now + pace.item_interval_s
            rows, self._dirty_items = np.split(self._dirty_items, [pace.max_item_vectors])
            vectors = model.item_vectors(torch.from_numpy(rows)).numpy()
            self._under_way.append(_Publication(now + pace.item_delay_s, False, rows, vectors))

    def _show(self, publication: _Publication) -> None:
        if publication.of_users:
            self._users = _with_room(self._users, publication.rows)
            self._users[publication.rows] = publication.vectors
        else:
            self._items = _with_room(self._items, publication.rows)
            self._items[publication.rows] = publication.vectors


def _with_room(table: NDArray[np.float32], rows: Rows) -> NDArray[np.float32]:
    """Return the table with zeros up to the highest row; a user vector that was given ends in 1."""
    return grown(table, int(rows.max(initial=-1)) + 1)
