"""The life of a process that works under a lease: stand by, work, and start over when the lease is lost."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import structlog

from streamrec.errors import LeaseLost, Unavailable
from streamrec.ports import Metrics
from streamrec.process.lease import LeaseKeeper
from streamrec.process.retries import until_stopped
from streamrec.process.status import TrainerStatus
from streamrec.process.stop import StopRequest

Held = TypeVar("Held")


def work_under_lease(
    lease: LeaseKeeper,
    work: Callable[[LeaseKeeper], None],
    stop: StopRequest,
    status: TrainerStatus,
    metrics: Metrics,
) -> None:
    """Work under a lease until told to stop, and stand by while another process has it.

    Parameters
    ----------
    work
        As that of `work_under_leases`.
    """
    patient = until_stopped(stop.is_stopping, metrics)

    def pause(pause_s: float) -> None:
        stand_by(stop, status, metrics, pause_s)

    def take() -> LeaseKeeper | None:
        return lease if patient(lease.wait, stop.is_stopping.is_set, pause) else None

    work_under_leases(take, work, LeaseKeeper.release)


def work_under_leases(
    take: Callable[[], Held | None], work: Callable[[Held], None], give_up: Callable[[Held], None]
) -> None:
    """Work again and again, each time under a lease that was just taken, until none is taken any more.

    Parameters
    ----------
    take
        Waits for a lease; returns None when told to stop before.
    work
        Ends in good order, or by `LeaseLost`.
    give_up
        Releases a lease. When the store does not answer, the lease runs out by itself.
    """
    while (held := take()) is not None:
        try:
            work(held)
        except LeaseLost as error:
            structlog.get_logger().warning("lease_lost", error=str(error))
        finally:
            with suppress(Unavailable):
                give_up(held)


def stand_by(stop: StopRequest, status: TrainerStatus, metrics: Metrics, pause_s: float) -> None:
    """Tell that this process would take over, and wait until it is time to look again."""
    if status.state != "standing by":
        status.state = "standing by"
    # A gauge would keep its last value after the last standby's end; a counter that rests is seen.
    metrics.count("heartbeats.standby")
    stop.is_stopping.wait(pause_s)
