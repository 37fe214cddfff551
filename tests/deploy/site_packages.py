"""A virtual environment in which exactly what some requirements files name can be imported."""

import re
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


def named_in(path: Path) -> set[str]:
    """Return the requirements of a file and of those that it includes."""
    found: set[str] = set()
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("-r "):
            found |= named_in(path.parent / line[3:])
        elif line and not line.startswith("#"):
            found.add(line)
    return found


def closure(requirements: Iterable[str]) -> dict[str, Distribution]:
    """Return what pip would install for them, taken from what is installed here."""
    found: dict[str, Distribution] = {}
    waiting = [Requirement(text) for text in requirements]
    seen: set[str] = set()
    while waiting:
        wanted = waiting.pop()
        if str(wanted) in seen:
            continue
        seen.add(str(wanted))
        package = found.setdefault(_normal(wanted.name), distribution(wanted.name))
        assert wanted.specifier.contains(package.version, prereleases=True), (
            f"{wanted}: {package.version} is here"
        )
        extras = wanted.extras or {""}
        for text in package.requires or ():
            further = Requirement(text)
            if further.marker is None or any(further.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(further)
    return found


def make(venv: Path, packages: dict[str, Distribution], installed: Path) -> None:
    """Make a virtual environment of links to packages.

    Parameters
    ----------
    venv
        Where.
    packages
        What can be imported in it.
    installed
        Where the real packages will be found when it is used.
    """
    site, programs = venv / "lib" / PYTHON / "site-packages", venv / "bin"
    site.mkdir(parents=True)
    programs.mkdir()
    interpreter = Path(sys.executable).resolve()
    (venv / "pyvenv.cfg").write_text(f"home = {interpreter.parent}\ninclude-system-site-packages = false\n")
    for name in ("python", "python3"):
        (programs / name).symlink_to(interpreter)
    for package in packages.values():
        for top in _tops(package):
            if not (site / top).is_symlink():
                (site / top).symlink_to(installed / top)
        for script in _scripts(package):
            _write_script(programs / script.name, script)


def _tops(package: Distribution) -> set[str]:
    """Return the names that a package has directly in site-packages."""
    paths = [path for path in package.files or () if path.parts[0] not in ("..", "__pycache__")]
    return {path.parts[0] for path in paths}


def _scripts(package: Distribution) -> list[Path]:
    paths = [path for path in package.files or () if "bin" in path.parts and path.parts[0] == ".."]
    return [Path(str(package.locate_file(path))).resolve() for path in paths]


def _write_script(path: Path, original: Path) -> None:
    content = original.read_bytes()
    path.write_bytes(re.sub(rb"\A#!.*python[0-9.]*", b"#!/opt/venv/bin/python", content))
    path.chmod(0o755)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
