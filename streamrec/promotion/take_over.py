"""A take-over: a generation becomes champion on the running stream.

The champion learns what the log holds, checkpoints and gives its lease up. Whoever has the lease then goes on
with the new generation, and publishes what the old champion no longer did: pairs and invalid records between
the offsets that that one committed and those where the new one stands, and then all users with their new
vectors. Only then is the new generation the live one. Index servers hold both all the while, and each user's
document says which of them its vector belongs to: nobody waits, and no list is of two.
"""

from collections.abc import Callable, Sequence

import numpy as np
import structlog
from numpy.typing import NDArray

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.repeats import RecentIds
from streamrec.errors import LogTruncated
from streamrec.learning.state.sights import sights_of
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import EventSource, Offsets, Record, UserUpdates, n_between
from streamrec.process.decoding import Batch, read_batch
from streamrec.process.erasures import ErasureReader
from streamrec.process.stream_loop import StreamLoop
from streamrec.publishing.all_users import USERS_AT_ONCE
from streamrec.publishing.publications import UserPublication
from streamrec.publishing.publisher import Publisher
from streamrec.publishing.rejections import rejection
from streamrec.publishing.views import user_states

_POLL_AT_ONCE = 8192

_REPEATS_WITHIN = 100_000
"""Events among which one that comes again shows nothing, as it does in the loop."""

_log = structlog.get_logger()


def committed_by_champions(source: EventSource) -> Offsets:
    """Return the offsets that the last champion committed: all up to there was published."""
    return _earlier(source.committed(), source.end_offsets())


def publish_missed(
    source: EventSource,
    *,
    since: Offsets,
    until: Offsets,
    weights_of: Callable[[Sequence[Interaction]], NDArray[np.float64]],
    publisher: Publisher,
    erasures: ErasureReader,
) -> None:
    """Publish pairs and invalid records that the champion before did not, and the new one learned already.

    As in the loop, repeats and events of deleted items show nothing.

    Parameters
    ----------
    since
        From `committed_by_champions`.
    until
        The new champion's next offsets.
    weights_of
        Returns (B,) what events weigh; zero: the event shows nothing.
    erasures
        Of the log from `since` on.
    """
    repeats = RecentIds(_REPEATS_WITHIN)
    try:
        source.seek(_earlier(since, until))
        while n_between(read_before := source.next_offsets(), until):
            records = source.poll(_POLL_AT_ONCE, timeout_s=1.0)
            missed = [record for record in records if record.offset < _offset_of(until, record)]
            batch = read_batch(missed, read_before, repeats, erasures)
            publisher.publish_users(_publication_of(batch, weights_of(batch.events)))
    except LogTruncated as error:
        _log.warning("missed_events_are_gone", error=str(error))
    publisher.drain()


def _earlier(offsets: Offsets, ends: Offsets) -> Offsets:
    return {
        topic: {
            number: min(offset, ends.get(topic, {}).get(number, 0)) for number, offset in partitions.items()
        }
        for topic, partitions in offsets.items()
    }


def _offset_of(offsets: Offsets, record: Record) -> int:
    return offsets.get(record.topic, {}).get(record.partition, 0)


def _publication_of(batch: Batch, weights: NDArray[np.float64]) -> UserPublication:
    seen, unseen = sights_of(batch.events, weights.tolist())
    rejected = [rejection(invalid) for invalid in batch.invalid]
    return UserPublication(UserUpdates([], seen, unseen), batch.erased_users, rejected)


def catch_up(loop: StreamLoop, source: EventSource, until: Offsets, should_stop: Callable[[], bool]) -> None:
    """Learn up to where the champion before stood: an erased user must not come back with an older state."""
    while n_between(source.next_offsets(), until) and not should_stop():
        loop.step()


def publish_all_users(
    loop: StreamLoop, state: TrainerState, publisher: Publisher, should_stop: Callable[[], bool]
) -> bool:
    """Publish every user's state, and learn on meanwhile; False when told to stop before the end."""
    n_users = state.user_ids.n_rows  # those who come later are published by the loop
    for first in range(0, n_users, USERS_AT_ONCE):
        if should_stop():
            return False
        rows = np.arange(first, min(first + USERS_AT_ONCE, n_users))
        publisher.publish_users(UserPublication(UserUpdates(user_states(state, rows), []), [], []))
        loop.step()
    publisher.drain()
    return not should_stop()
