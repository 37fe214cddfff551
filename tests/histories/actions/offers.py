"""Actions of people in the history's experiment: lists that are shown to them, and clicks on these."""

import time
from random import Random

from streamrec.attribution.state.settling import LEAD_SHARE
from streamrec.domain.experiments.assignment import Assigner
from streamrec.domain.experiments.exposure import Exposure, encode_exposure
from streamrec.ports import IMPRESSIONS, Message
from tests.histories.actions.changes import append, appended, send, settled
from tests.histories.actions.steps import Action, Outcome, Step, users_of_a_sound_log
from tests.histories.said import Offered, Said
from tests.histories.system.settings import SETTLE_S
from tests.histories.system.system import System
from tests.histories.truth import ITEMS, USERS, Truth


def _list_of(step: Step) -> Offered:
    chance = Random(step.number)
    return Offered(f"r{step.number}", step.target, tuple(chance.sample(ITEMS, 3)), is_certain=True)


def _offer(system: System, _truth: Truth, step: Step) -> Outcome:
    """Append a list, some of them twice, as a recommender that was asked for it does."""
    # One that a user is shown sooner after the erasure counts as shown before it.
    time.sleep(max(0.0, system.erased_at + SETTLE_S * LEAD_SHARE - time.monotonic()))
    offered = _list_of(step)
    user_id, experiment = system.prefix + offered.user_id, system.experiment
    (assigned,) = Assigner([experiment]).assigned(user_id, {})
    exposure = Exposure(
        system.prefix + offered.request_id,
        user_id,
        time.time(),
        [system.prefix + item_id for item_id in offered.item_ids],
        experiments=[(experiment.id, experiment.version, assigned.variant)],
    )
    n = 1 + (step.number % 3 == 0)
    return appended(system, IMPRESSIONS, [Message(user_id, encode_exposure(exposure))] * n)


def _note_offer(truth: Truth, step: Step, outcome: Outcome) -> None:
    truth.kept.offer(_list_of(step)._replace(is_certain=outcome.is_certain))


def _click_of(truth: Truth, step: Step) -> Said:
    chance = Random(step.number)
    offered = chance.choice(truth.kept.lists_of(step.target))
    item_id = chance.choice(offered.item_ids)
    return Said(
        step.target, item_id, "click", f"{step.number}-0", is_certain=True, request_id=offered.request_id
    )


def _click(system: System, truth: Truth, step: Step) -> Outcome:
    return send(system, truth, [_click_of(truth, step)])


def _append_click(system: System, truth: Truth, step: Step) -> Outcome:
    return append(system, [_click_of(truth, step)])


def _note_click(truth: Truth, step: Step, outcome: Outcome) -> None:
    truth.say(_click_of(truth, step)._replace(is_certain=outcome.is_certain))


def _with_lists(truth: Truth, user_ids: list[str]) -> list[str]:
    return [user_id for user_id in user_ids if truth.kept.lists_of(user_id)]


def _who_may_click(truth: Truth) -> list[str]:
    # By a clock that is behind, a click comes before the list that it answers.
    return [] if truth.ahead_s["recommender"] < 0 else _with_lists(truth, settled(truth, USERS))


OFFERS: dict[str, Action] = {
    "offer": Action(3, users_of_a_sound_log, _offer, _note_offer),
    "click": Action(4, _who_may_click, _click, _note_click),
    "append click": Action(
        1.5, lambda truth: _with_lists(truth, users_of_a_sound_log(truth)), _append_click, _note_click
    ),
}
