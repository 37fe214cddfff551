"""The life of a trainer process: take a role, go on from the checkpoint, stream, hand over."""

from collections import deque
from collections.abc import Sequence
from contextlib import closing, nullcontext
from functools import partial

import numpy as np
import structlog
from numpy.typing import NDArray

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.generations.roles import Promotion
from streamrec.errors import LogTruncated, UnsoundModel
from streamrec.learning.absorb import without_deleted
from streamrec.learning.learner import use_one_thread
from streamrec.ports import EventSource, Offsets
from streamrec.process.erasures import open_erasures
from streamrec.process.lease import LeaseKeeper
from streamrec.process.retries import patiently, until_stopped
from streamrec.process.scoped_metrics import metrics_of
from streamrec.process.standby import work_under_leases
from streamrec.process.stream_loop import StreamLoop
from streamrec.promotion.role_end import RoleEnd
from streamrec.promotion.roles import NAMES, HeldRole, TrainerRoles
from streamrec.promotion.take_over import (
    catch_up,
    committed_by_champions,
    publish_all_users,
    publish_missed,
)
from streamrec.settings.garbage import leave_out_what_stays
from streamrec.trainer.context import TrainerContext
from streamrec.trainer.opening import OpenTrainer, open_trainer
from streamrec.trainer.trainer_process import Start, TrainerProcess

_MEND = (
    "to go on nevertheless, run `python incremental_training.py --start earliest` (the log was replaced, or"
    " lost its beginning: all of it is new) or `--start latest` (the log lost its end: what is left was"
    " learned already)"
)


def run_trainer(process: TrainerProcess) -> None:
    """Train until told to stop. A lost lease, or another role, means to start over from a checkpoint.

    Raises
    ------
    CorruptArtifact
        When the generation has no readable checkpoint.
    UnsoundModel
        When the model is damaged again and again, from the same checkpoint on.
    LogTruncated
        When the stream's log is shorter than the checkpoint says, and it was not said how to go on then.
    """
    use_one_thread()
    roles = _roles_of(process)
    may_begin_again = process.start == "checkpoint-or-earliest"
    # A start by choice is made once: its first step leaves a checkpoint of the new log.
    starts: deque[Start] = deque()
    if process.start != "checkpoint-or-earliest":
        starts.append(process.start)

    def train(held: HeldRole) -> None:
        try:
            _train(process, held, roles, starts.popleft() if starts else "checkpoint")
        except LogTruncated as error:
            if not may_begin_again:
                raise
            structlog.get_logger().warning("log_begun_again", error=str(error))
            starts.append("earliest")

    with closing(process.index) if process.index is not None else nullcontext():
        work_under_leases(roles.take, train, roles.give_up)


def _roles_of(process: TrainerProcess) -> TrainerRoles:
    leases = {
        role: LeaseKeeper(
            process.sinks.store, name, process.owner, process.settings.lease_duration_s, process.clock
        )
        for role, name in NAMES.items()
    }
    return TrainerRoles(
        process.roles, leases, process.role, stop=process.stop, status=process.status, metrics=process.metrics
    )


def _train(process: TrainerProcess, held: HeldRole, roles: TrainerRoles, start: Start) -> None:
    metrics = metrics_of(held.role, process.metrics)
    role_end = RoleEnd(held, roles, process.artifacts_dir, metrics)
    opened: EventSource | None = until_stopped(process.stop.is_stopping, metrics)(
        process.open_source, NAMES[held.role]
    )
    if opened is None:
        return
    try:
        with closing(opened) as source:
            _follow(process, held, source, start, role_end)
            if role_end.promotion is not None:
                roles.hand_over(role_end.promotion, held)
    except UnsoundModel as error:
        process.reverts.note(error, metrics_of("champion", process.metrics))
    except LogTruncated as error:
        raise LogTruncated(f"{error}; {_MEND}") from error


def _follow(
    process: TrainerProcess, held: HeldRole, source: EventSource, start: Start, role_end: RoleEnd
) -> None:
    """Train in a role until it ends; as a new champion, first publish what the one before did not."""
    promotion = None
    # One that stood still for longer than its lease must not write the cache any more.
    process.sinks.cache.write_under(lambda: held.lease.lease)
    patient = patiently(process.stop.is_giving_up, metrics_of(held.role, process.metrics))
    if held.role == "champion":
        patient(process.roles.claim, held.lease.lease)
        promotion = process.roles.read().under_way if start == "checkpoint" else None
    since = patient(committed_by_champions, source) if promotion is not None else {}
    trainer = open_trainer(process, held, source, start=start, role_end=role_end)
    leave_out_what_stays()
    with closing(trainer.context):
        if promotion is not None:
            _take_over(process, trainer, promotion, since)
        _stream(trainer.loop)


def _stream(loop: StreamLoop) -> None:
    try:
        loop.run()
    except LogTruncated:
        loop.checkpoint()  # the log is gone: what was learned from it since the last one need not be
        raise


def _take_over(process: TrainerProcess, trainer: OpenTrainer, promotion: Promotion, since: Offsets) -> None:
    """Make the generation the live one once all users are published.

    Parameters
    ----------
    since
        From `committed_by_champions`.
    """
    context, loop = trainer
    source, publisher = context.source, context.publisher
    should_stop = process.stop.is_stopping.is_set
    patient = patiently(process.stop.is_giving_up, context.metrics)
    until = source.next_offsets()
    erasures = patient(open_erasures, context.store, source, process.clock)
    patient(
        publish_missed,
        source,
        since=since,
        until=until,
        weights_of=partial(published_weights, context),
        publisher=publisher,
        erasures=erasures,
    )
    patient(source.seek, until)
    catch_up(loop, source, since, should_stop)
    if publish_all_users(loop, context.state, publisher, should_stop):
        patient(process.roles.complete, promotion, context.lease.lease)
        context.metrics.count("promotions.done")
        structlog.get_logger().info("promoted", champion=promotion.champion, challenger=promotion.challenger)


def published_weights(context: TrainerContext, events: Sequence[Interaction]) -> NDArray[np.float64]:
    """Return (B,) what events weigh for a generation: nothing, where an item was deleted."""
    return without_deleted(context.rules.weights_of(events), events, context.state.deleted_items)
