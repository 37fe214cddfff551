"""Publishing of vectors to the changelog, with a bounded share of the time.

Whatever moves often is published once for many events. Item vectors follow within a fifth of a second, for
lists are made of them. User vectors may be a few seconds old: those that lists are made with are in the
users' documents, and these are for finding similar users, see `user_similarity`.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.learning.state.dirty_rows import DirtyRows
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.learning.user_similarity import user_similarities
from streamrec.ports import ITEM_VECTORS, USER_VECTORS
from streamrec.process.retries import pause_after
from streamrec.publishing.publisher import Publisher
from streamrec.publishing.views import item_vectors
from streamrec.settings.processes import TrainerSettings

VectorsOf = Callable[[NDArray[np.int64]], list[tuple[str, bytes]]]
"""Ids and vectors of rows, of those that live."""


class Pace(NamedTuple):
    """Limits on the rate at which vectors are published.

    Attributes
    ----------
    interval_s
        From one publication to the next, at least.
    share
        Of the time, spent on them at most: a busy stream moves nearly every row, and a slow log would take
        all the time that learning needs. 0: vectors are not published, but what is gone is.
    max_vectors
        In one publication.
    max_moved
        Of these, rows at most that merely moved, as what choices stood against; none: all may.
    """

    interval_s: float
    share: float
    max_vectors: int
    max_moved: int | None = None


class VectorPublishing:
    """Hands over the vectors of one topic that changed, and the ids that are gone, when it is time for it.

    Parameters
    ----------
    dirty
        Rows that wait.
    now
        Unix seconds of the first publication.
    """

    def __init__(
        self,
        topic: str,
        dirty: DirtyRows,
        vectors_of: VectorsOf,
        publisher: Publisher,
        pace: Pace,
        now: float,
    ) -> None:
        self._topic = topic
        self._dirty = dirty
        self._vectors_of = vectors_of
        self._publisher = publisher
        self._pace = pace
        self._gone: list[str] = []
        self._due = now

    def drop(self, ids: Sequence[str]) -> None:
        """Note ids that are gone: theirs are taken out of the changelog."""
        self._gone += ids

    def publish_if_due(self, now: float, seconds: Callable[[], float] = time.perf_counter) -> None:
        """Hand over some of those that wait, unless the last ones are still under way.

        Parameters
        ----------
        seconds
            Tells how long it took to gather them: it counts towards the share, too.
        """
        if now < self._due or not self._publisher.is_free_for_vectors(self._topic):
            return
        started = seconds()
        self.publish()
        took_s = seconds() - started + self._publisher.vectors_took_s(self._topic)
        pause_s = pause_after(took_s, self._pace.share) if self._pace.share else 0.0
        self._due = now + max(self._pace.interval_s, pause_s)

    @property
    def is_free(self) -> bool:
        """Whether what is gone can be handed over without waiting for the last ones."""
        return not self._gone or self._publisher.is_free_for_vectors(self._topic)

    def publish_gone(self) -> None:
        """Hand over what is gone, if anything: nothing else knows of it. Vectors know that they wait."""
        if self._gone:
            self.publish()

    def publish(self) -> None:
        """Hand over what is gone, and some of those that wait; waits for the last ones."""
        gone, self._gone = self._gone, []
        # Tombstones first: an id that came back meanwhile must end with its vector.
        vectors: list[tuple[str, bytes | None]] = [(id_, None) for id_ in gone]
        if self._pace.share:
            vectors += self._vectors_of(self._dirty.take(self._pace.max_vectors, self._pace.max_moved))
        if vectors:
            self._publisher.publish_vectors(self._topic, vectors)


def publishing_of_items(
    state: TrainerState, publisher: Publisher, settings: TrainerSettings, now: float
) -> VectorPublishing:
    """Return what publishes the vectors of items."""
    pace = Pace(
        settings.item_publish_interval_s,
        settings.item_publish_share,
        settings.max_item_vectors,
        settings.max_moved_vectors,
    )
    vectors_of = partial(item_vectors, state)
    return VectorPublishing(
        ITEM_VECTORS, dirty=state.dirty_items, vectors_of=vectors_of, publisher=publisher, pace=pace, now=now
    )


def publishing_of_users(
    state: TrainerState, publisher: Publisher, settings: TrainerSettings, now: float
) -> VectorPublishing:
    """Return the publishing of users' similarity vectors."""
    pace = Pace(settings.user_publish_interval_s, settings.user_publish_share, settings.max_user_vectors)
    vectors_of = partial(user_similarities, state)
    return VectorPublishing(
        USER_VECTORS, dirty=state.dirty_users, vectors_of=vectors_of, publisher=publisher, pace=pace, now=now
    )
