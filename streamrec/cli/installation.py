"""Installation of these commands: in the repository, where `make` is, or wherever they were installed."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
"""Folder of the packages: the repository's folder, or the environment's for packages."""

SCRIPT = "streamrec"


def program() -> str:
    """Return what people have written to run these commands."""
    return SCRIPT if Path(sys.argv[0]).name == SCRIPT else "python -m streamrec"


def is_repository() -> bool:
    """Return whether the working folder is the repository's."""
    return Path.cwd() == ROOT and (ROOT / "Makefile").is_file()


def command_line(name: str) -> str:
    """Return how people run a command here, ``make run`` or ``streamrec run``."""
    return f"make {name}" if is_repository() else f"{program()} {name}"


def import_rules() -> dict[str, str]:
    """Return variables with which another Python finds the modules that this one has.

    `-m` would look into the working folder first, where somebody's `models` may lie. It must do so in the
    repository alone, whose packages are installed nowhere else.
    """
    return {} if Path.cwd() == ROOT else {"PYTHONSAFEPATH": "1"}
