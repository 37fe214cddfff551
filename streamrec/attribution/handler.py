"""The part of the stream loop that attributes: records settle, counts change, and results are published."""

from streamrec.attribution.checkpoint import Saved
from streamrec.attribution.context import AttributionContext
from streamrec.attribution.inputs import acts_of, taken_lists
from streamrec.ports import Offsets
from streamrec.process.decoding import Batch
from streamrec.process.retries import patiently
from streamrec.telemetry import Digest, timed

_LOOK_INTERVAL_S = 0.2
"""Between two looks at the ends of the logs; each takes a round trip."""


class AttributionHandler:
    """Takes records in, lets them settle, and publishes results."""

    is_over = False

    def __init__(self, context: AttributionContext) -> None:
        self._context = context
        self._patiently = patiently(context.stop.is_giving_up, context.metrics)
        self._malformed = Digest("lists_ignored")
        self._look_due = context.clock()

    def handle(self, batch: Batch) -> None:
        """Take a batch in: it settles later."""
        context = self._context
        now, state = context.clock(), context.state
        erased = self._patiently(context.erased.note, batch.erased_users, context.logs.last_at)
        taken = taken_lists(batch.lists, context.erased, now)
        is_wanted = any(state.is_newer_than_known(exposure) for exposure, _ in taken.exposures)
        if is_wanted and context.definitions.refresh_if_due(is_wanted=True):
            state.define(context.definitions.known)
        with timed(context.metrics, "take_in"):
            for exposure, appended_at in taken.exposures:
                state.add_exposure(exposure, appended_at)
            decoded = batch.decoded
            for act in acts_of(decoded.events, decoded.arrivals, context.rules.of, now):
                state.add_act(act)
            for user_id, at in erased.items():
                state.erase(user_id, at)
        self._count(batch, len(taken.exposures), taken.malformed, taken.n_erased)

    def _count(self, batch: Batch, n_lists: int, malformed: list[str], n_erased: int) -> None:
        metrics, decoded = self._context.metrics, batch.decoded
        metrics.count("lists", n_lists)
        metrics.count("events", len(decoded.events))
        self._malformed.note(len(malformed), malformed[-1] if malformed else "")
        ignored = {
            "malformed": len(malformed) + len(decoded.invalid),
            "repeats": decoded.n_repeats,
            "erased": n_erased + decoded.n_erased,
        }
        for reason, n in ignored.items():
            if n:
                metrics.count(f"ignored.{reason}", n)

    def publish_if_due(self, now: float) -> None:
        """Let settle what the logs were read past, and publish results that changed."""
        context = self._context
        if context.definitions.refresh_if_due():
            context.state.define(context.definitions.known)
        if 0 <= self._look_due - now <= _LOOK_INTERVAL_S:
            return
        self._look_due = now + _LOOK_INTERVAL_S
        self._settle()
        context.reporting.publish_if_due(now)

    def _settle(self) -> None:
        context = self._context
        read_to = context.logs.read_to()
        if read_to is not None:
            with timed(context.metrics, "settle"):
                context.metrics.count("settled", context.state.settle(read_to))
        for reason, n in context.state.take_ignored().items():
            context.metrics.count(f"ignored.{reason}", n)
        context.reporting.note(context.state.take_changed())

    def gauges(self, now: float) -> dict[str, float]:
        """Return how much is kept, and how long ago that was up to which all is counted."""
        state = self._context.state
        return state.gauges() | {"staleness_s": max(0.0, now - state.settled_to)}

    def show_status(self, gauges: dict[str, float], now: float) -> None:
        """Do nothing: the figures are shown as metrics."""

    @property
    def can_begin_checkpoint(self) -> bool:
        """Whether one may begin: always."""
        return True

    def begin_checkpoint(self, next_offsets: Offsets) -> None:
        """Do nothing: it is written at once."""

    def flush(self) -> None:
        """Do nothing: results that were not published are worked out again."""

    def write_checkpoint(self, next_offsets: Offsets) -> None:
        """Replace the checkpoint."""
        context = self._context
        context.checkpoint.write(
            Saved(
                logs=context.log_names,
                next_offsets=next_offsets,
                event_ids=context.repeats.oldest_first(),
                state=context.state.saved(),
                results=context.reporting.last,
                at=context.clock(),
            )
        )

    def finish(self) -> None:
        """Publish what changed since the last time."""
        self._context.reporting.publish()
