"""The table and the chart of the peers, and what the command says when a library is missing."""

import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer import Typer
from typer.testing import CliRunner

from benchmarks.quality.models import PAGE
from benchmarks.quality.peers import compare
from benchmarks.quality.peers.chart import draw
from streamrec.evaluation.prequential import chosen_models, run
from streamrec.evaluation.protocol import Protocol
from streamrec.evaluation.report import figures
from tests.unit.evaluation.test_bad_input import people


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    models = figures(run(people(600), chosen_models(["popularity", "decayed_popularity"]), Protocol()))
    return {"one": models, "two": models}


def test_a_table_has_the_best_first_and_marks_ours(results: dict[str, Any]) -> None:
    lines = list(compare.table_rows(results))
    of_one = [line for line in lines[: len(lines) // 2] if "`" in line]
    recalls = [float(line.split("|")[2].split("±")[0]) for line in of_one]
    assert recalls == sorted(recalls, reverse=True)
    assert sorted(line.split("|")[1].strip() for line in of_one) == [
        "**`decayed_popularity`**",
        "`popularity`",
    ]


def test_a_chart_names_every_model_and_is_the_same_again(results: dict[str, Any], tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        draw(results, ("popularity",), tmp_path / name)
    text = (tmp_path / "a.svg").read_text("utf-8")
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert text.count(">decayed_popularity<") == 2
    assert (tmp_path / "b.svg").read_text("utf-8") == text


def test_who_lacks_the_library_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "implicit", None)
    app = Typer()
    app.command()(compare.main)
    ended = CliRunner().invoke(app, ["--json", str(tmp_path / "figures.json")])
    assert ended.exit_code == 2
    assert "pip install -r requirements-lab.txt" in ended.output
    assert not (tmp_path / "figures.json").exists()


def test_the_page_has_markers_for_the_table() -> None:
    assert all(PAGE.read_text("utf-8").count(marker) == 1 for marker in compare.MARKERS)
