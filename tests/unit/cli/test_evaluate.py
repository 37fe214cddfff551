import json
from pathlib import Path

import pytest

from streamrec.cli.app import main
from streamrec.datasets.synthetic import SyntheticStream
from streamrec.datasets.synthetic_events import write_synthetic


@pytest.fixture
def events(tmp_path: Path) -> Path:
    write_synthetic(SyntheticStream(2_000, n_users=60, n_items=100), tmp_path / "events.csv")
    return tmp_path / "events.csv"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exited:
        main(["evaluate", *arguments])
    return int(exited.value.code or 0)


def test_figures_go_to_a_table_and_to_a_file(
    events: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "results" / "figures.json"
    options = ["--events", str(events), "--stride", "5", "--json", str(file)]
    assert run(*options, "--model", "gmf,popularity", "--rate", "500") == 0
    figures = json.loads(file.read_text())
    assert list(figures) == ["gmf", "popularity"]
    for of_model in figures.values():
        assert 0 < of_model["recall_at_10"] < 1
        assert 0 < of_model["ndcg_at_10"] < 1
        assert 100 < of_model["n_events"] < 400
    shown = capsys.readouterr().out
    assert "popularity" in shown
    assert f"{figures['gmf']['recall_at_10']:.4f}" in shown


def test_a_model_that_does_not_exist_is_said(events: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--events", str(events), "--model", "oracle") == 2
    assert (
        "unknown models oracle: there are popularity, decayed_popularity, gmf, context, covisitation"
        in capsys.readouterr().err
    )
    assert run("--events", str(events), "--model", ",") == 2
