"""Step 5 of the trainer's loop: what was learned goes out, beside the learning.

Publications hold absolute values and set memberships only, copied when they are made: doing one twice changes
nothing, and doing an older one again before a newer one ends in the newer one's state.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from threading import Event
from typing import NamedTuple

from streamrec.domain.generations.changelog import changelog_key, changelog_writer, key_before
from streamrec.domain.ranking.published_blend import Blend
from streamrec.errors import Unavailable
from streamrec.log_limits import warn_seldom
from streamrec.ports import (
    ITEM_VECTORS,
    REJECTED,
    USER_VECTORS,
    CachePublisher,
    EventSink,
    Fence,
    Lease,
    Message,
    Metrics,
    Neighbours,
    TrainerStore,
)
from streamrec.process.retries import patiently
from streamrec.process.work_queue import WorkQueue
from streamrec.publishing.neighbour_queue import NeighbourQueue
from streamrec.publishing.publications import Gathered, Status, UserPublication
from streamrec.telemetry import timed
from streamrec.wire import VectorRecord, encode_vector

_KINDS = {ITEM_VECTORS: "items", USER_VECTORS: "user_vectors"}
"""Topics of vectors, and what their queues and metrics are called."""

_MOST_SKIPPED = 15
"""Statuses, of one a second: a cache that comes back is noticed within this."""


class Sinks(NamedTuple):
    """Logs, store and cache that publications go to."""

    events: EventSink
    vectors: EventSink
    store: TrainerStore
    cache: CachePublisher


class Changelog(NamedTuple):
    """Keys and context of a generation's vectors in their logs.

    Attributes
    ----------
    slot
        0 or 1: generations that are served side by side have different keys there, see `changelog_key`.
    commands_read
        Returns the next offset of the commands that were carried out; None: not known.
    """

    generation: str
    slot: int
    commands_read: Callable[[], int | None]


class Publisher:
    """Publishes in threads of its own, and retries what may succeed later.

    Users, item vectors, user vectors and status have a queue each: a user's document does not wait behind
    two thousand item vectors, which may be a fifth of a second old anyway. Within a queue all goes in order.

    Parameters
    ----------
    lease
        Returns the lease in hand or raises `LeaseLost`: asked before every publication.
    is_giving_up
        Set to stop waiting for stores that do not answer.

    Attributes
    ----------
    neighbours
        Queue of the neighbours to publish.
    n_cache_failures
        How often in all the cache did not take a status.
    wish
        Number of a wish for all users, beside those whom the stream changes; None: there is none.
    """

    def __init__(
        self,
        sinks: Sinks,
        changelog: Changelog,
        lease: Callable[[], Lease],
        metrics: Metrics,
        is_giving_up: Event,
    ) -> None:
        self._sinks = sinks
        self._changelog = changelog
        self._lease = lease
        self._metrics = metrics
        self._patiently = patiently(is_giving_up, metrics)
        self._users, self._status = WorkQueue("users"), WorkQueue("status")
        self._vectors = {topic: WorkQueue(kind) for topic, kind in _KINDS.items()}
        self.neighbours = NeighbourQueue(sinks.cache, metrics)
        self.n_cache_failures = 0
        self.wish: int | None = None
        self._n_failures_in_turn = self._n_skipped_statuses = 0

    def claim_changelog(self) -> None:
        """Let no earlier trainer publish vectors under the generation's keys any more.

        Raises
        ------
        LeaseLost
            When a later trainer does.
        """
        self._sinks.vectors.append(ITEM_VECTORS, [], self._fence(self._lease()))

    def _fence(self, lease: Lease) -> Fence:
        return Fence(changelog_writer(self._changelog.slot), lease.token)

    def is_free_for_users(self) -> bool:
        """Return whether the last users handed over are out."""
        return self._users.is_free()

    def is_free_for_vectors(self, topic: str) -> bool:
        """Return whether the last vectors handed over for a topic are out."""
        return self._vectors[topic].is_free()

    def users_took_s(self) -> float:
        """Return the seconds that the last publication of users took."""
        return self._users.last_took_s

    def vectors_took_s(self, topic: str) -> float:
        """Return the seconds that the last publication of a topic's vectors took."""
        return self._vectors[topic].last_took_s

    def publish_users(self, publication: UserPublication) -> None:
        """Hand over; waits for the last such publication, so that a slow store slows the loop.

        Raises
        ------
        StreamrecError
            What the last one failed of for good.
        """
        self._users.submit(partial(self._patiently, self._write_users, publication))

    def publish_vectors(self, topic: str, vectors: Sequence[tuple[str, bytes | None]]) -> None:
        """Hand over ids with (D + 1,) float32 little-endian, or None for a tombstone; like users."""
        gathered = Gathered(vectors, time.time(), self._changelog.commands_read())
        self._vectors[topic].submit(partial(self._patiently, self._write_vectors, topic, gathered))

    def fulfil(self, wish: int) -> None:
        """Note, once all that was handed over is out, that all users of a wish are."""

    def publish_neighbours(self, neighbours: Mapping[str, Neighbours]) -> None:
        """Hand over the neighbours of some items; none for an item that is gone."""
        self.neighbours.publish(neighbours)

    def drop_neighbours_but(self, item_ids: Collection[str]) -> None:
        """Hand over that the neighbours of all other items are to be removed."""
        self.neighbours.drop_all_but(item_ids)

    def publish_status(self, make_status: Callable[[], Status], make_blend: Callable[[], Blend]) -> None:
        """Hand over what the hot cache shows; it is not even made when it can't go out.

        Without effect while the last status is under way, and for a while after the cache did not answer.
        """
        if self._n_skipped_statuses:
            self._n_skipped_statuses -= 1
        elif self._status.is_free():
            self._status.submit(partial(self._write_status, make_status()))

    def drain(self) -> None:
        """Wait until everything handed over is durable; raises what failed for good."""
        for queue in self._queues():
            queue.drain()

    def handed_over(self) -> list[Future[None]]:
        """Return the last pieces that a checkpoint counts as published; those before are out."""
        pieces = [queue.last() for queue in (self._users, *self._vectors.values())]
        return [piece for piece in pieces if piece is not None]

    def close(self) -> None:
        """End the threads. What is not published by now will be after a restart from the checkpoint."""
        for queue in self._queues():
            queue.close()

    def _queues(self) -> list[WorkQueue | NeighbourQueue]:
        return [self._users, *self._vectors.values(), self._status, self.neighbours]

    def _write_users(self, publication: UserPublication) -> None:
        lease = self._lease()
        with timed(self._metrics, "publish.users"):
            self._sinks.events.append(REJECTED, publication.rejected)
            # Whoever came back after having been erased is in the updates, with what came since and no more.
            if publication.forgotten_users:
                self._sinks.store.forget_users(publication.forgotten_users, lease)
            if any(publication.updates):
                self._sinks.store.publish_users(publication.updates, lease)
        self._metrics.count("published.users", len(publication.updates.states))

    def _write_vectors(self, topic: str, gathered: Gathered) -> None:
        fence, vectors = self._fence(self._lease()), gathered.vectors
        with timed(self._metrics, f"publish.{_KINDS[topic]}"):
            messages = [self._message(id_, vector, gathered, fence.token) for id_, vector in vectors]
            gone = [key_before(id_, self._changelog.slot) for id_, vector in vectors if vector is None]
            messages += [Message(key, None) for key in gone if key is not None]
            self._sinks.vectors.append(topic, messages, fence)
        self._metrics.count(f"published.{_KINDS[topic]}", len(vectors))

    def _message(self, id_: str, vector: bytes | None, gathered: Gathered, token: int) -> Message:
        key = changelog_key(id_, self._changelog.slot)
        record = VectorRecord(
            generation=self._changelog.generation,
            vector=vector,
            published_at=gathered.at,
            item_id=None if key == id_ else id_,
            token=token,
            commands_read=gathered.commands_read,
        )
        return Message(key, encode_vector(record), is_last=vector is None)

    def _write_status(self, status: Status) -> None:
        try:
            with timed(self._metrics, "publish.status"):
                if status.items:
                    self._sinks.cache.publish_items(status.items, status.versions)
                if status.names is not None:
                    self._sinks.cache.drop_popular_but(status.names)
                self._sinks.cache.publish_popular(status.rankings)
                self._sinks.cache.publish_counters(status.counters)
                self._sinks.cache.publish_blend(status.blend)
                if status.report is not None:
                    self._sinks.cache.publish_report(status.report, status.points)
            self._n_failures_in_turn = 0
        except Unavailable as error:
            # The next status replaces this one anyway: the stream need not wait for the cache.
            self.n_cache_failures += 1
            self._n_failures_in_turn += 1
            self._n_skipped_statuses = min(2**self._n_failures_in_turn - 1, _MOST_SKIPPED)
            self._metrics.count("cache_failures")
            warn_seldom("cache_unavailable", error=str(error))
