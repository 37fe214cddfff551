"""A trainer is opened: its loop stands where its generation's newest checkpoint was written."""

from typing import NamedTuple

import structlog

from streamrec.ports import EventSource
from streamrec.process.stream_loop import StreamLoop
from streamrec.promotion.roles import HeldRole
from streamrec.trainer.context import TrainerContext, open_context
from streamrec.trainer.handler import RoleEnd, TrainerHandler
from streamrec.trainer.trainer_process import Start, TrainerProcess


class OpenTrainer(NamedTuple):
    """A loop that stands where to go on, and the context that it was made of."""

    context: TrainerContext
    loop: StreamLoop


def open_trainer(
    process: TrainerProcess,
    held: HeldRole,
    source: EventSource,
    *,
    start: Start = "checkpoint",
    role_end: RoleEnd | None = None,
) -> OpenTrainer:
    """Restore a trainer; the context is the caller's to close.

    Raises
    ------
    CorruptArtifact, LogTruncated, LeaseLost
        As `open_context` does.
    """
    context = open_context(process, held, source, start)
    structlog.get_logger().info(
        "training",
        generation=held.generation,
        next_offsets=source.next_offsets(),
        n_users=len(context.state.user_ids),
    )
    process.status.state = "training"
    return OpenTrainer(context, loop_over(context, role_end))


def loop_over(context: TrainerContext, role_end: RoleEnd | None = None) -> StreamLoop:
    """Return the loop that learns in a context."""
    handler = TrainerHandler(context, role_end)
    return StreamLoop(
        context,
        handler,
        context.settings,
        tail_s=context.settings.tail_s,
        is_checkpointed=handler.is_checkpointed,
        # Whoever crashes from now on must not meet the old log's offsets again.
        is_checkpoint_due=context.is_new_log,
    )
