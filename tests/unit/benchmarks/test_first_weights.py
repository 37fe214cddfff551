"""Recorded questions as a stream of their own, and blends that start from what others taught."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality.first_weights import EQUAL, OWN, WAYS, Way, compared, hits, started, taught
from benchmarks.quality.recorded_questions import RecordedQuestions, record
from streamrec.domain.sources.table import first_blend
from streamrec.evaluation.prequential import chosen_models, run
from streamrec.evaluation.protocol import Protocol
from streamrec.evaluation.report import figures
from streamrec.learning.initial.fit import FitOptions
from streamrec.settings.processes import LearningSettings
from tests.unit.evaluation.test_bad_input import people

PROTOCOL = Protocol(learning=LearningSettings(embedding_dim=8), fit=FitOptions(max_epochs=1))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> RecordedQuestions:
    return record(people(150), PROTOCOL, tmp_path_factory.mktemp("recorded"))


def test_a_blend_that_goes_through_recorded_questions_finds_what_was_served(
    recorded: RecordedQuestions,
) -> None:
    served = figures(run(people(150), chosen_models(["served"]), PROTOCOL))["served"]
    assert len(recorded) == served["n_events"] > 40
    found = hits(first_blend(PROTOCOL.learning.seed), recorded)
    # 16 bits may order two candidates that are nearly alike the other way round.
    assert found.sum() == pytest.approx(served["recall_at_10"] * len(recorded), abs=2)
    assert recorded.positions.tolist() == [question.position for question in recorded]
    assert 0 < found.sum() < len(recorded)


def test_what_is_recorded_stays(recorded: RecordedQuestions, tmp_path: Path) -> None:
    first = record(people(60), PROTOCOL, tmp_path)
    again = record(people(150), PROTOCOL, tmp_path)
    assert len(first) == len(again) < len(recorded)


def test_a_blend_starts_somewhere_between_equal_weights_and_what_was_learned(
    recorded: RecordedQuestions,
) -> None:
    learned, equal = taught([recorded], 2), first_blend().arrays()
    assert all(np.array_equal(taught([recorded], 2)[name], learned[name]) for name in learned)
    starts = [started(learned, Way(2, share, 0.05)).arrays() for share in (0.0, 0.5, 1.0)]
    for name in ("weights", "context", "output"):
        assert not np.allclose(learned[name], equal[name])
        for start, share in zip(starts, (0.0, 0.5, 1.0), strict=True):
            assert start[name] == pytest.approx((1 - share) * equal[name] + share * learned[name], abs=1e-5)
    assert all((start["weights"] >= 0).all() and start["n_learned"] == [0] for start in starts)
    assert (starts[0]["squares.output"] > equal["squares.output"]).all()


def test_starts_are_compared_on_a_stream_that_the_others_taught(recorded: RecordedQuestions) -> None:
    found = compared(recorded, [recorded], 100, range(1))
    assert set(found) == {EQUAL, OWN, *WAYS}
    assert found[EQUAL][1] == pytest.approx(hits(first_blend(0), recorded).mean())
    assert all(0 < whole < 1 for _, whole in found.values())
