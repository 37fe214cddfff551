"""The files of an image: what its base has, what the Dockerfile copies, what its requirements name."""

import glob
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.deploy import site_packages
from tests.deploy.docker_file import ROOT, Stage, stages

DEVICES = ("null", "zero", "full", "random", "urandom")
_LINKS = {name: f"usr/{name}" for name in ("bin", "sbin", "lib", "lib64")} | {
    "dev/stdout": "/proc/self/fd/1",
    "dev/stderr": "/proc/self/fd/2",
}

INSTALLED = "/installed"
"""Where the packages of this machine are mounted, for the image's virtual environment to link to."""


def lay_system(root: Path, hosts: Sequence[str]) -> None:
    """Lay what a base image has, as places to mount this machine's on."""
    for place in (
        "usr",
        "proc",
        "dev/shm",
        "tmp",
        "etc",
        INSTALLED.lstrip("/"),
        sys.base_prefix.lstrip("/"),
    ):
        (root / place).mkdir(parents=True, exist_ok=True)
    for name in DEVICES:
        (root / "dev" / name).touch()
    for name, target in _LINKS.items():
        (root / name).symlink_to(target)
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost {' '.join(hosts)}\n")
    (root / "etc/passwd").write_text(
        "root:x:0:0::/:/bin/sh\nstreamrec:x:10001:10001::/tmp:/usr/sbin/nologin\n"
    )
    (root / "etc/group").write_text("root:x:0:\nstreamrec:x:10001:\n")


def lay_image(root: Path, stage: Stage) -> None:
    """Lay what the Dockerfile brings into the image: folders, code, packages."""
    folder = root / stage.workdir.lstrip("/")
    folder.mkdir(parents=True, exist_ok=True)
    for copy in stage.copies:
        if copy.stage is None:
            _copy(copy.sources, folder / copy.destination, is_folder=copy.destination.endswith("/"))
        else:
            _lay_packages(root / copy.destination.lstrip("/"), stages()[copy.stage])
    for run in stage.runs:
        _make_folders(run, folder)


def _copy(sources: Sequence[str], destination: Path, *, is_folder: bool) -> None:
    """Copy as COPY does: of a folder its content, of a file itself."""
    for pattern in sources:
        for source in map(Path, glob.glob(str(ROOT / pattern))):
            if source.is_dir():
                ignore = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, destination, ignore=ignore, dirs_exist_ok=True)
            else:
                target = destination / source.name if is_folder else destination
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)


def _lay_packages(venv: Path, builder: Stage) -> None:
    wanted = {line for name in builder.requirements for line in site_packages.named_in(ROOT / name)}
    if not any("--without-pip" in run for run in builder.runs):
        wanted.add("pip")
    site_packages.make(venv, site_packages.closure(wanted), Path(INSTALLED))


def _make_folders(run: str, folder: Path) -> None:
    """Carry out ``install -d -o streamrec -g streamrec FOLDER ...``, and no other command of the build."""
    words = shlex.split(run)
    if words[:2] != ["install", "-d"]:
        return
    for name in words[6:]:
        (folder / name).mkdir(exist_ok=True)
        os.chown(folder / name, 10001, 10001)
