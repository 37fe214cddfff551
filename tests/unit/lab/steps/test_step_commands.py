"""The steps as commands and as make targets, and the page of what they found."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lab.cli import main
from lab.configuration.lab_settings import LabSettings
from lab.configuration.reading import all_keys, read_lab_settings
from lab.steps.registry import APART, STEPS

ROOT = Path(__file__).parents[4]
DATA = [
    "--set=generator.n_interactions=2000", "--set=generator.n_users=50", "--set=generator.n_products=100",
    "--set=generator.n_editorial=10",
]  # fmt: skip


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as exited:
        main(list(arguments))
    return int(exited.value.code or 0)


def test_each_step_is_a_command_and_a_make_target(capsys: pytest.CaptureFixture[str]) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    helped = set(re.findall(r"^([\w-]+):.*## Laboratory", makefile, re.M))
    assert {step.name for step in (*STEPS, *APART)} | {"dashboard", "all"} == helped
    listed = re.search(r"^LAB_STEPS := (.*)$", makefile, re.M)
    assert listed is not None
    assert set(listed[1].split()) == helped
    assert run("--help") == 0
    shown = capsys.readouterr().out
    assert all(step.name in shown for step in (*STEPS, *APART))


def test_steps_follow_from_those_before() -> None:
    made: set[str] = set()
    for step in STEPS:
        assert set(step.inputs) <= made, step.name
        made.add(step.output)
    assert len(made) == len({step.name for step in STEPS}) == len(STEPS)
    for step in APART:
        assert set(step.inputs) <= made
        assert step.output not in made


def test_every_section_that_a_step_reads_is_there() -> None:
    keys = set(all_keys())
    sections = {
        key[:end] for key in keys for end in (at for at, sign in enumerate(key) if sign == ".")
    } | keys
    assert {section for step in (*STEPS, *APART) for section in step.sections} <= sections


def test_the_file_in_the_repository_holds_all_keys_at_their_defaults() -> None:
    path = ROOT / "lab.toml"
    assert read_lab_settings(path) == LabSettings()
    text = path.read_text("utf-8")
    missing = [key for key in all_keys() if not re.search(rf"^{key.rpartition('.')[2]} = ", text, re.M)]
    assert missing == []


def test_the_documentation_tells_every_key() -> None:
    page = (ROOT / "docs/reference/lab-settings.md").read_text("utf-8")
    assert [key for key in all_keys() if f"`{key.rpartition('.')[2]}`" not in page] == []


def test_steps_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("build-features") == 2
    assert "var/lab/data is not there; make it with: python -m lab generate-data" in capsys.readouterr().err
    assert run("generate-data", *DATA) == 0
    assert run("build-features", *DATA) == 0
    assert run("build-features", *DATA) == 0
    assert "var/lab/features is up to date" in capsys.readouterr().err
    assert run("build-features", *DATA, "--set=generator.seed=1") == 2
    assert "generator.seed: 42, now 1" in capsys.readouterr().err
    part = next(Path("var/lab/data/interactions").iterdir())
    whole = part.read_bytes()
    part.write_bytes(b"x" * len(whole))  # its length is right
    assert run("build-features", *DATA, "--again") == 2
    assert f"{part} can't be read" in capsys.readouterr().err
    part.write_bytes(whole[:100])
    assert run("build-features", *DATA) == 2
    shown = capsys.readouterr().err
    assert "make it anew with: python -m lab generate-data --again" in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    ("name", "told"),
    [("nowhere.csv", "there is no data set and no file 'nowhere.csv'"), ("own.csv", "timestamp")],
)
def test_data_of_ones_own_that_will_not_do(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.csv").write_text("user_id,item_id\nu,i\n")
    assert run("generate-data", f"--set=data.dataset={name}") == 2
    assert told in capsys.readouterr().err
    assert not Path("var/lab/data").exists()


def test_data_of_ones_own_and_a_changed_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.csv").write_text("user_id,item_id,timestamp\nu/ü,i,5\nv,i,bad\n")
    assert run("generate-data", "--set=data.dataset=own.csv") == 0
    assert "1 of 2 rows left out: bad_timestamp 1" in capsys.readouterr().err
    assert run("generate-data", "--set=data.dataset=own.csv") == 0
    assert "up to date" in capsys.readouterr().err
    Path("own.csv").write_text("user_id,item_id,timestamp\nu/ü,i,5\nv,i,6\n")
    assert run("generate-data", "--set=data.dataset=own.csv") == 0
    assert "up to date" not in capsys.readouterr().err


class Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_shows_what_was_made_and_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("generate-data", *DATA) == 0
    capsys.readouterr()
    assert run("dashboard") == 0
    path = Path(capsys.readouterr().out.strip())
    page = path.read_text("utf-8")
    words = Words()
    words.feed(page)
    assert {"n_events", "2000", "generate-data", "build-features"} <= set(words.texts)
    assert any("make it with: python -m lab build-features" in text for text in words.texts)
    assert "src=" not in page
    assert "href=" not in page
