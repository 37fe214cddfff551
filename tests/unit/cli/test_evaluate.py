import json
from functools import partial
from pathlib import Path

import pytest

from streamrec.datasets.synthetic import SyntheticStream
from streamrec.datasets.synthetic_events import write_synthetic
from tests.command_line import run


@pytest.fixture
def events(tmp_path: Path) -> Path:
    write_synthetic(SyntheticStream(2_000, n_users=60, n_items=100), tmp_path / "events.csv")
    return tmp_path / "events.csv"


evaluate = partial(run, "evaluate")


def test_figures_go_to_a_table_and_to_a_file(
    events: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "results" / "figures.json"
    options = ["--events", str(events), "--stride", "5", "--json", str(file)]
    assert evaluate(*options, "--model", "gmf,popularity", "--rate", "500") == 0
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
    assert evaluate("--events", str(events), "--model", "oracle") == 2
    assert "unknown models oracle: there are popularity, decayed_popularity, gmf" in capsys.readouterr().err
    assert evaluate("--events", str(events), "--model", ",") == 2


def test_metadata_of_the_items_is_read_from_a_file(
    events: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = tmp_path / "items.csv"
    items.write_text("item_id,categories\ni1,war|drama\n,comedy\n")
    options = ["--events", str(events), "--model", "popularity", "--limit", "300"]
    assert evaluate(*options, "--items", str(items)) == 0
    assert "left out" in capsys.readouterr().err
    assert evaluate(*options, "--items", str(tmp_path / "none.csv")) == 2


COUNTING = ("--model", "popularity,decayed_popularity")


def test_a_part_of_a_stream_with_repeats_and_a_picture(events: Path, tmp_path: Path) -> None:
    file, picture = tmp_path / "figures.json", tmp_path / "plots" / "recall.html"
    written = ("--json", str(file), "--plot", str(picture))
    assert (
        evaluate("--events", str(events), *COUNTING, "--limit", "700", "--repeats", "--k", "5,1", *written)
        == 0
    )
    figures = json.loads(file.read_text())["popularity"]
    assert 300 < figures["n_events"] < 630
    assert 0 < figures["recall_at_1"] < figures["recall_at_5"] < 1
    assert set(figures["segments"]) >= {"repeat_targets", "new_targets"}
    assert "recall@1" in picture.read_text("utf-8")


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([f"u{n},i,{n}" for n in range(50)], "every user has one event only"),
        (["u,i,1"] * 50, "after the history, users only choose what they had already (see --repeats)"),
    ],
)
def test_a_stream_that_asks_nothing_gives_zeros_and_says_why(
    rows: list[str], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "few.csv").write_text("\n".join(["user_id,item_id,timestamp", *rows, ""]))
    file = tmp_path / "figures.json"
    assert evaluate("--events", str(tmp_path / "few.csv"), *COUNTING, "--json", str(file)) == 0
    assert f"no event can be predicted: {why}" in capsys.readouterr().err
    assert json.loads(file.read_text())["popularity"]["n_events"] == 0


def test_a_file_without_rows_is_no_stream(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.csv").write_text("user_id,item_id,timestamp\n")
    assert evaluate("--events", str(tmp_path / "empty.csv"), *COUNTING) == 2
    assert "it has no rows" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--k", "0"), "numbers from 1 to 1,000"),
        (("--k", "ten"), "numbers from 1 to 1,000"),
        (("--plot", "recall.gif"), "ends in one of .png, .svg, .html"),
    ],
)
def test_a_wrong_option_is_said_before_anything_is_read(
    option: tuple[str, str], said: str, events: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate("--events", str(events), *option) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "Reading" not in told


def test_seeds_are_told_apart(events: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "figures.json"
    options = ("--model", "gmf,popularity", "--limit", "500", "--seeds", "2", "--json", str(file))
    assert evaluate("--events", str(events), *options) == 0
    seeds = json.loads(file.read_text())["gmf"]["seeds"]
    assert len(set(seeds["mrr_at_20"]["values"])) == 2
    assert "of 2" in capsys.readouterr().out


def test_attributes_of_the_users_are_read_from_a_file(
    events: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    users = tmp_path / "users.csv"
    users.write_text("user_id,job\nu1,nurse\n,cook\n")
    options = ["--events", str(events), "--model", "popularity", "--limit", "300"]
    assert evaluate(*options, "--users", str(users)) == 0
    assert "left out" in capsys.readouterr().err
    assert evaluate(*options, "--users", str(tmp_path / "none.csv")) == 2
