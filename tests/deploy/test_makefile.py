"""The environment that `make` installs into, however it was left, and what it takes from where.

Packages are small wheels made here, so that nothing is fetched.
"""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.processes import ROOT

TIMEOUT_S = 200
SITE = Path(".venv/lib") / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"


def make_wheel(folder: Path, name: str, version: str) -> None:
    info = f"{name}-{version}.dist-info"
    contents = {
        f"{name}.py": f"version = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in contents.items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in (*contents, f"{info}/RECORD")))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The Makefile and what it installs with, and one small package to install."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / "deploy/install.py", tmp_path / "deploy")
    (tmp_path / "wheels").mkdir()
    make_wheel(tmp_path / "wheels", "small", "1.0")
    (tmp_path / "requirements.txt").write_text("small\n", "utf-8")
    (tmp_path / "constraints.txt").write_text("small==1.0\n", "utf-8")
    return tmp_path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with pip, for seconds of work, to be copied."""
    folder = tmp_path_factory.mktemp("whole") / ".venv"
    venv.create(folder, symlinks=True, with_pip=True)
    return folder


@pytest.fixture
def ready(project: Path, whole: Path) -> Path:
    """The project with an environment that has nothing but pip."""
    shutil.copytree(whole, project / ".venv", symlinks=True)
    return project


def without_uv() -> str:
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if not Path(folder, "uv").exists())


def outside_of_make() -> dict[str, str]:
    """Return the environment without what the make that runs the tests would pass on to another."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}


def install(project: Path, *words: str, path: str = "") -> subprocess.CompletedProcess[str]:
    wheels = str(project / "wheels")
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels, "UV_OFFLINE": "1", "UV_FIND_LINKS": wheels}
    return subprocess.run(
        ["make", *words, "runtime"],
        cwd=project,
        env={**outside_of_make(), **offline, "PATH": path or without_uv()},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


def without_pip(folder: Path) -> None:
    venv.create(folder, symlinks=True)


def without_python(folder: Path) -> None:
    without_pip(folder)
    for name in ("python", "python3", "python3.11"):
        (folder / "bin" / name).unlink(missing_ok=True)
    (folder / "bin" / "python").symlink_to("/gone/python3.11")


def none_of_its_own(folder: Path) -> None:
    """Leave a folder whose Python is the system's, into which nothing may be installed."""
    without_pip(folder)
    (folder / "pyvenv.cfg").unlink()


@pytest.mark.parametrize(
    "left",
    [
        without_python,
        *(
            pytest.param(left, marks=pytest.mark.nightly)
            for left in (without_pip, none_of_its_own, Path.mkdir)
        ),
    ],
)
def test_half_an_environment_is_mended(project: Path, left: Callable[[Path], None]) -> None:
    left(project / ".venv")
    (project / ".venv/.runtime").touch()
    done = install(project)
    assert done.returncode == 0, said(done)
    assert (project / SITE / "small.py").is_file()


def test_what_was_broken_off_is_installed_anew_and_what_is_whole_is_left_alone(ready: Path) -> None:
    assert install(ready).returncode == 0
    module, info = ready / SITE / "small.py", ready / SITE / "small-1.0.dist-info"
    written_at = module.stat().st_mtime_ns

    # All that it needs is there: it must not even look for the wheel.
    (ready / "wheels").rename(ready / "away")
    assert said(install(ready)) == ""
    (ready / "away").rename(ready / "wheels")

    # As pip leaves it when it is killed before its last step, or while it sets an old version aside.
    (ready / ".venv/.runtime").unlink()
    (info / "RECORD").unlink()
    (ready / SITE / "~mall-0.9.dist-info").mkdir()
    module.write_text("half", "utf-8")
    done = install(ready)
    assert done.returncode == 0, said(done)
    assert module.read_text("utf-8") == "version = '1.0'\n"
    assert module.stat().st_mtime_ns != written_at
    assert (info / "RECORD").is_file()
    assert not list((ready / SITE).glob("~*"))


def test_other_requirements_are_installed_on_top(ready: Path) -> None:
    assert install(ready).returncode == 0
    make_wheel(ready / "wheels", "small", "2.0")
    (ready / "constraints.txt").write_text("small==2.0\n", "utf-8")
    assert install(ready).returncode == 0
    assert (ready / SITE / "small.py").read_text("utf-8") == "version = '2.0'\n"


def test_torch_is_the_build_for_the_cpu_where_uv_finds_it(ready: Path) -> None:
    (ready / "bin").mkdir()
    (ready / "bin/uv").symlink_to(Path(sys.executable).with_name("uv"))
    (ready / "requirements.txt").write_text("small\ntorch==2.13.0\n", "utf-8")
    for version in ("2.13.0", "2.13.0+cpu"):
        make_wheel(ready / "wheels", "torch", version)
    done = install(ready, path=f"{ready / 'bin'}{os.pathsep}{without_uv()}")
    assert done.returncode == 0, said(done)
    installer = {path.parent.name: path.read_text("utf-8") for path in (ready / SITE).glob("*/INSTALLER")}
    assert installer["torch-2.13.0+cpu.dist-info"] == installer["small-1.0.dist-info"] == "uv"


def test_torch_is_the_default_one_where_no_other_is_within_reach(ready: Path) -> None:
    (ready / "requirements.txt").write_text("small\ntorch==2.13.0\n", "utf-8")
    make_wheel(ready / "wheels", "torch", "2.13.0")
    done = install(ready)
    assert done.returncode == 0, said(done)
    assert "No torch for cpu is within reach" in done.stdout
    assert (ready / SITE / "torch-2.13.0.dist-info").is_dir()


def test_a_python_that_is_not_there_is_named(project: Path) -> None:
    done = install(project, "PYTHON=python9")
    assert done.returncode != 0
    assert "No python9 here" in done.stdout
