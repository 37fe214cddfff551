"""A generation becomes champion on the running stream: what is asked, what was missed, who is published.

The champion learns what the log holds, checkpoints and gives its lease up. Whoever has the lease then goes on
with the new generation, and publishes what the old champion no longer did: pairs and misfits between the
place where that one committed and the place where the new one stands, and then all users with their new
vectors. Only then is the new generation the live one. Index servers hold both all the while, and each user's
document says which of them its vector belongs to: nobody waits, and no list is of two.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import structlog

from streamrec.domain.events.erasure import VoidEvents
from streamrec.domain.events.repeats import RecentIds
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.generations.roles import Promotion, PromotionRequest, Roles
from streamrec.errors import CorruptArtifact, InvalidInput, LogTruncated
from streamrec.learning.commands import erased_users
from streamrec.learning.decoding import decode
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.pending import Pending
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import (
    EventSource,
    Metrics,
    Offsets,
    Record,
    RoleRecord,
    UserUpdates,
    n_between,
)
from streamrec.process.erasures import ErasureReader
from streamrec.publishing.publications import UserPublication
from streamrec.publishing.publisher import Publisher
from streamrec.publishing.views import user_states
from streamrec.telemetry import Digest
from streamrec.trainer.stream import StreamTrainer

_USERS_AT_ONCE = 1000
"""Users in one transaction of the store: some tens of milliseconds, for which the stream's users wait."""

_POLL_AT_ONCE = 8192

_log = structlog.get_logger()


class AskedPromotions:
    """Decides which of the promotions that were asked for is to be carried out.

    A request stays in the trainer's state, and so in its checkpoints, until it is refused or begun: a crash
    behind the command's place in the log does not lose it.

    Attributes
    ----------
    promotion
        The one that is to be carried out; None: none.
    """

    def __init__(self, roles: RoleRecord, artifacts_dir: Path, metrics: Metrics) -> None:
        self._roles = roles
        self._artifacts_dir = artifacts_dir
        self._metrics = metrics
        self._unreadable = Digest("roles_unreadable")
        self.promotion: Promotion | None = None

    def decide(self, requests: list[PromotionRequest]) -> bool:
        """Remove those that come to nothing; return whether there is one to carry out.

        While the roles can't be read, requests wait.
        """
        while requests and self.promotion is None:
            try:
                roles = self._roles.read()
            except CorruptArtifact as error:
                self._unreadable.note(1, str(error))
                return False
            self.promotion = self._decided(requests[0], roles)
            if self.promotion is None:
                del requests[0]
        return self.promotion is not None

    def _decided(self, request: PromotionRequest, roles: Roles) -> Promotion | None:
        if roles.is_known(request):
            return None  # a checkpoint from before its beginning brought it back
        try:
            promotion = roles.next_promotion(*request)
            Checkpoints(self._artifacts_dir, promotion.champion).check()
        except (InvalidInput, CorruptArtifact) as error:
            self._metrics.count("promotions.refused")
            _log.warning(
                "promotion_refused", command=request.name, generation=request.generation, error=str(error)
            )
            return None
        return promotion


def place_of_champions(source: EventSource) -> Offsets:
    """Return where the last champion committed: all up to there was published."""
    return _earlier(source.committed(), source.end_offsets())


def publish_missed(
    source: EventSource,
    since: Offsets,
    until: Offsets,
    weights: EventWeights,
    publisher: Publisher,
    erasures: ErasureReader,
) -> None:
    """Publish pairs and misfits that the champion before did not, and that the new one learned already.

    Parameters
    ----------
    since
        From `place_of_champions`.
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
            erased = erasures.note(missed, read_before)
            publisher.publish_users(_publication_of(missed, weights, erased, erasures.void))
    except LogTruncated as error:
        _log.warning("missed_events_are_gone", error=str(error))
    publisher.drain()


def _earlier(places: Offsets, ends: Offsets) -> Offsets:
    return {
        topic: {
            number: min(place, ends.get(topic, {}).get(number, 0)) for number, place in partitions.items()
        }
        for topic, partitions in places.items()
    }


def _offset_of(places: Offsets, record: Record) -> int:
    return places.get(record.topic, {}).get(record.partition, 0)


def _publication_of(
    records: list[Record], weights: EventWeights, erased: list[str], void: VoidEvents
) -> UserPublication:
    decoded = decode(records, RecentIds(1), void)  # pairs are a set: a repeat adds nothing
    pending = Pending()
    gone = [*erased, *erased_users(decoded.commands)]
    pending.forget_users(gone, [-1] * len(gone))
    seen = [
        (event.user_id, event.item_id, event.timestamp)
        for event in decoded.events
        if weights.of(event.type, event.value) != 0
    ]
    return UserPublication(UserUpdates([], seen), pending.forgotten_users, decoded.rejected)


def catch_up(
    trainer: StreamTrainer, source: EventSource, until: Offsets, should_stop: Callable[[], bool]
) -> None:
    """Learn up to where the champion before stood: an erased user must not come back with an older state."""
    while n_between(source.next_offsets(), until) and not should_stop():
        trainer.step()


def publish_all_users(
    trainer: StreamTrainer, state: TrainerState, publisher: Publisher, should_stop: Callable[[], bool]
) -> bool:
    """Publish every user's state, and learn on meanwhile; False when told to stop before the end."""
    n_users = state.user_ids.n_rows  # those who come later are published by the loop
    for first in range(0, n_users, _USERS_AT_ONCE):
        if should_stop():
            return False
        rows = np.arange(first, min(first + _USERS_AT_ONCE, n_users))
        publisher.publish_users(UserPublication(UserUpdates(user_states(state, rows), []), [], []))
        trainer.step()
    publisher.drain()
    return not should_stop()
