"""Who trains what: a process takes a role by its lease, and follows its generation into another role.

A role's lease makes its holder the only one in it. A process prefers one of the two roles; when that is
taken for longer than a lease lasts, it takes the other one if that is free, so that after any sequence of
promotions and restarts both generations are trained as long as two processes run. Whoever would rather be
champion becomes it as soon as there is none.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import structlog
from tenacity import Retrying

from streamrec.domain.generations.roles import Promotion, Role, Roles, other_role
from streamrec.errors import CorruptArtifact, Unavailable
from streamrec.ports import LeaseStore, Metrics, RoleRecord
from streamrec.process.lease import LeaseKeeper
from streamrec.process.scoped_metrics import metrics_of
from streamrec.process.status import State, TrainerStatus
from streamrec.process.stop import StopRequest
from streamrec.telemetry import Digest

LEASE_NAME = "trainer"

NAMES: dict[Role, str] = {"champion": LEASE_NAME, "challenger": "trainer-challenger"}
"""Of a role's lease, and of the group under which it commits."""

_NO_MODEL_PAUSE_S = 1.0

_HANDOVER_PAUSE_S = 0.1
"""Between looks for a lease that somebody is about to give up."""

_LOOKS_PER_LEASE = 3


class Turn(NamedTuple):
    """A role in hand, and the generation that has it."""

    role: Role
    generation: str
    lease: LeaseKeeper


class Place(NamedTuple):
    """What a process needs to know to take its turns.

    Attributes
    ----------
    record
        Says which generation has which role.
    store
        Keeps the leases.
    owner
        Names this process among the trainers.
    preferred
        The role that the process was started for.
    lease_duration_s
        Seconds after which a lease that is not renewed is free.
    clock
        Unix seconds.
    """

    record: RoleRecord
    store: LeaseStore
    owner: str
    preferred: Role
    lease_duration_s: float
    clock: Callable[[], float]


class Turns:
    """The roles that one process has, one after the other.

    Parameters
    ----------
    patient
        Calls until the store answers, or the process is to give up.
    """

    def __init__(
        self, place: Place, stop: StopRequest, status: TrainerStatus, metrics: Metrics, patient: Retrying
    ) -> None:
        self._place = place
        self._stop = stop
        self._status = status
        self._metrics = metrics
        self._patiently = patient
        self._wanted = place.preferred
        self._is_moving = False
        self._said: State | None = None
        self._unreadable = Digest("roles_unreadable")
        self._leases = {
            role: LeaseKeeper(place.store, name, place.owner, place.lease_duration_s, place.clock)
            for role, name in NAMES.items()
        }

    def take(self) -> Turn | None:
        """Wait until there is something to do; None when told to stop before."""
        started_at = self._place.clock()
        self._said = None
        while not self._stop.is_stopping.is_set():
            is_late = self._place.clock() - started_at >= self._place.lease_duration_s
            roles = self._readable()
            has_generation = roles is not None and roles.generation_of(self._wanted) is not None
            self._say("starting" if has_generation else "waiting for a model", is_told=roles is not None)
            if has_generation and (turn := self._free_turn(is_late)) is not None:
                self._is_moving = False
                return turn
            self._pause(is_late, has_generation)
        return None

    def is_over(self, turn: Turn) -> bool:
        """Return whether the generation no longer has the role, or a better role is free."""
        roles = self._readable()
        if roles is None:  # who is what can't be known: until it can, all stays as it is
            return False
        if roles.generation_of(turn.role) != turn.generation:
            return True
        if turn.role == self._place.preferred or self._place.preferred == "challenger":
            return False
        with suppress(Unavailable):  # looked at again with the next status
            if self._leases["champion"].acquire():
                return True
            metrics_of("champion", self._metrics).count("heartbeats.standby")  # it would take over
        return False

    def end(self, turn: Turn) -> None:
        """Give the role up; the next turn is with the same generation if it has a role still."""
        with suppress(Unavailable):  # it runs out by itself
            turn.lease.release()
        if self._is_moving:
            return  # to where `hand_over` said
        if turn.role == "challenger" and self._leases["champion"].is_held:
            self._wanted = "champion"
        else:
            self._wanted = self._role_now(turn)
        self._is_moving = self._wanted != turn.role

    def _role_now(self, turn: Turn) -> Role:
        roles = self._readable()
        return (roles and roles.role_of(turn.generation)) or turn.role

    def _readable(self) -> Roles | None:
        """Return who is what; None while it can't be read, which is said now and then."""
        try:
            return self._place.record.read()
        except CorruptArtifact as error:
            self._unreadable.note(1, str(error))
            return None

    def _generation_of(self, role: Role) -> str | None:
        roles = self._readable()
        return None if roles is None else roles.generation_of(role)

    def hand_over(self, promotion: Promotion, turn: Turn) -> None:
        """Let the challenger be champion: its trainer takes our lease, and we go on with the old champion.

        Where no trainer of the challenger runs, this process goes over to it, and the old one rests. Without
        effect when the promotion, or a later one, is begun already.

        Raises
        ------
        LeaseLost
            When the champion's lease went to another trainer: the promotion is that one's to carry out.
        """
        begun = self._place.record.read().promotion
        if begun is not None and begun.at >= promotion.at:
            return
        is_alone = bool(self._patiently(self._leases["challenger"].acquire))
        if is_alone:
            self._patiently(self._leases["challenger"].release)
        self._place.record.begin(promotion, turn.lease.lease)
        self._wanted = "champion" if is_alone else "challenger"
        self._is_moving = True
        structlog.get_logger().info(
            "promotion_begun",
            command=promotion.name,
            champion=promotion.champion,
            challenger=promotion.challenger,
            carried_out_by="this trainer, which has to catch up" if is_alone else "the challenger's trainer",
        )

    def _free_turn(self, is_late: bool) -> Turn | None:
        for role in (self._wanted, other_role(self._wanted))[: 2 if is_late else 1]:
            lease = self._leases[role]
            if self._generation_of(role) is None or not self._patiently(lease.acquire):
                continue
            # Whoever gave the lease up may have changed the roles just before.
            generation = self._generation_of(role)
            if generation is not None:
                return Turn(role, generation, lease)
            self._patiently(lease.release)
        return None

    def _pause(self, is_late: bool, has_generation: bool) -> None:
        if not has_generation:
            pause_s = _NO_MODEL_PAUSE_S
        elif self._is_moving and not is_late:
            pause_s = _HANDOVER_PAUSE_S  # no standby: the lease is about to be ours
        else:
            pause_s = self._place.lease_duration_s / _LOOKS_PER_LEASE
            # A gauge would keep its last value after the last standby's end; a counter that rests is seen.
            metrics_of(self._wanted, self._metrics).count("heartbeats.standby")
        if has_generation:
            self._say("standing by")
        self._stop.is_stopping.wait(pause_s)

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
