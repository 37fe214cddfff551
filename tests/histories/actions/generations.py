"""Actions on generations and backups."""

from collections.abc import Callable

from streamrec.errors import Unavailable
from tests.histories.actions.steps import Action, Outcome, Step, users_of_a_sound_log
from tests.histories.system.system import System
from tests.histories.truth import Truth


def _retrain(system: System, _truth: Truth, _step: Step) -> Outcome:
    system.train("retraining", "--as-challenger")
    return Outcome()


def _note_retrained(truth: Truth, _step: Step, _outcome: Outcome) -> None:
    truth.is_challenged, truth.may_roll_back = True, False


def _promote(system: System, _truth: Truth, _step: Step) -> Outcome:
    return Outcome(told=system.order_change("promote"))


def _roll_back(system: System, _truth: Truth, _step: Step) -> Outcome:
    return Outcome(told=system.order_change("rollback"))


def _note_roles(truth: Truth, step: Step, outcome: Outcome) -> None:
    truth.champion, truth.is_promotion_open = outcome.told, True
    truth.may_roll_back = step.action == "promote"


def _back_up(system: System, _truth: Truth, _step: Step) -> Outcome:
    try:
        system.back_up()
    except Unavailable:  # a server on a busy machine may be silent for longer than is waited for it
        return Outcome(is_certain=False)
    return Outcome()


def _note_backup(truth: Truth, _step: Step, outcome: Outcome) -> None:
    truth.backup = truth.copy_for_backup() if outcome.is_certain else None


def _restore(system: System, truth: Truth, _step: Step) -> Outcome:
    running = [name for name, part in system.parts.items() if part.is_running]
    for name in running:
        system.parts[name].kill()
    system.restore()
    for name in running:
        system.start(name)
    return Outcome()


def _note_restored(truth: Truth, _step: Step, _outcome: Outcome) -> None:
    truth.restore()
    truth.parts = {name: "running" if state == "frozen" else state for name, state in truth.parts.items()}


def _when(is_so: Callable[[Truth], bool]) -> Callable[[Truth], list[str]]:
    return lambda truth: [""] if is_so(truth) else []


def _may_change_roles(truth: Truth) -> bool:
    return truth.is_challenged and not truth.is_promotion_open and bool(users_of_a_sound_log(truth))


def _may_restore(truth: Truth) -> bool:
    return truth.backup is not None and truth.are_servers_sound


GENERATIONS: dict[str, Action] = {
    "retrain": Action(
        0.7, _when(lambda truth: truth.can_train and not truth.is_promotion_open), _retrain, _note_retrained
    ),
    "promote": Action(2, _when(_may_change_roles), _promote, _note_roles),
    "roll back": Action(
        2, _when(lambda truth: _may_change_roles(truth) and truth.may_roll_back), _roll_back, _note_roles
    ),
    "back up": Action(0.7, _when(lambda truth: truth.are_servers_sound), _back_up, _note_backup),
    "restore": Action(0.7, _when(_may_restore), _restore, _note_restored),
}
