"""The end of commands: errors of files and of the screen are a line, and no stack trace."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from streamrec.cli.ending import EXIT_ERROR
from tests.command_line import run

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")

ROOT = str(Path(__file__).parents[3])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evaluate", "--dataset", "none", "--json", "file/below.json"], "file can't be opened"),
        (["evaluate", "--dataset", "none", "--json", "folder"], "folder can't be opened"),
        (["experiment", "create", "none.json"], "none.json can't be opened: No such file"),
        (["data", "fetch", "--data-dir", "file/below"], "file"),
    ],
)
def test_a_file_that_can_not_be_written_is_named(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("file").touch()
    Path("folder").mkdir()
    assert run(*arguments) == EXIT_ERROR
    told = capsys.readouterr().err
    assert words in told
    assert told.count("\n") == 1


def _called(shell: str) -> subprocess.CompletedProcess[str]:
    """Run `experiment create` on a file of a name that ASCII has no letters for."""
    command = f"{sys.executable} -m streamrec experiment create 'kä½fe.json' {shell}"
    environment = {"PYTHONPATH": ROOT, "PATH": os.environ["PATH"], "PYTHONIOENCODING": "ascii"}
    return subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("shell", ["", ">&-", "2>&-", ">&- 2>&-"])
def test_a_screen_that_is_closed_or_knows_few_letters_changes_no_exit_code(shell: str) -> None:
    found = _called(shell)
    assert found.returncode == EXIT_ERROR
    assert "Traceback" not in found.stderr
    assert ("error: k" in found.stderr) == ("2>" not in shell)


def test_an_interrupt_while_modules_are_imported_is_no_stack_trace() -> None:
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "streamrec", "--help"],
        env={"PYTHONPATH": ROOT}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:  # fmt: skip
        assert process.stderr is not None
        told = []
        for line in process.stderr:  # which says what was imported as it goes
            told.append(line)
            if "typer" in line:
                process.send_signal(signal.SIGINT)
                break
        told.append(process.stderr.read())
    assert process.returncode == -signal.SIGINT
    assert "Traceback" not in "".join(told)
