"""Actions that disturb: processes and servers end, stand and start, connections are cut, clocks jump."""

from collections.abc import Callable
from random import Random

from tests.histories.actions.steps import Action, Outcome, Step
from tests.histories.system.system import System
from tests.histories.truth import SERVERS, Truth


def _of_part(name: str) -> Callable[[System, Truth, Step], Outcome]:
    def act(system: System, _truth: Truth, step: Step) -> Outcome:
        if name == "start":
            system.start(step.target)
        elif name == "thaw":
            system.thaw(step.target)
        else:
            getattr(system.parts[step.target], name)()
        return Outcome()

    return act


def _note_part(truth: Truth, step: Step, _outcome: Outcome) -> None:
    states = {"start": "running", "thaw": "running", "freeze": "frozen", "kill": "ended", "end": "ended"}
    truth.parts[step.target] = states[step.action]  # type: ignore[assignment]


def _ahead_s(step: Step) -> float:
    return Random(step.number).choice([-3600.0, -30.0, 0.0, 30.0, 3600.0])


def _jump(system: System, _truth: Truth, step: Step) -> Outcome:
    system.parts[step.target].set_clock(_ahead_s(step))
    return Outcome()


def _note_jump(truth: Truth, step: Step, _outcome: Outcome) -> None:
    truth.ahead_s[step.target] = _ahead_s(step)


def _of_server(name: str) -> Callable[[System, Truth, Step], Outcome]:
    def act(system: System, _truth: Truth, step: Step) -> Outcome:
        assert system.servers is not None
        getattr(system.servers, name)(step.target)
        return Outcome()

    return act


def _note_server(truth: Truth, step: Step, _outcome: Outcome) -> None:
    state = {"kill": "ended", "freeze": "frozen", "cut": "cut", "slow": "slow"}
    truth.servers[step.target] = state.get(step.action.split()[0], "running")  # type: ignore[assignment]


def _parts_in(*states: str) -> Callable[[Truth], list[str]]:
    return lambda truth: [name for name, state in truth.parts.items() if state in states]


def _servers_in(*states: str, ends: bool = False) -> Callable[[Truth], list[str]]:
    """Return what gives the servers in these states; with `ends` those that may end."""
    return lambda truth: [
        name for name in SERVERS if truth.servers.get(name) in states and not (ends and name == "kafka")
    ]


def _to_start(truth: Truth) -> list[str]:
    # Whoever starts a service looks that what it needs is there; a service ends where it is not.
    return _parts_in("ended")(truth) if truth.are_servers_sound else []


FAULTS: dict[str, Action] = {
    "kill": Action(3, _parts_in("running", "frozen"), _of_part("kill"), _note_part),
    "end": Action(1, _parts_in("running"), _of_part("end"), _note_part),
    "start": Action(6, _to_start, _of_part("start"), _note_part),
    "freeze": Action(1.5, _parts_in("running"), _of_part("freeze"), _note_part),
    "thaw": Action(3, _parts_in("frozen"), _of_part("thaw"), _note_part),
    "jump": Action(0.7, _parts_in("running"), _jump, _note_jump),
    "kill server": Action(1, _servers_in("running", ends=True), _of_server("kill"), _note_server),
    "start server": Action(3, _servers_in("ended"), _of_server("start"), _note_server),
    "freeze server": Action(0.7, _servers_in("running"), _of_server("freeze"), _note_server),
    "cut server": Action(1, _servers_in("running"), _of_server("cut"), _note_server),
    "slow server": Action(1, _servers_in("running"), _of_server("slow"), _note_server),
    "mend server": Action(4, _servers_in("frozen", "cut", "slow"), _of_server("mend"), _note_server),
}
