"""A take-over: a generation becomes champion on the running stream.

The champion learns what the log holds, checkpoints and gives its lease up. Whoever has the lease then goes on
with the new generation, and publishes what the old champion no longer did: pairs and invalid records between
the offsets that that one committed and those where the new one stands, and then all users with their new
vectors. Only then is the new generation the live one. Index servers hold both all the while, and each user's
document says which of them its vector belongs to: nobody waits, and no list is of two.
"""

from collections.abc import Callable

import numpy as np
import structlog

from streamrec.domain.events.repeats import RecentIds
from streamrec.domain.events.weights import EventWeights
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

_log = structlog.get_logger()


def committed_by_champions(source: EventSource) -> Offsets:
    """Return the offsets that the last champion committed: all up to there was published."""
    return _earlier(source.committed(), source.end_offsets())


def publish_missed(
    source: EventSource,
    *,
    since: Offsets,
    until: Offsets,
    weights: EventWeights,
    publisher: Publisher,
    erasures: ErasureReader,
) -> None:
    """Publish pairs and invalid records that the champion before did not, and the new one learned already.

    Parameters
    ----------
    since
        From `committed_by_champions`.
    until
        The new champion's next offsets.
    erasures
        Of the log from `since` on.
    """
    try:
        source.seek(_earlier(since, until))
        while n_between(read_before := source.next_offsets(), until):
            records = source.poll(_POLL_AT_ONCE, timeout_s=1.0)
            missed = [record for record in records if record.offset < _offset_of(until, record)]
            # Pairs are a set: a repeat adds nothing, and none is taken out that came after it.
            batch = read_batch(missed, read_before, RecentIds(1), erasures)
            publisher.publish_users(_publication_of(batch, weights))
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


def _publication_of(batch: Batch, weights: EventWeights) -> UserPublication:
    events = batch.events
    seen, unseen = sights_of(events, [weights.of(event.type, event.value) for event in events])
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
