"""The environment that `make` installs into, however it was left."""

import shutil
import subprocess
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.processes import ROOT

TIMEOUT_S = 200


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The Makefile, with nothing to install."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("requirements.txt", "constraints.txt"):
        (tmp_path / name).touch()
    return tmp_path


def install(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["make", *words, ".venv/.runtime"]
    return subprocess.run(
        command, cwd=project, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


def without_pip(folder: Path) -> None:
    venv.create(folder, symlinks=True)


def without_python(folder: Path) -> None:
    without_pip(folder)
    for name in ("python", "python3", "python3.11"):
        (folder / "bin" / name).unlink(missing_ok=True)
    (folder / "bin" / "python").symlink_to("/gone/python3.11")


@pytest.mark.parametrize(
    "left", [without_pip, without_python, pytest.param(Path.mkdir, marks=pytest.mark.nightly)]
)
def test_half_an_environment_is_mended(project: Path, left: Callable[[Path], None]) -> None:
    left(project / ".venv")
    done = install(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (project / ".venv" / ".runtime").exists()


def test_one_that_lost_its_python_says_what_to_do(project: Path) -> None:
    without_python(project / ".venv")
    (project / ".venv" / ".runtime").touch()
    done = install(project)
    assert done.returncode != 0
    assert "run the same command again" in done.stdout
    assert install(project).returncode == 0


def test_a_python_that_is_not_there_is_named(project: Path) -> None:
    done = install(project, "PYTHON=python9")
    assert done.returncode != 0
    assert "No python9 here" in done.stdout
