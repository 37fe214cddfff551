"""Results of benchmarks in files: figures, and the code, the time and the machine that they are of."""

import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

RESULTS = Path(__file__).parent / "results"

_KEY = "measured"
_ROOT = Path(__file__).parents[1]
_CODE = (".", ":!benchmarks/results", ":!docs")
"""Sources that a figure depends on: writing down another figure changes none."""


class Measured(msgspec.Struct, omit_defaults=True):
    """The origin of figures.

    Attributes
    ----------
    at
        When they were written down, UTC.
    cores
        How many the machine has.
    commit
        Of the code; none where it is not known.
    is_changed
        Whether the code differed from the commit.
    processor
        The machine's processor.
    load_average
        Of the last 1, 5 and 15 minutes, the benchmark's own load included.
    recorded_in
        The commit that brought the figures, of files that do not name the code they are of.
    """

    at: datetime
    cores: int
    commit: str | None = None
    is_changed: bool = False
    processor: str = ""
    load_average: tuple[float, float, float] | None = None
    recorded_in: str | None = None


class Result(msgspec.Struct):
    """Figures of one benchmark and their origin."""

    measured: Measured
    figures: dict[str, Any]


def write(path: Path | None, figures: Mapping[str, Any] | msgspec.Struct) -> None:
    """Write figures with their origin to a file; without a path do nothing."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    written = {_KEY: _now(), **msgspec.to_builtins(figures, str_keys=True, enc_hook=_number)}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(written), indent=1) + b"\n")


def read(path: Path) -> Result:
    """Read what was written.

    Raises
    ------
    ValueError
        When the file does not tell where its figures are from.
    """
    figures = msgspec.json.decode(path.read_bytes())
    if _KEY not in figures:
        raise ValueError(f"{path} does not tell what was measured: write it with benchmarks.results_file")
    return Result(msgspec.convert(figures.pop(_KEY), Measured), figures)


def recorded(name: str) -> Result | None:
    """Return the recorded result of a name; none where there is none."""
    path = RESULTS / f"{name}.json"
    return read(path) if path.exists() else None


def add_origin(path: Path) -> None:
    """Write the origin into a file that a command of the product has written."""
    figures = msgspec.json.decode(path.read_bytes())
    if _KEY not in figures:
        write(path, figures)


def _number(value: object) -> object:
    """Return a number of numpy as one of Python's."""
    if isinstance(value, np.generic):
        found: object = value.item()
        return found
    raise TypeError(f"no figure: {value!r}")


def _now() -> Measured:
    return Measured(
        at=datetime.now(UTC).replace(microsecond=0),
        cores=os.cpu_count() or 1,
        commit=_git("rev-parse", "HEAD") or None,
        is_changed=bool(_git("status", "--porcelain", "--untracked-files=no", "--", *_CODE)),
        processor=_processor(),
        load_average=os.getloadavg(),
    )


def _git(*arguments: str) -> str:
    """Return what git prints; nothing outside of a repository."""
    try:
        ended = subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return ended.stdout.strip() if ended.returncode == 0 else ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
