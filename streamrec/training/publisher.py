"""Step 6 of the trainer's loop: what was learned goes out, in order, beside the learning.

A publication holds absolute values and set memberships only, copied when it is made: doing one twice
changes nothing, and doing an older one again before a newer one ends in the newer one's state.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import NamedTuple

import structlog

from streamrec.errors import Unavailable
from streamrec.ports import (
    ITEM_VECTORS,
    REJECTED,
    CachePublisher,
    EventSink,
    Lease,
    Message,
    Metrics,
    RankedItem,
    TrainerStore,
    UserUpdates,
)
from streamrec.telemetry import timed
from streamrec.training.patience import patiently
from streamrec.wire import VectorRecord, encode_vector

_N_WAITING = 2
"""Publications under way at most: more would only be staler when their turn comes."""


class Publication(NamedTuple):
    """What one step of the loop, or several together, changed.

    Attributes
    ----------
    rejected
        For the rejected topic.
    users
        States and seen pairs for the document store.
    forgotten_users
        Ids whose state and seen pairs are deleted.
    item_vectors
        (item_id, (D + 1,) float32 little-endian, or None for a tombstone).
    rankings, counters
        For the hot cache.
    """

    rejected: Sequence[Message] = ()
    users: UserUpdates = UserUpdates((), ())
    forgotten_users: Sequence[str] = ()
    item_vectors: Sequence[tuple[str, bytes | None]] = ()
    rankings: Mapping[str, Sequence[RankedItem]] = {}
    counters: Mapping[str, float] = {}


class Outlets(NamedTuple):
    """Where publications go."""

    events: EventSink
    vectors: EventSink
    store: TrainerStore
    cache: CachePublisher


class Publisher:
    """Publishes in a thread of its own, in the order of submission; retries what may succeed later.

    Parameters
    ----------
    lease
        Returns the lease in hand or raises `LeaseLost`: asked before every publication.
    is_giving_up
        Set to stop waiting for stores that do not answer.
    """

    def __init__(
        self,
        outlets: Outlets,
        generation: str,
        lease: Callable[[], Lease],
        metrics: Metrics,
        is_giving_up: Event,
    ) -> None:
        self._outlets = outlets
        self._generation = generation
        self._lease = lease
        self._metrics = metrics
        self._patiently = patiently(is_giving_up, metrics)
        self._waiting: deque[Future[None]] = deque()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="publisher")

    def submit(self, publication: Publication) -> None:
        """Hand over; waits while too many are under way, so that a slow store slows the loop.

        Raises
        ------
        StreamrecError
            What an earlier publication failed of for good.
        """
        while self._waiting and (len(self._waiting) >= _N_WAITING or self._waiting[0].done()):
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(self._publish, publication))

    def drain(self) -> None:
        """Wait until everything handed over is durable; raises like `submit`."""
        while self._waiting:
            self._waiting.popleft().result()

    def close(self) -> None:
        """End the thread. What is not published by now will be after a restart from the checkpoint."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _publish(self, publication: Publication) -> None:
        with timed(self._metrics, "trainer.publish"):
            self._patiently(self._publish_durably, publication)
            self._publish_to_cache(publication)

    def _publish_durably(self, publication: Publication) -> None:
        lease = self._lease()
        outlets = self._outlets
        outlets.events.append(REJECTED, publication.rejected)
        if publication.users.states or publication.users.seen:
            outlets.store.publish_users(publication.users, lease)
        if publication.forgotten_users:
            outlets.store.forget_users(publication.forgotten_users, lease)
        if publication.item_vectors:
            now = time.time()
            messages = [
                Message(item_id, encode_vector(VectorRecord(self._generation, vector, now)))
                for item_id, vector in publication.item_vectors
            ]
            outlets.vectors.append(ITEM_VECTORS, messages)

    def _publish_to_cache(self, publication: Publication) -> None:
        try:
            if publication.rankings:
                self._outlets.cache.publish_popular(publication.rankings)
            if publication.counters:
                self._outlets.cache.publish_counters(publication.counters)
        except Unavailable as error:
            # The next publication replaces this one anyway: the stream need not wait for the cache.
            self._metrics.count("trainer.cache_failures")
            structlog.get_logger().warning("cache_unavailable", error=str(error))
