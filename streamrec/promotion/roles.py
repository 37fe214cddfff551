"""Roles of trainers: a process takes a role by its lease, and follows its generation into another role.

A role's lease makes its holder the only one in it. A process prefers one of the two roles; when that is
taken for longer than a lease lasts, it takes the other one if that is free, so that after any sequence of
promotions and restarts both generations are trained as long as two processes run. Whoever would rather be
champion becomes it as soon as there is none.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

import structlog

from streamrec.domain.generations.roles import Promotion, Role, Roles, other_role
from streamrec.errors import CorruptArtifact, Unavailable
from streamrec.ports import Metrics, RoleRecord
from streamrec.process.lease import LeaseKeeper
from streamrec.process.retries import patiently, until_stopped
from streamrec.process.scoped_metrics import metrics_of
from streamrec.process.standby import stand_by
from streamrec.process.status import State, TrainerStatus
from streamrec.process.stop import StopRequest
from streamrec.telemetry import Digest

LEASE_NAME = "trainer"

NAMES: dict[Role, str] = {"champion": LEASE_NAME, "challenger": "trainer-challenger"}
"""Of a role's lease, and of the group under which it commits."""

_NO_MODEL_PAUSE_S = 1.0

_HANDOVER_PAUSE_S = 0.1
"""Between looks for a lease that somebody is about to give up."""


class HeldRole(NamedTuple):
    """A role in hand, and the generation that has it."""

    role: Role
    generation: str
    lease: LeaseKeeper


class TrainerRoles:
    """The roles that one process has, one after the other.

    Parameters
    ----------
    record
        Says which generation has which role.
    leases
        This process' leases of the roles.
    preferred
        The role that the process was started for.
    metrics
        Not scoped.
    """

    def __init__(
        self,
        record: RoleRecord,
        leases: Mapping[Role, LeaseKeeper],
        preferred: Role,
        *,
        stop: StopRequest,
        status: TrainerStatus,
        metrics: Metrics,
    ) -> None:
        self._record, self._leases, self._preferred = record, leases, preferred
        self._stop, self._status, self._metrics = stop, status, metrics
        self._patiently = patiently(stop.is_giving_up, metrics_of("champion", metrics))
        self._until_stopped = until_stopped(stop.is_stopping, metrics_of("champion", metrics))
        self._wanted = preferred
        self._is_moving = False
        self._said: State | None = None
        self._unreadable = Digest("roles_unreadable")

    def take(self) -> HeldRole | None:
        """Wait until there is something to do, and take its role; None when told to stop before."""
        lease = self._leases[self._wanted]
        started_at = lease.now()
        self._said = None
        while not self._stop.is_stopping.is_set():
            is_late = lease.now() - started_at >= lease.duration_s
            roles = self.readable()
            has_generation = roles is not None and roles.generation_of(self._wanted) is not None
            self._say("starting" if has_generation else "waiting for a model", is_told=roles is not None)
            if has_generation and (held := self._take_free(is_late)) is not None:
                self._is_moving = False
                self._status.role, self._status.generation = held.role, held.generation
                return held
            if not self._stop.is_stopping.is_set():
                self._pause(is_late, has_generation)
        return None

    def has(self, held: HeldRole) -> bool:
        """Return whether the generation has the role still."""
        roles = self.readable()  # while it can't be known, all stays as it is
        return roles is None or roles.generation_of(held.role) == held.generation

    def take_better(self, held: HeldRole) -> bool:
        """Take the champion's lease if it is free and this process would rather have it; say if it did."""
        if held.role == self._preferred or self._preferred == "challenger" or self.readable() is None:
            return False
        with suppress(Unavailable):  # looked at again with the next status
            if self._leases["champion"].acquire():
                return True
            metrics_of("champion", self._metrics).count("heartbeats.standby")  # it would take over
        return False

    def give_up(self, held: HeldRole) -> None:
        """Release a role; the next one is with the same generation if that has a role still."""
        with suppress(Unavailable):  # it runs out by itself
            held.lease.release()
        if self._is_moving:
            return  # to the role that `hand_over` said
        if held.role == "challenger" and self._leases["champion"].is_held:
            self._wanted = "champion"
        else:
            self._wanted = self._role_now(held)
        self._is_moving = self._wanted != held.role

    def _role_now(self, held: HeldRole) -> Role:
        roles = self.readable()
        return (roles and roles.role_of(held.generation)) or held.role

    def readable(self) -> Roles | None:
        """Return who is what; None while it can't be read, which is said now and then."""
        try:
            return self._record.read()
        except CorruptArtifact as error:
            self._unreadable.note(1, str(error))
            return None

    def _generation_of(self, role: Role) -> str | None:
        roles = self.readable()
        return None if roles is None else roles.generation_of(role)

    def hand_over(self, promotion: Promotion, held: HeldRole) -> None:
        """Let the challenger be champion: its trainer takes our lease, and we go on with the old champion.

        Where no trainer of the challenger runs, this process goes over to it, and the old one rests. Without
        effect when the promotion, or a later one, is begun already.

        Raises
        ------
        LeaseLost
            When the champion's lease went to another trainer: the promotion is that one's to carry out.
        """
        begun = self._record.read().promotion
        if begun is not None and begun.at >= promotion.at:
            return
        is_alone = bool(self._patiently(self._leases["challenger"].acquire))
        if is_alone:
            self._patiently(self._leases["challenger"].release)
        self._patiently(self._record.begin, promotion, held.lease.lease)
        self._wanted = "champion" if is_alone else "challenger"
        self._is_moving = True
        structlog.get_logger().info(
            "promotion_begun",
            command=promotion.name,
            champion=promotion.champion,
            challenger=promotion.challenger,
            carried_out_by="this trainer, which has to catch up" if is_alone else "the challenger's trainer",
        )

    def _take_free(self, is_late: bool) -> HeldRole | None:
        for role in (self._wanted, other_role(self._wanted))[: 2 if is_late else 1]:
            lease = self._leases[role]
            if self._generation_of(role) is None or not self._until_stopped(lease.acquire):
                continue
            # Whoever gave the lease up may have changed the roles just before.
            generation = self._generation_of(role)
            if generation is not None:
                return HeldRole(role, generation, lease)
            self._patiently(lease.release)
        return None

    def _pause(self, is_late: bool, has_generation: bool) -> None:
        if not has_generation:
            self._stop.is_stopping.wait(_NO_MODEL_PAUSE_S)
            return
        self._say("standing by")
        if self._is_moving and not is_late:
            self._stop.is_stopping.wait(_HANDOVER_PAUSE_S)  # no standby: the lease is about to be ours
        else:
            metrics = metrics_of(self._wanted, self._metrics)
            stand_by(self._stop, self._status, metrics, self._leases[self._wanted].look_again_s)

    def _say(self, state: State, *, is_told: bool = True) -> None:
        """Tell the status what is being done, and if `is_told` the log, once.

        "starting" does not follow "standing by".
        """
        if state == self._said or (self._said, state) == ("standing by", "starting"):
            return
        self._said = self._status.state = state
        if not is_told:
            return  # a new model would mend nothing
        if state == "waiting for a model":
            structlog.get_logger().info("waiting_for_a_model", role=self._wanted, mend=_MENDS[self._wanted])
        elif state == "standing by":
            structlog.get_logger().info("standing_by", lease=NAMES[self._wanted])


_MENDS: dict[Role, str] = {
    "champion": "run initial_training.py",
    "challenger": "run initial_training.py --as-challenger",
}
