"""The unit for systemd: what systemd says of it, and what it starts."""

import configparser
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.processes import ROOT, python

UNIT = ROOT / "deploy" / "systemd" / "streamrec.service"


def commands() -> list[str]:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names as they stand
    parser.read(UNIT)
    return shlex.split(parser["Service"]["ExecStart"])


def test_systemd_understands_it(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd here")
    unit = tmp_path / UNIT.name
    # What is installed at its place elsewhere.
    unit.write_text(UNIT.read_text().replace(commands()[0], sys.executable))
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    verified = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")


def test_what_it_starts_is_a_command_with_these_options() -> None:
    program, command, *options = commands()
    assert Path(program).name == "streamrec"
    said = subprocess.run(
        python("-m", "streamrec", command, *options, "--help"), cwd=ROOT, capture_output=True, check=False
    )
    assert said.returncode == 0, said.stderr
