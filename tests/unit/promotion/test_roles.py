"""A process in a role that it does not prefer: asking whether it still has it changes nothing."""

from pathlib import Path
from threading import Event, Thread

import pytest

from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.generations.roles import PromotionRequest
from streamrec.errors import Unavailable
from streamrec.ports import Lease
from streamrec.process.lease import LeaseKeeper
from streamrec.process.status import TrainerStatus
from streamrec.process.stop import StopRequest
from streamrec.promotion.role_end import RoleEnd
from streamrec.promotion.roles import NAMES, HeldRole, TrainerRoles
from streamrec.telemetry import NullMetrics
from tests.builders import SteppingClock
from tests.two_generations import NEW, OLD, TwoGenerations


class AbsentStore(MemoryStore):
    """Goes away when told to, and tells who asks it then."""

    def __init__(self) -> None:
        super().__init__()
        self.is_away, self.was_asked = False, Event()

    def acquire(self, name: str, owner: str, duration_s: float, now: float) -> Lease | None:
        if self.is_away:
            self.was_asked.set()
            raise Unavailable("no answer")
        return super().acquire(name, owner, duration_s, now)


class Second:
    """A process that would rather be champion, and trains the challenger because another one is."""

    def __init__(self, folder: Path) -> None:
        self.two, self.clock, self.store = TwoGenerations(folder), SteppingClock(), AbsentStore()
        self.stop = StopRequest()
        self.first = self.lease("champion", "the first")
        assert self.first.acquire()
        leases = {role: self.lease(role, "the second") for role in NAMES}
        self.roles = TrainerRoles(
            self.two.record,
            leases,
            "champion",
            stop=self.stop,
            status=TrainerStatus(),
            metrics=NullMetrics(),
        )
        assert leases["challenger"].acquire()
        self.held = HeldRole("challenger", NEW, leases["challenger"])

    def lease(self, role: str, owner: str) -> LeaseKeeper:
        return LeaseKeeper(self.store, NAMES[role], owner, 9.0, self.clock)  # type: ignore[index]

    def is_championship_free(self) -> bool:
        """Ask as a third process, which gives it back."""
        third = self.lease("champion", "a third")
        is_free = third.acquire()
        third.release()
        return is_free


@pytest.fixture
def second(tmp_path: Path) -> Second:
    return Second(tmp_path)


def test_asking_takes_no_lease(second: Second) -> None:
    second.first.release()
    assert second.roles.has(second.held)
    assert second.is_championship_free()


def test_a_better_role_is_taken_once_it_is_free(second: Second) -> None:
    assert not second.roles.take_better(second.held)
    second.first.release()
    assert second.roles.take_better(second.held)
    assert not second.is_championship_free()
    second.roles.give_up(second.held)
    taken = second.roles.take()
    assert taken is not None
    assert (taken.role, taken.generation) == ("champion", OLD)


def test_promotions_are_the_champions_to_carry_out(second: Second, tmp_path: Path) -> None:
    role_end = RoleEnd(second.held, second.roles, tmp_path, NullMetrics())
    assert role_end.settle([PromotionRequest("promote", NEW, 5.0)]) == []
    assert not role_end.is_over
    assert role_end.promotion is None


def test_what_is_decided_waits_in_the_state_until_it_is_begun(second: Second, tmp_path: Path) -> None:
    champion = HeldRole("champion", OLD, second.first)
    role_end = RoleEnd(champion, second.roles, tmp_path, NullMetrics())
    asked = [PromotionRequest("rollback", "", 4.0), PromotionRequest("promote", NEW, 5.0)]
    assert role_end.settle(asked) == asked[1:]
    assert role_end.is_over
    assert role_end.promotion is not None
    assert role_end.promotion.champion == NEW


def test_who_waits_for_a_store_that_is_away_ends_as_soon_as_told_to(second: Second) -> None:
    second.store.is_away = True
    taken: list[HeldRole | None] = []
    taking = Thread(target=lambda: taken.append(second.roles.take()), daemon=True)
    taking.start()
    assert second.store.was_asked.wait(30)
    second.stop.is_stopping.set()  # nobody is told to give up
    taking.join(30)
    assert taken == [None]
