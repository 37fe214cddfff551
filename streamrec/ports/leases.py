"""Port of the leases: who writes, and by which token readers tell."""

from typing import NamedTuple, Protocol

from streamrec.errors import LeaseLost
from streamrec.ports.logs import Fence

LONGEST_LEASE_S = 86_400.0
"""One that ends later was never given out."""

MAX_TOKEN = 2**53
"""Tokens are of the size of the time in seconds; every store holds integers up to here exactly."""


class Lease(NamedTuple):
    """The right to write, until `expires_at` (Unix seconds). A later holder's `token` is larger."""

    name: str
    owner: str
    token: int
    expires_at: float


def check_token(writer: Lease | Fence, held: int, where: str) -> None:
    """Return unless a later holder of the lease, or of the fence's name, has written.

    Raises
    ------
    LeaseLost
        When one has; with what to remove should it never have been.
    """
    if held > writer.token:
        raise LeaseLost(
            f"a later holder of {writer.name!r} has written (token {held} > {writer.token}); if the leases"
            f" were given back from a backup, remove {where}"
        )


class LeaseStore(Protocol):
    """One holder at a time, with a fencing token that grows by each change of holder."""

    def acquire(self, name: str, owner: str, duration_s: float, now: float) -> Lease | None:
        """Take or renew the lease; None while somebody else holds it."""

    def held(self, name: str) -> Lease | None:
        """Return the lease as it was last given out; None when nobody has it."""

    def release(self, lease: Lease) -> None:
        """Give it up; without effect when it is no longer ours."""
