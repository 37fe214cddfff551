"""Holding the lease that makes one trainer the active one."""

import os
import secrets
import socket
import time
from collections.abc import Callable
from threading import Lock

import structlog

from streamrec.errors import LeaseLost
from streamrec.ports import Lease, LeaseStore

_RENEWALS_PER_DURATION = 3
"""Two renewals may fail before the lease runs out."""

_SILENT_DURATIONS = 2
"""A lease that was not renewed for so long is nobody's, whenever it ends by the clock of who had it."""


def owner_name() -> str:
    """Return a name for this process among those that want a lease.

    Of two containers with one host name and process id, each would take the other's lease for its own.

    >>> owner_name() == owner_name()
    False
    """
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class LeaseKeeper:
    """Acquires the lease, renews it in good time, and says so when it is lost. Safe to call from threads.

    Parameters
    ----------
    clock
        Unix seconds. The store compares our times with those of other trainers, so their clocks
        should agree within a fraction of `duration_s`. Where they do not, the one whose clock is ahead has
        the lease; once it is gone, others wait until its lease has stood still for two durations.
    running
        Seconds of a clock that nobody sets, by which that is told.

    Attributes
    ----------
    duration_s
        After which a lease that is not renewed is free.
    """

    def __init__(
        self,
        store: LeaseStore,
        name: str,
        owner: str,
        duration_s: float,
        clock: Callable[[], float],
        running: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._name = name
        self._owner = owner
        self.duration_s = duration_s
        self._clock = clock
        self._running = running
        self._watched: Lease | None = None
        self._watched_since = 0.0
        self._lease: Lease | None = None
        self._lock = Lock()

    @property
    def lease(self) -> Lease:
        """The lease in hand; one that has run out is renewed first.

        Raises
        ------
        LeaseLost
            When there is none, or when somebody else took it.
        """
        with self._lock:
            lease = self._held()
            return lease if self._clock() < lease.expires_at else self._renew(lease)

    @property
    def token(self) -> int:
        """Token of the lease in hand, which may have run out: nothing is asked of the store.

        Raises
        ------
        LeaseLost
            When there is none.
        """
        return self._held().token

    @property
    def is_held(self) -> bool:
        """Whether it was ours when last asked for."""
        return self._lease is not None

    @property
    def look_again_s(self) -> float:
        """Seconds from one look for a lease that another holds to the next."""
        return self.duration_s / _RENEWALS_PER_DURATION

    def now(self) -> float:
        """Return the time that leases go by, in Unix seconds."""
        return self._clock()

    def acquire(self) -> bool:
        """Take the lease if nobody else holds it; say whether it is ours."""
        self._lease = self._acquired(self._clock())
        if self._lease is None and (silent := self._silent()) is not None:
            # It ends now, by the clock of who had it; ours goes by our own.
            self._lease = self._acquired(silent.expires_at) and self._acquired(self._clock())
        if self._lease is not None:
            structlog.get_logger().info(
                "lease_acquired", lease=self._name, token=self._lease.token, owner=self._owner
            )
        return self._lease is not None

    def _acquired(self, now: float) -> Lease | None:
        return self._store.acquire(self._name, self._owner, self.duration_s, now)

    def _silent(self) -> Lease | None:
        """Return another's lease that is not renewed any more, though it has not run out by our clock."""
        held, running = self._store.held(self._name), self._running()
        if held is None or held != self._watched:
            self._watched, self._watched_since = held, running
        return held if running - self._watched_since >= _SILENT_DURATIONS * self.duration_s else None

    def wait(self, should_stop: Callable[[], bool], pause: Callable[[float], None]) -> bool:
        """Stand by until the lease is ours; False when told to stop before."""
        is_announced = False
        while not should_stop():
            if self.acquire():
                return True
            if not is_announced:
                structlog.get_logger().info("standing_by", lease=self._name)
                is_announced = True
            pause(self.look_again_s)
        return False

    def renew_if_due(self) -> None:
        """Renew when a third of the lease's time has passed.

        Raises
        ------
        LeaseLost
            When somebody else holds it now.
        """
        with self._lock:
            lease = self._held()
            if self._clock() >= lease.expires_at - self.duration_s * (1 - 1 / _RENEWALS_PER_DURATION):
                self._renew(lease)

    def _held(self) -> Lease:
        if self._lease is None:
            raise LeaseLost(f"{self._owner} does not hold the lease {self._name!r}")
        return self._lease

    def _renew(self, lease: Lease) -> Lease:
        renewed = self._acquired(self._clock())
        # The same token says that nobody held it in between, however late we are.
        if renewed is None or renewed.token != lease.token:
            self._lease = None
            raise LeaseLost(f"the lease {self._name!r} went to another trainer")
        self._lease = renewed
        return renewed

    def release(self) -> None:
        """Give the lease up, so that a standby need not wait for it to run out."""
        if self._lease is not None:
            self._store.release(self._lease)
            self._lease = None
