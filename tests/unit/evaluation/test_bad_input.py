"""Streams as nobody wants them: every figure is a number, and a stream that asks nothing says so."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from streamrec.domain.events.interaction import Interaction
from streamrec.evaluation.models import MODELS
from streamrec.evaluation.prequential import chosen_models, run
from streamrec.evaluation.protocol import Protocol
from streamrec.evaluation.report import figures, why_no_question
from streamrec.learning.initial.fit import FitOptions
from streamrec.settings.processes import LearningSettings

QUICK: dict[str, Any] = {
    "learning": LearningSettings(embedding_dim=8, n_negatives=20),
    "fit": FitOptions(max_epochs=1),
}


def people(n: int, seed: int = 0) -> list[Interaction]:
    random = np.random.default_rng(seed)
    users, items = random.integers(0, 30, n).tolist(), (60 * random.random(n) ** 2).astype(int).tolist()
    return [Interaction(f"u{users[n]}", f"i{items[n]}", 60.0 * n) for n in range(n)]


def with_robots(n: int) -> list[Interaction]:
    """Every second event is of one of few users who want the same few items again and again."""
    humans = people(n)
    robots = [Interaction(f"robot{n % 3}", f"i{n % 7}", event.timestamp) for n, event in enumerate(humans)]
    return [event for pair in zip(humans, robots, strict=True) for event in pair]


def out_of_order(n: int) -> list[Interaction]:
    random = np.random.default_rng(1)
    return [
        Interaction(event.user_id, event.item_id, event.timestamp + late)
        for event, late in zip(people(n), random.uniform(-86_400, 0, n).tolist(), strict=True)
    ]


STREAMS = {
    "one user": [Interaction("u", f"i{n}", float(n)) for n in range(60)],
    "one item": [Interaction(f"u{n}", "i", float(n)) for n in range(60)],
    "one event": [Interaction("u", "i", 0.0)],
    "two events": [Interaction("u", "i", 0.0), Interaction("u", "j", 0.0)],
    "nothing": [],
    "all at one time": [Interaction(e.user_id, e.item_id, 5.0) for e in people(80)],
    "out of order by a day": out_of_order(80),
    "half of it robots": with_robots(50),
}


def numbers(figures_of_model: Any) -> Iterator[float]:
    if isinstance(figures_of_model, dict):
        figures_of_model = list(figures_of_model.values())
    if isinstance(figures_of_model, list):
        for part in figures_of_model:
            yield from numbers(part)
    else:
        yield float(figures_of_model)


@pytest.mark.parametrize("with_repeats", [False, True])
@pytest.mark.parametrize("name", STREAMS)
def test_every_figure_is_finite(name: str, with_repeats: bool) -> None:
    protocol = Protocol(**QUICK, with_repeats=with_repeats)
    found = figures(run(STREAMS[name], MODELS, protocol))
    assert list(found) == list(MODELS)
    for of_model in found.values():
        assert all(math.isfinite(number) and number >= 0 for number in numbers(of_model))
        assert 0 <= of_model["recall_at_10"] <= of_model["recall_at_20"] <= 1


def test_who_wants_only_new_things_can_be_asked_about_none_of_them() -> None:
    found = figures(run(STREAMS["one user"], chosen_models(["popularity"]), Protocol()))["popularity"]
    assert found["n_events"] == found["n_never_seen"] == 54
    assert found["recall_at_20"] == 0
    assert found["intervals"]["recall_at_10"] == [0.0, 1.0]


def test_robots_repeat_themselves_and_are_no_question_until_repeats_are() -> None:
    events = with_robots(300)
    without, with_them = (
        figures(run(events, chosen_models(["popularity"]), Protocol(with_repeats=with_repeats)))["popularity"]
        for with_repeats in (False, True)
    )
    assert with_them["n_events"] > without["n_events"] + 250
    assert with_them["segments"]["repeat_targets"]["recall_at_10"] == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(
    ("name", "protocol", "reason"),
    [
        ("nothing", Protocol(), "there are no events"),
        ("one item", Protocol(), "every user has one event only"),
        ("one user", Protocol(initial_share=1), "all events are history"),
        ("two events", Protocol(stride=7), "left by --stride"),
    ],
)
def test_a_stream_without_a_question_says_why(name: str, protocol: Protocol, reason: str) -> None:
    evaluation = run(STREAMS[name], chosen_models(["popularity"]), protocol)
    assert reason in why_no_question(evaluation)
    assert figures(evaluation)["popularity"]["n_events"] == 0


def test_repeats_alone_are_no_question_without_the_option() -> None:
    evaluation = run(
        [Interaction("u", "i", float(n)) for n in range(9)], chosen_models(["popularity"]), Protocol()
    )
    assert "--repeats" in why_no_question(evaluation)
