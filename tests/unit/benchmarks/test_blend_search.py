import numpy as np
import pytest

from benchmarks.quality.blend_search import Question, RecordedModel, recalls, searched
from streamrec.domain.ranking.prequential import Events
from streamrec.domain.sources.table import COLUMNS
from streamrec.evaluation.models import Model
from streamrec.evaluation.prequential import run
from streamrec.evaluation.protocol import Protocol
from streamrec.evaluation.report import figures
from streamrec.learning.initial.fit import FitOptions
from streamrec.settings.processes import LearningSettings
from tests.unit.evaluation.test_bad_input import people


def test_a_weight_vector_ranks_by_the_weighted_sum_and_ties_count_against_it() -> None:
    ranks = np.zeros((30, 2), np.float16)
    ranks[:, 0] = np.linspace(1, 0.1, 30)
    ranks[12, 1] = 1
    found = recalls([Question(ranks, 12, is_hit=True)], np.array([[1, 0], [0, 1], [0.5, 0.5], [0, 0]], float))
    assert found.tolist() == [0, 1, 1, 0]


def test_what_no_source_proposed_is_a_miss_for_all() -> None:
    assert recalls([Question(np.ones((3, 2), np.float16), -1, is_hit=False)], np.eye(2)).tolist() == [0, 0]
    assert recalls([], np.eye(2)).tolist() == [0, 0]


def test_recorded_questions_are_those_of_the_evaluation() -> None:
    recorded: list[RecordedModel] = []

    def fitted(history: Events, protocol: Protocol) -> RecordedModel:
        recorded.append(RecordedModel(history, protocol))
        return recorded[0]

    protocol = Protocol(learning=LearningSettings(embedding_dim=8), fit=FitOptions(max_epochs=1))
    found = figures(run(people(150), {"served": Model(fitted, has_chance=True)}, protocol))["served"]
    questions = recorded[0].questions
    assert len(questions) == found["n_events"] > 40
    log = searched(questions)
    assert log["learned"] == pytest.approx(found["recall_at_10"])
    assert len(log["log"]) == 200 + len(COLUMNS) + 1
    assert log["best_fixed"] == max(entry["recall_at_10"] for entry in log["log"]) > 0
