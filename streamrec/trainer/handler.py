"""The trainer's part of the stream loop: learning from every event as it arrives, and publishing it."""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.generations.roles import PromotionRequest
from streamrec.learning.absorb import absorb
from streamrec.learning.commands import carry_out, changed_items
from streamrec.learning.eviction import Eviction
from streamrec.learning.state.hidden_items import follow
from streamrec.learning.state.pending import Pending
from streamrec.learning.state.user_cohorts import expect_users, renew_cohorts
from streamrec.ports import Offsets, UserUpdates
from streamrec.process.checkpointing import WrittenBeside
from streamrec.process.decoding import Batch, KeyedCommand
from streamrec.process.retries import patiently
from streamrec.publishing.all_users import AllUsers
from streamrec.publishing.neighbours import NeighbourPublishing
from streamrec.publishing.publications import Status, UserPublication
from streamrec.publishing.rankings import RankingPublishing
from streamrec.publishing.rejections import rejection
from streamrec.publishing.status_report import StatusReporting
from streamrec.publishing.vectors import publishing_of_items, publishing_of_users
from streamrec.publishing.views import blend_gauges, state_gauges, user_states
from streamrec.shadow.live_evaluation import LiveEvaluation
from streamrec.telemetry import Digest, timed
from streamrec.trainer.context import TrainerContext
from streamrec.trainer.published_checkpoint import PublishedCheckpoint

_MOST_PENDING = 4096
"""Seen pairs that wait for a slow store; then the loop waits with them, and memory stays bounded."""


class RoleEnd(Protocol):
    """Knows when a trainer's role ends."""

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""

    def settle(self, requests: Sequence[PromotionRequest]) -> list[PromotionRequest]:
        """Do what is to be done for the role to end; return the requests that wait on."""


class TrainerHandler:
    """Learns one generation, in whatever role it has.

    Parameters
    ----------
    role_end
        None: the role does not end.
    """

    def __init__(self, context: TrainerContext, role_end: RoleEnd | None = None) -> None:
        self._context, self._role_end = context, role_end
        state, settings, publisher = context.state, context.settings, context.publisher
        self._state = state
        self._patiently = patiently(context.stop.is_giving_up, context.metrics)
        self._read_attributes = context.store.read_attributes
        self._evaluation = LiveEvaluation(
            state,
            settings,
            context.live_index,
            context.categories.table,
            context.predicted,
        )
        now = context.clock()
        self._neighbours = NeighbourPublishing(state, publisher, settings.covisitation, now)
        self._item_vectors = publishing_of_items(state, publisher, settings, now)
        self._user_vectors = publishing_of_users(state, publisher, settings, now)
        self._rankings = RankingPublishing(state, context.categories, context.rules.weights, publisher)
        self._report, self._all_users = StatusReporting(state.generation, now), AllUsers(state, publisher)
        self._pending, self._rejections = Pending(), Digest("records_rejected")
        self._pending_since, self._waited_s = now, 0.0
        self._eviction = Eviction(state, settings, context.metrics)
        # What was hidden or shown while nobody followed the commands, or before there was this generation.
        hidden = context.categories.hidden
        self.is_checkpointed = hidden == state.hidden_items and not context.is_new_log
        self._item_vectors.drop(follow(state, hidden | state.hidden_items, hidden, now))
        if context.is_new_log:
            self._publish_all_again(now)
        self._forget_users(context.erased_users)

    def _publish_all_again(self, now: float) -> None:
        """Let all vectors and deletions wait: a log that was replaced took what index servers read along."""
        self._item_vectors.drop(sorted({*self._state.deleted_items, *self._state.hidden_items}))
        self._state.mark_all(now)

    @property
    def is_over(self) -> bool:
        """Whether the generation's role has ended."""
        return self._role_end is not None and self._role_end.is_over

    def handle(self, batch: Batch) -> None:
        """Carry out what was ordered; then predict a sample of the events, and learn them all."""
        self._count(batch)
        self._pending.rejected += map(rejection, batch.invalid)
        self._forget_users(batch.erased_users)
        self._state.promotions_asked += batch.commands.promotions
        if batch.commands.of_items:
            self._change_items(batch.commands.of_items)
        if batch.commands.changed_users:
            self._patiently(renew_cohorts, self._state, batch.commands.changed_users, self._read_attributes)
        if batch.events:
            self._learn(batch.events)

    def _learn(self, events: Sequence[Interaction]) -> None:
        metrics, rules, now = self._context.metrics, self._context.rules, self._context.clock()
        strangers = [event for event in events if event.user_id not in self._state.user_ids]
        new = [event.user_id for event in strangers if rules.weights.of(event.type, event.value)]
        self._patiently(expect_users, self._state, new, self._read_attributes)
        with timed(metrics, "evaluate"):
            self._evaluation.sample(events, rules.weights, now)
        with timed(metrics, "learn"):
            absorbed = absorb(self._state, events, rules, now)
        metrics.timing("covisitation", absorbed.covisitation_s * 1000)
        metrics.count("events", len(events))
        metrics.gauge("loss", absorbed.loss)
        self._pending_since = self._pending_since if self._pending else now
        self._pending.add_users(absorbed.user_rows, absorbed.seen, absorbed.unseen)
        evicted = self._eviction.take()
        self._forget_users(evicted.user_ids)
        self._state.forget_items(evicted.item_ids)
        self._context.categories.contents.forget(evicted.item_ids)
        self._drop_items(evicted.item_ids)

    def _count(self, batch: Batch) -> None:
        reasons = Counter(invalid.error.reason for invalid in batch.invalid)
        example = str(batch.invalid[-1].error) if batch.invalid else ""
        self._rejections.note(len(batch.invalid), example, reasons)
        counters, metrics = self._state.counters, self._context.metrics
        counters.n_rejected += len(batch.invalid)
        self._report.note_rejected(batch.invalid, self._context.clock())
        counters.n_repeats += batch.decoded.n_repeats
        counters.n_erased += batch.decoded.n_erased
        counters.n_commands += batch.commands.n
        metrics.count("repeats", batch.decoded.n_repeats)
        if batch.decoded.n_erased:
            metrics.count("erased_events", batch.decoded.n_erased)
        for reason, n in reasons.items():
            metrics.count(f"rejected.{reason}", n)

    def _forget_users(self, user_ids: Sequence[str]) -> None:
        """Forget users, here and outside; see `docs/reference/erasure.md` for what stays counted."""
        self._pending.forget_users(user_ids, self._state.forget_users(user_ids))
        self._evaluation.updates.forget_users(user_ids)
        if user_ids:
            self._report.forget_messages()
        self._user_vectors.drop(user_ids)

    def _drop_items(self, item_ids: Sequence[str]) -> None:
        """Let go outside what was published of items that are gone."""
        self._item_vectors.drop(item_ids)
        self._neighbours.drop(item_ids)

    def _change_items(self, commands: Sequence[KeyedCommand]) -> None:
        context = self._context
        items = self._patiently(changed_items, commands, context.store)
        gone = carry_out(commands, items, self._state, context.categories, context.clock())
        self._rankings.note_changes(items)
        self._drop_items(gone.deleted)
        self._item_vectors.drop(gone.hidden)

    def publish_if_due(self, now: float) -> None:
        """Hand over what is due, and users as soon as the last ones are out; look on for what is gone."""
        self._state.sweep()
        is_full = self._pending.n_pairs >= _MOST_PENDING
        if self._pending and (is_full or self._context.publisher.is_free_for_users()):
            self._publish_pending()
        for publishing in (self._item_vectors, self._user_vectors, self._neighbours, self._all_users):
            publishing.publish_if_due(now)

    def _publish_pending(self) -> None:
        pending, self._pending = self._pending, Pending()
        if pending.n_users:
            self._waited_s = max(0.0, self._context.clock() - self._pending_since)
        states = user_states(self._state, pending.user_rows())
        updates = UserUpdates(states, pending.seen, pending.unseen)
        self._context.publisher.publish_users(
            UserPublication(updates, pending.forgotten_users, pending.rejected)
        )

    def _publish_vectors(self) -> None:
        for vectors in (self._item_vectors, self._user_vectors):
            vectors.publish()

    def gauges(self, now: float) -> dict[str, float]:
        """Return how much there is, how much waits, and how well the models predict."""
        return {
            "waiting_users": float(self._pending.n_users),
            "users_published_after_s": self._waited_s + self._context.publisher.users_took_s(),
            **state_gauges(self._state, now),
            **blend_gauges(self._state),
            "lease_token": float(self._context.lease.token),
            **self._evaluation.gauges(),
        }

    def show_status(self, gauges: dict[str, float], now: float) -> None:
        """Hand over rankings, counters and the blend; then settle whether the role ends."""
        counters = self._state.counters.as_numbers() | {"model_reverts": float(self._context.reverts.n)}
        numbers = counters | gauges
        self._report.note(numbers, now)
        self._evaluation.serving.renew()
        self._context.publisher.publish_status(lambda: self._status(numbers, now), self._rankings.blend)
        if self._role_end is not None:
            self._state.promotions_asked = self._role_end.settle(self._state.promotions_asked)

    def _status(self, numbers: dict[str, float], now: float) -> Status:
        report, points = self._report.take(self._context.publisher.n_cache_failures, now)
        return self._rankings.status(numbers, now)._replace(report=report, points=points)

    @property
    def can_begin_checkpoint(self) -> bool:
        """Whether what waits for the outside can be handed over without waiting for the last of it."""
        are_vectors_free = self._item_vectors.is_free and self._user_vectors.is_free
        return are_vectors_free and (not self._pending or self._context.publisher.is_free_for_users())

    def begin_checkpoint(self, next_offsets: Offsets) -> WrittenBeside | None:
        """Begin to write the state as it is now, under the lease's token, and hand over what it knows not."""
        context = self._context
        self._publish_pending()
        for vectors in (self._item_vectors, self._user_vectors):
            vectors.publish_gone()
        beside = context.checkpoints.begin(self._state, next_offsets, context.lease.lease.token)
        if beside is None:
            return None
        self._evaluation.updates.note_checkpoint()
        return PublishedCheckpoint(beside, context.publisher.handed_over(), context.reverts)

    def flush(self) -> None:
        """Hand over users, and vectors as far as one publication holds them; wait until all is out."""
        self._publish_pending()
        self._publish_vectors()
        self._context.publisher.drain()

    def write_checkpoint(self, next_offsets: Offsets) -> None:
        """Write the generation's next checkpoint, under the lease's token."""
        self._context.checkpoints.write(self._state, next_offsets, self._context.lease.lease.token)
        self._evaluation.updates.note_checkpoint()
        self._context.reverts.settle()

    def finish(self) -> None:
        """Hand over the vectors that wait, and wait until all is out."""
        self._publish_vectors()
        self._context.publisher.drain()
