"""Incremental training: the loop that reads the stream, learns from it and publishes.

The numbered protocol; the code names the same steps::

    1. poll        a micro-batch, bounded by size and by time
    2. decode      what does not fit goes to the rejected topic
    3. drop        repeats by event id
    4. evaluate    a sample: predict before learning
    5. learn       and grow where ids are new
    6. publish     absolute values, never increments
    7. checkpoint  now and then: state and next offsets in one rename
    8. commit      those offsets, for the lag tools

A restart goes on from the checkpoint's offsets. Whatever was done after it is done again, and because
publishing is idempotent nothing counts twice: a crash at any point replays and never skips.
"""

from collections.abc import Sequence

import numpy as np

from streamrec.errors import Unavailable
from streamrec.learning.absorb import LearningRules, absorb
from streamrec.learning.commands import carry_out, changed_items, commands_read, erase_users, erased_users
from streamrec.learning.decoding import KeyedCommand, count_decoded, decode
from streamrec.learning.eviction import Eviction
from streamrec.learning.state.categories import ItemCategories
from streamrec.learning.state.hidden_items import follow
from streamrec.learning.state.pending import Pending
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.log_limits import warn_seldom
from streamrec.ports import Offsets, Record, UserUpdates
from streamrec.process.commits import Commits
from streamrec.process.progress import Progress
from streamrec.process.retries import patiently
from streamrec.publishing.neighbours import NeighbourPublishing
from streamrec.publishing.publications import UserPublication
from streamrec.publishing.rankings import RankingPublishing
from streamrec.publishing.vectors import publishing_of_items, publishing_of_users
from streamrec.publishing.views import blend_gauges, state_gauges, user_states
from streamrec.settings.processes import TrainerSettings
from streamrec.shadow.live_evaluation import LiveEvaluation
from streamrec.telemetry import Digest, timed
from streamrec.trainer.surroundings import Surroundings

_MOST_PENDING = 4096
"""Seen pairs that wait for a slow store; then the loop waits with them, and memory stays bounded."""

_STATUS_SHARE = 0.05
"""Rankings of a large catalogue take long to make: they get at most this share of the time."""


class StreamTrainer:
    """One active trainer over all partitions, standing where its state's checkpoint was written."""

    def __init__(
        self,
        state: TrainerState,
        surroundings: Surroundings,
        rules: LearningRules,
        categories: ItemCategories,
        settings: TrainerSettings,
    ) -> None:
        self._state, self._with = state, surroundings
        self._rules, self._categories, self._settings = rules, categories, settings
        self._patiently = patiently(surroundings.stop.is_giving_up, surroundings.metrics)
        self._evaluation = LiveEvaluation(
            state, settings.evaluations_per_s, settings.covisitation.n_published, surroundings.live_index
        )
        now = surroundings.clock()
        self._neighbours = NeighbourPublishing(state, surroundings.publisher, settings.covisitation, now)
        self._item_vectors = publishing_of_items(state, surroundings.publisher, settings, now)
        self._user_vectors = publishing_of_users(state, surroundings.publisher, settings, now)
        self._rankings = RankingPublishing(state, categories, surroundings.publisher)
        self._pending, self._rejections = Pending(), Digest("records_rejected")
        surroundings.publisher.commands_read = commands_read(surroundings.source)
        self._eviction = Eviction(state, settings, surroundings.metrics)
        self._is_superseded = False
        self._status_due, self._checkpoint_due = now, now + settings.checkpoint_interval_s
        hidden, next_offsets = categories.hidden, surroundings.source.next_offsets()
        self._checkpointed_offsets = next_offsets if hidden == state.hidden_items else None
        # What was hidden or shown while nobody followed the commands, or before there was this generation.
        self._item_vectors.drop(follow(state, hidden | state.hidden_items, hidden, now))
        self._progress = Progress(surroundings.source, now)
        self._commits = Commits(surroundings.source, surroundings.metrics)

    def begin_another_log(self) -> None:
        """Publish all vectors and deletions again, and checkpoint after the first step.

        A log that was replaced or cut took what index servers read along; and whoever crashes from now on
        must not meet the old log's offsets again.
        """
        now = self._with.clock()
        self._item_vectors.drop(sorted({*self._state.deleted_items, *self._state.hidden_items}))
        self._state.dirty_items.mark(np.arange(self._state.item_ids.n_rows), now)
        self._state.dirty_users.mark(np.arange(self._state.user_ids.n_rows), now)
        self._checkpointed_offsets, self._checkpoint_due = None, 0.0

    def run(self) -> None:
        """Work until told to stop or superseded; then learn what the log holds already, and checkpoint.

        Raises
        ------
        LeaseLost, UnsoundModel
            When another trainer took over, or the model is damaged; nothing more may be written then.
        """
        while not (self._with.stop.is_stopping.is_set() or self._is_superseded):
            self.step()
        self._finish()

    def erase(self, user_ids: Sequence[str]) -> None:
        """Forget users, here and outside; unknown ones outside alone."""
        erase_users(user_ids, self._state, self._pending)
        self._user_vectors.drop(user_ids)

    def step(self) -> int:
        """Do one round of the protocol; return the number of records read."""
        self._patiently(self._with.lease.renew_if_due)
        read_before = self._with.source.next_offsets()
        with timed(self._with.metrics, "poll"):
            records = self._patiently(
                self._with.source.poll, self._settings.max_batch, self._settings.poll_timeout_s
            )  # Step 1
        if records:
            self._learn_from(records, read_before)  # Steps 2 to 5
        now = self._with.clock()
        self._publish_what_is_due(now)  # Step 6
        if now >= self._checkpoint_due:
            self._try_checkpoint()  # Steps 7 and 8
        return len(records)

    def _learn_from(self, records: list[Record], read_before: Offsets) -> None:
        metrics = self._with.metrics
        self._progress.note(records)
        metrics.count("records", len(records))
        erasures = self._with.erasures
        self.erase(self._patiently(erasures.note, records, read_before))
        with timed(metrics, "decode"):
            decoded = decode(records, self._state.repeats, erasures.void)  # Steps 2 and 3
        erasures.settle(self._with.source.next_offsets())
        count_decoded(decoded, self._state.counters, metrics, self._rejections)
        self._pending.rejected += decoded.rejected
        self._carry_out(decoded.commands)
        if not decoded.events:
            return
        now = self._with.clock()
        with timed(metrics, "evaluate"):
            self._evaluation.sample(decoded.events, self._rules.weights, now)  # Step 4
        with timed(metrics, "learn"):
            absorbed = absorb(self._state, decoded.events, self._rules, now)  # Step 5
        metrics.timing("covisitation", absorbed.covisitation_s * 1000)
        metrics.count("events", len(decoded.events))
        metrics.gauge("loss", absorbed.loss)
        self._pending.add_users(absorbed.user_rows, absorbed.seen)
        self._eviction.step(self._pending, (self._item_vectors, self._neighbours), self._user_vectors)

    def _carry_out(self, commands: list[KeyedCommand]) -> None:
        items = self._patiently(changed_items, commands, self._with.store)
        gone = carry_out(commands, items, self._state, self._categories, self._pending, self._with.clock())
        self._rankings.note_changes(items)
        self._item_vectors.drop([*gone.deleted, *gone.hidden])
        self._neighbours.drop(gone.deleted)
        self._user_vectors.drop(erased_users(commands))
        self._with.publisher.commands_read = commands_read(self._with.source)

    def _publish_what_is_due(self, now: float) -> None:
        is_full = len(self._pending.seen) >= _MOST_PENDING
        if self._pending and (is_full or self._with.publisher.is_free_for_users()):
            self._publish_pending()
        for publishing in (self._item_vectors, self._user_vectors, self._neighbours):
            publishing.publish_if_due(now)
        if now >= self._status_due:
            self._publish_status(now)
            self._is_superseded = self._with.is_superseded()
            took_s = self._with.clock() - now
            self._status_due = now + max(self._settings.status_interval_s, took_s / _STATUS_SHARE)

    def _publish_pending(self) -> None:
        pending, self._pending = self._pending, Pending()
        updates = UserUpdates(user_states(self._state, pending.user_rows()), pending.seen)
        self._with.publisher.publish_users(
            UserPublication(updates, pending.forgotten_users, pending.rejected)
        )

    def _publish_vectors(self) -> None:
        for vectors in (self._item_vectors, self._user_vectors):
            vectors.publish()

    def _publish_status(self, now: float) -> None:
        gauges = self._gauges(now)
        for name, value in gauges.items():
            self._with.metrics.gauge(name, value)
        self._with.metrics.count("heartbeats.active")
        counters = self._state.counters.as_numbers() | {"model_reverts": float(self._with.reverts.n)}
        counters |= gauges
        self._evaluation.serving.renew()
        self._with.publisher.publish_status(lambda: self._rankings.status(counters, now))

    def _gauges(self, now: float) -> dict[str, float]:
        return {
            **self._progress.gauges(now),
            "waiting_users": float(self._pending.n_users),
            **state_gauges(self._state, now),
            **blend_gauges(self._state),
            "lease_token": float(self._with.lease.lease.token),
            **self._evaluation.gauges(),
        }

    def _try_checkpoint(self) -> None:
        try:
            self.checkpoint()
        except Unavailable as error:
            # Learning goes on: without a checkpoint a crash costs more replaying, and nothing else.
            self._with.metrics.count("checkpoint_failures")
            warn_seldom("checkpoint_failed", error=str(error))

    def checkpoint(self) -> None:
        """Write down what was learned up to here, if anything, once all of it is published."""
        self._checkpoint_due = self._with.clock() + self._settings.checkpoint_interval_s
        next_offsets = self._with.source.next_offsets()
        if next_offsets == self._checkpointed_offsets:
            self._commits.commit(next_offsets)  # in case the last one failed
            return
        self._publish_pending()
        self._publish_vectors()
        self._with.publisher.drain()
        with timed(self._with.metrics, "checkpoint"):
            self._with.checkpoints.write(self._state, next_offsets, self._with.lease.lease.token)  # Step 7
        self._checkpointed_offsets = next_offsets
        self._with.reverts.settle()
        self._patiently(self._with.lease.renew_if_due)  # a checkpoint takes long, and a commit may
        self._commits.commit(next_offsets)  # Step 8

    def _finish(self) -> None:
        """Learn the tail: what the log held when we were told to stop, within a bounded time."""
        deadline = self._with.clock() + self._settings.tail_s
        n_left = self._progress.what_is_left()
        while n_left() and self._with.clock() < deadline:
            self.step()
        self._status_due = 0.0
        self._publish_what_is_due(self._with.clock())
        self._publish_vectors()
        self.checkpoint()
        self._with.publisher.drain()
