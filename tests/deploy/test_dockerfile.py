"""What can be said of the images without building one."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.docker_file import ROOT, images, stages

STAGES = stages()
SERVICES = ("index", "recommender", "trainer")
EXTRA = "requirements-confluent.txt"


def test_hadolint_finds_nothing() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    found = subprocess.run([linter, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


def test_the_linter_is_not_blind(tmp_path: Path) -> None:
    careless = tmp_path / "Dockerfile"
    careless.write_text("FROM python:latest\nRUN cd /tmp && sudo pip install flask\n")
    linter = Path(sys.executable).with_name("hadolint")
    found = subprocess.run([linter, careless], capture_output=True, text=True, check=False)
    assert found.returncode != 0
    assert "DL3007" in found.stdout


def test_images_are_of_one_pinned_version() -> None:
    assert len(set(images())) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", images()[0])


@pytest.mark.parametrize("target", SERVICES)
def test_a_service_is_nobody_in_particular(target: str) -> None:
    assert STAGES[target].user == "10001:10001"
    assert STAGES[target].stop_signal == "SIGTERM"
    assert STAGES[target].command
    assert STAGES[target].healthcheck
    assert STAGES[target].env["OMP_NUM_THREADS"] == "1"
    assert STAGES[target].env["PYTHONUNBUFFERED"] == "1"


@pytest.mark.parametrize("target", SERVICES)
def test_nothing_is_installed_in_a_final_image(target: str) -> None:
    assert not [run for run in STAGES[target].runs if re.search(r"pip3? .*install|apt-get|apk ", run)]


@pytest.mark.parametrize("target", SERVICES)
def test_the_environment_comes_from_the_stage_that_reads_its_requirements(target: str) -> None:
    [environment] = [copy for copy in STAGES[target].copies if copy.stage is not None]
    assert environment.destination == "/opt/venv"
    assert STAGES[environment.stage or ""].requirements == [f"requirements/{target}.txt", EXTRA]


@pytest.mark.parametrize(
    ("target", "strange"),
    [
        (
            "index",
            {
                "models",
                "streamrec",
                "streamrec/learning",
                "streamrec/trainer",
                "streamrec/serving",
                "recommender_server",
            },
        ),
        (
            "recommender",
            {
                "models",
                "streamrec",
                "streamrec/learning",
                "streamrec/trainer",
                "streamrec/cli",
                "faiss_server",
            },
        ),
        ("trainer", {"faiss_server", "recommender_server", "tests"}),
    ],
)
def test_a_service_has_no_code_of_another(target: str, strange: set[str]) -> None:
    copied = {source for copy in STAGES[target].copies for source in copy.sources}
    assert copied
    assert not copied & strange


def test_only_the_trainer_has_torch() -> None:
    holders = {target for target in SERVICES if "torch" in _packages(ROOT / f"requirements/{target}.txt")}
    assert holders == {"trainer"}


def test_a_package_is_pinned_in_one_place() -> None:
    files = [*ROOT.glob("requirements/*.txt"), *ROOT.glob("requirements*.txt")]
    pins = [line for path in files for line in path.read_text().splitlines() if re.match(r"\w", line)]
    names = [pin.split("==")[0].lower() for pin in pins]
    assert all("==" in pin for pin in pins)
    assert sorted(names) == sorted(set(names))


def test_a_context_holds_no_secret_and_no_data() -> None:
    first, *rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] != "#"]
    assert first == "*"
    assert "**/.env" in rules
    assert not [
        rule for rule in rules if rule.startswith("!") and rule.strip("!/") in ("var", ".venv", ".env")
    ]


def test_everything_that_is_copied_is_in_the_context() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {line.strip("!/").split("/")[0] for line in lines if line.startswith("!")} | {EXTRA}
    sources = {
        source
        for stage in STAGES.values()
        for copy in stage.copies
        if copy.stage is None
        for source in copy.sources
    }
    assert {source.split("/")[0] for source in sources} - {"."} <= allowed
    assert [source for source in sources if source != "." and not [*ROOT.glob(source)]] == []


def test_every_list_that_another_includes_is_copied_with_it() -> None:
    included = re.findall(r"^-r (\S+)", (ROOT / "requirements-dev.txt").read_text("utf-8"), re.M)
    patterns = [source for copy in STAGES["tests"].copies for source in copy.sources if copy.stage is None]
    copied = {path for pattern in patterns if pattern != "." for path in ROOT.glob(pattern)}
    assert [name for name in included if copied.isdisjoint([ROOT / name, *(ROOT / name).parents])] == []


def _packages(path: Path) -> set[str]:
    found: set[str] = set()
    for line in path.read_text().splitlines():
        if line.startswith("-r "):
            found |= _packages(path.parent / line[3:])
        elif line and line[0] != "#":
            found.add(line.split("==")[0])
    return found
