"""Actions of people and of other services: events, and changes of items and users, over HTTP or the log."""

import time
from collections.abc import Iterable
from random import Random

from msgspec import UNSET

from streamrec.domain.events.interaction import Interaction
from streamrec.errors import Unavailable
from streamrec.ports import INTERACTIONS, Message
from streamrec.wire import encode_event
from tests.histories.actions.steps import (
    Action,
    Outcome,
    Step,
    WrongAnswer,
    note_nothing,
    users_of_a_sound_log,
)
from tests.histories.said import Said
from tests.histories.system.system import System
from tests.histories.truth import DISLIKED, ITEMS, USERS, VOLATILE, Truth

_TICKS_SINCE_S = -180.0
"""Before the history began: the minutes of all ticks are over, and none has left the window."""


def changed(system: System, truth: Truth, method: str, path: str, body: object = None) -> Outcome:
    """Return what became of a change."""
    answer = system.ask(method, path, body)
    if 200 <= answer.status < 300:
        return Outcome()
    may_fail = truth.may_fail or truth.place == "services"  # clients connect again when they are used
    if answer.status in (0, 503) and may_fail:
        return Outcome(is_certain=False)
    raise WrongAnswer(f"{method} {path}: {answer.status} {answer.body} after {answer.took_s:.1f} s")


def events_of(step: Step) -> list[Said]:
    """Return what a step says: dislikes, or choices, of which some are ticks."""
    chance = Random(step.number)
    if chance.random() < 0.15:
        return [Said(step.target, chance.choice(DISLIKED), "dislike", f"{step.number}-0", is_certain=True)]
    pool = VOLATILE if chance.random() < 0.2 else ITEMS
    item_ids = chance.sample(pool, chance.randint(1, 3))
    said = [
        Said(step.target, item_id, "view", f"{step.number}-{place}", is_certain=True)
        for place, item_id in enumerate(item_ids)
    ]
    if chance.random() < 0.5:
        return said
    return [
        one._replace(type="trade", value=float(chance.randrange(1000)), at_s=_TICKS_SINCE_S * chance.random())
        for one in said
    ]


def send(system: System, truth: Truth, said: list[Said]) -> Outcome:
    """Send events to the recommender."""
    body = []
    for one in said:
        event: dict[str, object] = {
            "user_id": system.prefix + one.user_id,
            "item_id": system.prefix + one.item_id,
            "type": one.type,
            "event_id": system.prefix + one.event_id,
        }
        if one.value is not None:
            event |= {"value": one.value, "timestamp": system.began_at + one.at_s}
        if one.request_id:
            event |= {"request_id": system.prefix + one.request_id}
        body.append(event)
    return changed(system, truth, "POST", "/v1/events", body)


def append(system: System, said: list[Said]) -> Outcome:
    """Append events to the log, as another client does."""
    events = [
        Interaction(
            system.prefix + one.user_id,
            system.prefix + one.item_id,
            time.time() if one.value is None else system.began_at + one.at_s,
            one.type,
            one.value,
            system.prefix + one.event_id,
            request_id=system.prefix + one.request_id if one.request_id else UNSET,
        )
        for one in said
    ]
    return appended(system, INTERACTIONS, [Message(one.user_id, encode_event(one)) for one in events])


def appended(system: System, topic: str, messages: list[Message]) -> Outcome:
    """Append records, and return what became of them."""
    try:
        system.append(topic, *messages)
    except Unavailable:  # a stopped writer holds the file, or the way was mended just now
        return Outcome(is_certain=False)
    return Outcome()


def _say(system: System, truth: Truth, step: Step) -> Outcome:
    return send(system, truth, events_of(step))


def _append(system: System, _truth: Truth, step: Step) -> Outcome:
    return append(system, events_of(step))


def _append_garbage(system: System, _truth: Truth, step: Step) -> Outcome:
    return appended(system, INTERACTIONS, [Message(system.prefix + str(step.number), b'{"user_id": 1}')])


def _say_again(system: System, truth: Truth, step: Step) -> Outcome:
    return send(system, truth, truth.of(step.target)[-1:])


def _note_events(truth: Truth, step: Step, outcome: Outcome) -> None:
    for said in events_of(step):
        truth.say(said._replace(is_certain=outcome.is_certain))


def _note_again(truth: Truth, step: Step, outcome: Outcome) -> None:
    truth.say(truth.of(step.target)[-1]._replace(is_certain=outcome.is_certain))


def _show(system: System, truth: Truth, step: Step) -> Outcome:
    return changed(system, truth, "PUT", f"/v1/items/{system.prefix}{step.target}", {"title": "Shown"})


def _hide(system: System, truth: Truth, step: Step) -> Outcome:
    body = {"title": "Hidden", "is_hidden": True}
    return changed(system, truth, "PUT", f"/v1/items/{system.prefix}{step.target}", body)


def _delete(system: System, truth: Truth, step: Step) -> Outcome:
    path = f"/v1/items/{system.prefix}{step.target}"
    answer = system.ask("DELETE", path)
    # Of two deletions of which the first got no answer the second finds nothing.
    if answer.status == 404 and step.target in truth.unsettled:
        return Outcome()
    return Outcome() if answer.status == 204 else changed(system, truth, "DELETE", path)


def _erase(system: System, truth: Truth, step: Step) -> Outcome:
    return changed(system, truth, "DELETE", f"/v1/users/{system.prefix}{step.target}")


def note_change(truth: Truth, step: Step, outcome: Outcome) -> None:
    """Note that an item or a user was changed, or that nobody knows."""
    if step.action == "erase" and truth.ahead_s["recommender"] > 0:
        truth.kept.passed_over.add(step.target)
    if not outcome.is_certain:
        truth.unsettled[step.target] = (step.action, step.target)
        return
    truth.unsettled.pop(step.target, None)
    if step.action == "erase":
        truth.erase(step.target)
    else:
        truth.items[step.target] = {"show": "shown", "hide": "hidden", "delete": "deleted"}[step.action]  # type: ignore[assignment]


def _can_ask(truth: Truth) -> bool:
    return truth.parts["recommender"] == "running"


def settled(truth: Truth, ids: Iterable[str]) -> list[str]:
    return [one for one in ids if one not in truth.unsettled] if _can_ask(truth) else []


def _users_who_spoke(truth: Truth) -> list[str]:
    return [user_id for user_id in settled(truth, USERS) if truth.of(user_id)]


def _any_of_a_sound_log(truth: Truth) -> list[str]:
    return users_of_a_sound_log(truth)[:1]


CHANGES: dict[str, Action] = {
    "say": Action(12, lambda truth: settled(truth, USERS), _say, _note_events),
    "append": Action(4, users_of_a_sound_log, _append, _note_events),
    "append garbage": Action(
        0.5, lambda truth: users_of_a_sound_log(truth)[:1], _append_garbage, note_nothing
    ),
    "say again": Action(3, _users_who_spoke, _say_again, _note_again),
    "show": Action(2, lambda truth: settled(truth, truth.items), _show, note_change),
    "hide": Action(2, lambda truth: settled(truth, truth.items), _hide, note_change),
    "delete": Action(
        1.5,
        lambda truth: [one for one in settled(truth, VOLATILE) if truth.items[one] in ("shown", "hidden")],
        _delete,
        note_change,
    ),
    "erase": Action(3, lambda truth: settled(truth, USERS), _erase, note_change),
}
