import itertools
from typing import Any

import numpy as np
import pytest

from streamrec.domain.ranking.metrics import MISS, rank_of
from streamrec.domain.ranking.prequential import Events, ListRanker, Rows
from streamrec.evaluation.models import MODELS, Model
from streamrec.evaluation.prequential import Evaluation, columns, run
from streamrec.evaluation.protocol import Protocol
from streamrec.evaluation.report import figures
from streamrec.learning.initial.fit import FitOptions
from streamrec.settings.processes import LearningSettings
from tests.unit.evaluation.test_bad_input import people

QUICK: dict[str, Any] = {
    "learning": LearningSettings(embedding_dim=8, n_negatives=20),
    "fit": FitOptions(max_epochs=1),
}


class OneList:
    """Always answers with the same rows."""

    def __init__(self, rows: list[int]) -> None:
        self.rows = np.array(rows)

    def best(self, user_row: int, k: int, at: float) -> Rows:
        return self.rows[:k]

    def learn(self, events: Events) -> None:
        pass


class Guess:
    """Scores drawn by a seed."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def scores(self, user_row: int, n_items: int, at: float | None = None) -> np.ndarray:
        return self.random.random(n_items)

    def learn(self, events: Events) -> None:
        pass


def guessing(history: Events, protocol: Protocol) -> Guess:
    return Guess(protocol.learning.seed)


@pytest.mark.parametrize("name", MODELS)
def test_each_model_answers_as_in_a_plain_loop(name: str) -> None:
    stream, protocol = people(250), Protocol(**QUICK)
    events, ranks = columns(stream), []
    model = MODELS[name].fitted(events.at(slice(0, 25)), protocol)
    users, items = events.user_rows.tolist(), events.item_rows.tolist()
    for n in range(25, 250):
        at = float(events.timestamps[n])
        own = [item for user, item in zip(users[:n], items[:n], strict=True) if user == users[n]]
        if own and items[n] not in own:
            n_items = max(items[:n]) + 1
            if isinstance(model, ListRanker):
                listed = model.best(users[n], 20, at).tolist()
                ranks.append(listed.index(items[n]) if items[n] in listed else MISS)
            elif items[n] < n_items:
                ranks.append(rank_of(model.scores(users[n], n_items, at), items[n], np.unique(own)))
            else:
                ranks.append(MISS)
        model.learn(events.at(slice(n, n + 1)))
    found = run(stream, {name: MODELS[name]}, protocol).answers[name][0].ranks
    assert found.tolist() == ranks
    assert len(ranks) > 60


def test_a_list_counts_where_the_target_stands_in_it() -> None:
    model = Model(lambda history, protocol: OneList([3, 1, 2]), has_chance=False)
    evaluation = run(people(500), {"list": model}, Protocol(ks=(2, 3)))
    found = figures(evaluation)["list"]
    targets = evaluation.events.item_rows[evaluation.positions]
    assert found["recall_at_2"] == pytest.approx(np.isin(targets, [3, 1]).mean())
    assert found["mrr_at_3"] == pytest.approx(
        ((targets == 3) + (targets == 1) / 2 + (targets == 2) / 3).mean()
    )
    assert found["coverage"]["share"] == pytest.approx(2 / evaluation.n_items)
    assert found["coverage"]["n_items"] == evaluation.n_items


def test_seeds_are_runs_of_their_own_and_their_mean_is_told() -> None:
    models = {"guess": Model(guessing, has_chance=True), "popularity": MODELS["popularity"]}
    protocol = Protocol(n_seeds=3, learning=LearningSettings(seed=7))
    found = figures(run(people(600), models, protocol))
    of_guess = found["guess"]["seeds"]["recall_at_10"]
    alone = [
        figures(run(people(600), {"guess": models["guess"]}, Protocol(learning=LearningSettings(seed=seed))))
        for seed in (7, 8, 9)
    ]
    assert of_guess["values"] == [one["guess"]["recall_at_10"] for one in alone]
    assert found["guess"]["recall_at_10"] == pytest.approx(np.mean(of_guess["values"]))
    assert of_guess["std"] == pytest.approx(np.std(of_guess["values"], ddof=1))
    assert found["guess"]["seeds"]["first"] == 7
    assert found["popularity"]["seeds"]["n"] == 1
    assert found["popularity"]["seeds"]["recall_at_10"]["std"] == 0


def test_time_is_taken_from_the_clock() -> None:
    ticks = itertools.count()
    model = {"guess": Model(guessing, has_chance=False)}
    evaluation = run(people(300), model, Protocol(), clock=lambda: next(ticks) / 1000)
    assert figures(evaluation)["guess"]["time_ms"] == {
        "predict": {"mean": pytest.approx(1), "p99": pytest.approx(1)},
        "learn": {"mean": pytest.approx(1), "p99": pytest.approx(1)},
    }


def test_segments_make_up_the_whole() -> None:
    found = figures(run(people(800), {"popularity": MODELS["popularity"]}, Protocol(with_repeats=True)))
    of_model = found["popularity"]
    halves = [of_model["segments"][name] for name in ("repeat_targets", "new_targets")]
    n_hits = sum(half["recall_at_10"] * half["n_events"] for half in halves)
    assert sum(half["n_events"] for half in halves) == of_model["n_events"]
    assert n_hits == pytest.approx(of_model["recall_at_10"] * of_model["n_events"])


def test_an_evaluation_knows_its_catalogue() -> None:
    evaluation: Evaluation = run(people(200), {}, Protocol())
    assert evaluation.n_items == len({event.item_id for event in people(200)})
