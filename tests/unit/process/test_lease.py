import pytest

from streamrec.errors import LeaseLost
from streamrec.ports import Lease
from streamrec.process.lease import LeaseKeeper


class OneLease:
    """A lease store of one lease, whose holder a test can change."""

    def __init__(self) -> None:
        self.holder: Lease | None = None
        self.token = 0

    def acquire(self, name: str, owner: str, duration_s: float, now: float) -> Lease | None:
        if self.holder is not None and self.holder.owner != owner and now < self.holder.expires_at:
            return None
        if self.holder is None or self.holder.owner != owner:
            self.token += 1
        self.holder = Lease(name, owner, self.token, now + duration_s)
        return self.holder

    def held(self, _name: str) -> Lease | None:
        return self.holder

    def release(self, lease: Lease) -> None:
        self.holder = None


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now

    def pause(self, duration_s: float) -> None:
        self.now += duration_s


def keeper(store: OneLease, clock: Clock, owner: str = "one") -> LeaseKeeper:
    return LeaseKeeper(store, "trainer", owner, 9.0, clock)


def test_a_standby_takes_over_once_the_lease_has_run_out() -> None:
    store, clock = OneLease(), Clock()
    first, second = keeper(store, clock), keeper(store, clock, "two")
    assert first.wait(lambda: False, clock.pause)
    assert second.wait(lambda: False, clock.pause)
    assert clock.now >= 109.0
    assert second.lease.token > 1
    with pytest.raises(LeaseLost):
        _ = first.lease
    with pytest.raises(LeaseLost):
        first.renew_if_due()


def test_a_released_lease_is_free_at_once() -> None:
    store, clock = OneLease(), Clock()
    first, second = keeper(store, clock), keeper(store, clock, "two")
    first.wait(lambda: False, clock.pause)
    first.release()
    assert second.wait(lambda: False, clock.pause)
    assert clock.now == 100.0


def test_renewing_keeps_the_token_and_moves_the_end() -> None:
    store, clock = OneLease(), Clock()
    first = keeper(store, clock)
    first.wait(lambda: False, clock.pause)
    for _ in range(10):
        clock.pause(4.0)
        first.renew_if_due()
    assert first.lease == Lease("trainer", "one", 1, 149.0)


def test_a_lease_that_ran_out_and_that_nobody_took_is_ours_still() -> None:
    store, clock = OneLease(), Clock()
    first = keeper(store, clock)
    first.wait(lambda: False, clock.pause)
    clock.pause(100.0)
    assert first.lease == Lease("trainer", "one", 1, 209.0)


def test_is_not_renewed_before_it_is_due() -> None:
    store, clock = OneLease(), Clock()
    first = keeper(store, clock)
    first.wait(lambda: False, clock.pause)
    clock.pause(2.0)
    first.renew_if_due()
    assert first.lease.expires_at == 109.0


def test_standing_by_ends_when_told_to_stop() -> None:
    store, clock = OneLease(), Clock()
    keeper(store, clock).wait(lambda: False, clock.pause)
    assert not keeper(store, clock, "two").wait(lambda: clock.now > 105, clock.pause)


def test_without_a_lease_nothing_may_be_written() -> None:
    with pytest.raises(LeaseLost):
        _ = keeper(OneLease(), Clock()).lease


def test_whoever_is_gone_with_a_clock_that_was_ahead_is_followed_all_the_same() -> None:
    store, ahead, clock, running = OneLease(), Clock(), Clock(), Clock()
    ahead.now += 3600.0
    first = LeaseKeeper(store, "trainer", "one", 9.0, ahead, running)
    second = LeaseKeeper(store, "trainer", "two", 9.0, clock, running)
    assert first.acquire()
    for _ in range(10):  # while it renews, however often others look
        assert not second.acquire()
        for passing in (ahead, clock, running):
            passing.pause(6.0)
        first.renew_if_due()
    assert not second.acquire()
    running.pause(17.0)
    assert not second.acquire()
    running.pause(1.0)
    assert second.acquire()
    assert second.lease.expires_at == clock.now + 9.0
