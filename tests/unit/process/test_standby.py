"""Working under a lease: what ends it, and who stands by."""

from threading import Thread

import pytest
from structlog.testing import capture_logs

from streamrec.adapters.memory.store import MemoryStore
from streamrec.errors import LeaseLost, Unavailable, UnsoundModel
from streamrec.process.lease import LeaseKeeper
from streamrec.process.standby import stand_by, work_under_leases
from streamrec.process.status import TrainerStatus
from streamrec.process.stop import StopRequest
from streamrec.telemetry import NullMetrics
from tests.builders import SteppingClock


class Life:
    """Takes a lease as often as it is told to, and fails in its work as it is told to."""

    def __init__(self, n_times: int, error: Exception | None = None) -> None:
        self.lease = LeaseKeeper(MemoryStore(), "any", "one", 9.0, SteppingClock())
        self.n_left, self.n_worked, self.error = n_times, 0, error
        self.is_store_away = False

    def take(self) -> LeaseKeeper | None:
        self.n_left -= 1
        return self.lease if self.n_left >= 0 and self.lease.acquire() else None

    def work(self, lease: LeaseKeeper) -> None:
        assert lease.is_held
        self.n_worked += 1
        if self.error is not None:
            raise self.error

    def give_up(self, lease: LeaseKeeper) -> None:
        if self.is_store_away:
            raise Unavailable("gone")
        lease.release()


def test_a_lost_lease_means_to_start_over() -> None:
    life = Life(3, LeaseLost("somebody else has it"))
    with capture_logs() as lines:
        work_under_leases(life.take, life.work, life.give_up)
    assert life.n_worked == 3
    assert [line["event"] for line in lines if line["log_level"] == "warning"] == ["lease_lost"] * 3
    assert not life.lease.is_held


def test_any_other_error_ends_it_and_the_lease_is_given_up_all_the_same() -> None:
    life = Life(3, UnsoundModel("a row is not finite"))
    with pytest.raises(UnsoundModel):
        work_under_leases(life.take, life.work, life.give_up)
    assert (life.n_worked, life.lease.is_held) == (1, False)


def test_a_store_that_does_not_answer_holds_up_nobody() -> None:
    life = Life(2)
    life.is_store_away = True
    work_under_leases(life.take, life.work, life.give_up)
    assert life.n_worked == 2


class Beats(NullMetrics):
    n = 0

    def count(self, name: str, n: int = 1) -> None:
        self.n += name == "heartbeats.standby"


def test_a_process_that_stands_by_says_so_and_can_be_stopped() -> None:
    stop, status, metrics = StopRequest(), TrainerStatus(), Beats()
    thread = Thread(target=stand_by, args=(stop, status, metrics, 3600.0))
    thread.start()
    stop.is_stopping.set()
    thread.join(30)
    assert not thread.is_alive()
    assert (status.state, metrics.n) == ("standing by", 1)
