"""What docs/reference/evaluation.md shows is run."""

import doctest
import json
import re
from pathlib import Path

from streamrec.evaluation.models import MODELS
from streamrec.evaluation.prequential import chosen_models, run
from streamrec.evaluation.protocol import Protocol
from streamrec.evaluation.report import figures
from tests.unit.evaluation.test_bad_input import people

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "evaluation.md"


def test_its_loops_give_what_the_evaluator_gives() -> None:
    outcome = doctest.testfile(str(PAGE), module_relative=False)
    assert outcome.attempted > 10
    assert outcome.failed == 0


def test_its_figures_have_the_names_that_are_written() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[:1]
    shown = json.loads(block)
    found = figures(run(people(200), chosen_models(["covisitation"]), Protocol()))
    assert shown["covisitation"].keys() == found["covisitation"].keys()
    for group in ("debiased", "segments", "coverage", "time_ms"):
        assert shown["covisitation"][group].keys() == found["covisitation"][group].keys()


def test_every_model_is_described() -> None:
    described = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE))
    assert set(MODELS) <= described
