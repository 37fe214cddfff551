from typing import Any

import numpy as np
import pytest

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.prequential import Events
from streamrec.errors import ConfigurationError
from streamrec.evaluation.counting import CountingRanker
from streamrec.evaluation.models import Model
from streamrec.evaluation.prequential import columns, run
from streamrec.evaluation.protocol import Protocol
from streamrec.evaluation.report import evaluate
from streamrec.evaluation.streamed import Pace
from streamrec.learning.initial.fit import FitOptions
from streamrec.settings.processes import LearningSettings

QUICK: dict[str, Any] = {
    "learning": LearningSettings(embedding_dim=8, n_negatives=30),
    "fit": FitOptions(max_epochs=2),
}


def tastes(n: int = 1500) -> list[Interaction]:
    random = np.random.default_rng(0)
    return [
        Interaction(f"u{user}", f"i{item * 3 + user % 3}", float(n))
        for n, (user, item) in enumerate(
            zip(random.integers(0, 40, n).tolist(), random.integers(0, 40, n).tolist(), strict=True)
        )
    ]


def test_models_answer_the_same_questions_and_those_that_can_find_tastes() -> None:
    results = evaluate(tastes(1200), ["popularity", "gmf", "covisitation"], Protocol(**QUICK, stride=2))
    assert list(results) == ["popularity", "gmf", "covisitation"]
    assert len({metrics["n_events"] for metrics in results.values()}) == 1
    assert results["gmf"]["recall_at_10"] > 1.3 * results["popularity"]["recall_at_10"]
    assert results["covisitation"]["recall_at_10"] > 1.3 * results["popularity"]["recall_at_10"] > 0


def test_popularity_is_counting() -> None:
    events = tastes(400)
    hits = n_events = 0
    counts: dict[str, int] = {}
    seen: dict[str, set[str]] = {}
    for index, event in enumerate(events):
        own = seen.setdefault(event.user_id, set())
        if index >= 40 and own and event.item_id not in own:
            n_events += 1
            rivals = sum(
                count >= counts.get(event.item_id, 0)
                for item, count in counts.items()
                if item not in own and item != event.item_id
            )
            hits += event.item_id in counts and rivals < 10
        own.add(event.item_id)
        counts[event.item_id] = counts.get(event.item_id, 0) + 1
    found = evaluate(events, ["popularity"], Protocol())["popularity"]
    assert found["n_events"] == n_events
    assert found["recall_at_10"] == pytest.approx(hits / n_events)


def test_events_are_taken_in_time_order() -> None:
    events = tastes(300)
    backwards, forwards = (
        evaluate(stream, ["popularity"], Protocol())["popularity"] for stream in (events[::-1], events)
    )
    assert {**backwards, "time_ms": 0} == {**forwards, "time_ms": 0}


def test_a_fast_stream_costs_quality_and_a_slow_one_next_to_none() -> None:
    paces = {None: None, 0.5: Pace(0.5), 100_000.0: Pace(100_000.0)}
    results = {
        rate: evaluate(tastes(1000), ["gmf"], Protocol(**QUICK, stride=2, pace=pace))["gmf"]["recall_at_10"]
        for rate, pace in paces.items()
    }
    # Half an event a second: all is learned and published before the next one comes.
    assert results[0.5] == pytest.approx(results[None], abs=0.02)
    assert results[100_000.0] < results[None]


def test_progress_reaches_the_end() -> None:
    told: list[tuple[int, int]] = []
    evaluate(tastes(200), ["popularity"], Protocol(), lambda *progress: told.append(progress))
    assert told[0] == (21, 200)
    assert told[-1] == (200, 200)


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(ConfigurationError, match="oracle"):
        evaluate([], ["oracle"], Protocol())


def test_columns_number_ids_by_first_appearance() -> None:
    events = columns([Interaction("b", "x", 5.0), Interaction("a", "y", 1.0), Interaction("b", "y", 9.0)])
    assert events.user_rows.tolist() == [0, 1, 1]
    assert events.item_rows.tolist() == [0, 1, 0]
    assert events.timestamps.tolist() == [1.0, 5.0, 9.0]


def test_models_know_the_metadata_of_the_streams_items_by_their_rows() -> None:
    given: list[Protocol] = []

    def fitted(history: Events, protocol: Protocol) -> CountingRanker:
        given.append(protocol)
        return CountingRanker()

    stream = [Interaction("a", "x", 2.0), Interaction("b", "y", 1.0), Interaction("b", "x", 3.0)]
    catalog = [Item(name, title=name) for name in ("x", "never chosen", "y")]
    run(stream, {"counting": Model(fitted, has_chance=False)}, Protocol(catalog=catalog))
    assert {item.item_id: item.title for item in given[0].catalog} == {"1": "x", "0": "y"}
