"""The steps of a how-to page: files that it adds, changes that it makes, commands that it ends with."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PYTHON = ".venv/bin/python"

_FENCE = re.compile(r'^```(\w+) title="([^"]+)"\n(.*?)^```$', re.DOTALL | re.MULTILINE)
_NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", "var", "dist", "build", ".hypothesis", "*_cache", "__pycache__", "*.egg-info"
)


class Step(NamedTuple):
    """One block of a page: what `title` names becomes what `text` says."""

    language: str
    title: str
    text: str

    @property
    def is_check(self) -> bool:
        """Whether it holds commands to run, instead of a file."""
        return self.language == "bash"


def steps_of(page: Path) -> list[Step]:
    """Return a page's blocks that have a title, in their order."""
    return [Step(*found) for found in _FENCE.findall(page.read_text("utf-8"))]


def copy_tree(to: Path) -> None:
    """Copy what a checkout holds."""
    shutil.copytree(ROOT, to, ignore=_NOT_COPIED, symlinks=True, dirs_exist_ok=True)


def apply(step: Step, root: Path) -> None:
    """Do what a block says.

    Raises
    ------
    ValueError
        When a file to be added is there, or lines to be changed are not found exactly once.
    """
    path = root / step.title
    if step.language == "diff":
        path.write_text(changed(path.read_text("utf-8"), step.text, step.title), "utf-8")
        return
    if path.exists():
        raise ValueError(f"{step.title} is there already")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(step.text, "utf-8")


def changed(text: str, diff: str, name: str) -> str:
    """Return a text after a change; blocks of the change are set apart by lines of `...`.

    >>> changed("a\\nb\\nc\\nd\\n", " a\\n+x\\n...\\n-c\\n+y\\n", "file")
    'a\\nx\\nb\\ny\\nd\\n'
    """
    for block in re.split(r"^\.\.\.\n", diff, flags=re.MULTILINE):
        lines = block.splitlines(keepends=True)
        before = "".join(line[1:] or "\n" for line in lines if not line.startswith("+"))
        after = "".join(line[1:] or "\n" for line in lines if not line.startswith("-"))
        if (n_found := text.count(before)) != 1:
            raise ValueError(f"{name} has {n_found} times what is to be changed:\n{before}")
        text = text.replace(before, after)
    return text


def run(step: Step, root: Path) -> "subprocess.CompletedProcess[str]":
    """Run a block's commands; they end with the first that fails."""
    python = shlex.quote(sys.executable)
    script = "set -e\n" + step.text.replace(PYTHON, python)
    return subprocess.run(["bash", "-c", script], cwd=root, capture_output=True, text=True, check=False)
