import csv
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from lab.cli import main
from lab.model_files import load_model
from lab.models.blended_sources import BlendedSources

VIEWS = [("ann", "c1"), ("ann", "c2"), ("bob", "c1"), ("bob", "[c3]"), ("cid", "c4"), ("cid", "c1")]
INTERESTS = [("ann", "python"), ("cid", "python")]


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "item_id", "timestamp", "type", "value"])
        writer.writerows([user, item, n, "view", 60 + n] for n, (user, item) in enumerate(VIEWS))
        writer.writerows([user, tag, 50, "interest", ""] for user, tag in INTERESTS)
    items = [{"item_id": item, "categories": ["course", item]} for item in ("c1", "c2", "[c3]", "c4")]
    (tmp_path / "events.items.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, items)))
    return path


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exited:
        main(list(arguments))
    return int(exited.value.code or 0)


def fit(events: Path, model: str, *options: str) -> str:
    out = events.parent / "models" / f"{model}.npz"
    assert run("fit", "--events", str(events), "--model", model, "--out", str(out), *options) == 0
    return str(out)


def test_fit_and_ask(events: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = fit(events, "item-neighbours")
    assert capsys.readouterr().out.strip() == file
    assert run("similar-items", file, "c1", "-k", "3") == 0
    shown = capsys.readouterr().out
    assert "[c3]" in shown  # an id with brackets is no markup
    assert "c2" in shown
    assert run("recommend", file, "ann") == 0
    shown = capsys.readouterr().out
    assert "c4" in shown
    assert "c2" not in shown
    assert run("recommend", file, "ann", "--with-seen") == 0
    assert "c2" in capsys.readouterr().out
    assert run("similar-users", file, "ann") == 2
    assert "error: item-neighbours does not compare users" in capsys.readouterr().err


def test_users_by_every_option(events: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--cells", "mean_value", "--measure", "euclidean", "--shrinkage", "0", "--neighbours", "1"]
    file = fit(events, "user-neighbours", *options)
    capsys.readouterr()
    assert run("similar-users", file, "ann") == 0
    # They share c1: 60 and 62 seconds, 60 and 65 seconds.
    assert [row.split("│")[1:3] for row in capsys.readouterr().out.splitlines() if "0." in row] == [
        [" bob ", " 0.3333 "],
        [" cid ", " 0.1667 "],
    ]
    assert run("recommend", file, "ann", "-k", "5") == 0
    assert "c4" not in capsys.readouterr().out  # the only neighbour does not have it


def test_sources_by_type_of_event_are_blended(events: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--source", "view=.6", "--source", "interest=.3", "--tag-type", "interest", "--dims", "2"]
    file = fit(events, "tag-svd", *options)
    model = load_model(Path(file))
    assert isinstance(model, BlendedSources)
    assert {of.id for of in model.similar_users("ann")} == {"bob", "cid"}
    assert {of.id for of in model.recommend("ann")} == {"[c3]", "c4"}
    assert fit(events, "tag-svd", "--limit", "2")
    assert run("recommend", file, "ann") == 0
    assert "only the id" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--model", "oracle"], "no model 'oracle'; there are item-neighbours, user-neighbours, tag-svd"),
        (["--model", "tag-svd", "--source", "view"], "wanted EVENT_TYPE=WEIGHT"),
        (["--model", "tag-svd", "--source", "view=1", "--source", "view=2"], "each type once"),
        (["--model", "tag-svd", "--source", "cart=1"], "there is no event of type 'cart'"),
        (["--model", "tag-svd", "--source", "view=-1"], "the weight of view is -1.0"),
        (["--model", "tag-svd", "--tag-type", "interest"], "there are no sources"),
        (["--model", "tag-svd", "--source", "view=1", "--tag-type", "cart"], "among the sources: cart"),
        (["--model", "item-neighbours", "--source", "view=1"], "compares items"),
    ],
)
def test_what_does_not_go_together_is_one_line(
    events: Path, options: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("fit", "--events", str(events), "--out", str(events.parent / "m.npz"), *options) == 2
    assert why in capsys.readouterr().err
    assert not (events.parent / "m.npz").exists()


def test_unknown_ids_and_files(events: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = fit(events, "user-neighbours", "--limit", "2")
    assert run("recommend", file, "cid") == 2
    assert "error: no user 'cid'" in capsys.readouterr().err
    assert run("recommend", file, "ann") == 0
    assert "nothing is known but the id" in capsys.readouterr().err
    assert run("recommend", str(events), "ann") == 2
    assert "fit the model again" in capsys.readouterr().err
    assert run("recommend", "nowhere.npz", "ann") == 2
    assert "there is no model at nowhere.npz" in capsys.readouterr().err


def test_without_scipy_one_line_says_what_to_install() -> None:
    without = "import runpy, sys; sys.modules['scipy'] = None; runpy.run_module('lab', run_name='__main__')"
    ended = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "needs scipy: pip install -r requirements.txt -r requirements-lab.txt -c constr" in ended.stderr
    assert "Traceback" not in ended.stderr
