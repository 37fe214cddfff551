"""Words of the commands about themselves, wherever they were started."""

from pathlib import Path

import pytest

from streamrec.cli.installation import ROOT, command_line, import_rules


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("/opt/venv/bin/streamrec", "streamrec run"),
        ("/app/streamrec/__main__.py", "python -m streamrec run"),
    ],
)
def test_a_command_is_named_as_it_was_run(
    argument: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", [argument, "doctor"])
    monkeypatch.chdir(tmp_path)
    assert command_line("run") == said
    monkeypatch.chdir(ROOT)
    assert command_line("run") == "make run"


def test_modules_come_from_the_working_folder_in_the_repository_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert import_rules() == {"PYTHONSAFEPATH": "1"}
    monkeypatch.chdir(ROOT)
    assert import_rules() == {}
