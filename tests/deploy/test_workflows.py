"""What can be said of the workflows without GitHub."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.compose_file import ROOT, services
from tests.deploy.docker_file import stages

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def steps(path: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(path.read_text("utf-8"))["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


def commands() -> str:
    return "\n".join(step.get("run", "") for path in WORKFLOWS for step in steps(path))


def test_there_are_workflows() -> None:
    assert [path.stem for path in WORKFLOWS] == ["ci", "nightly"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_it_is_a_workflow(path: Path) -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    command: list[str | Path] = [checker, "--builtin-schema", "vendor.github-workflows", path]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_and_may_only_read(path: Path) -> None:
    used = [step["uses"] for step in steps(path) if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action) for action in used)
    workflow = yaml.safe_load(path.read_text("utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] for job in workflow["jobs"].values())


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    wanted = set(re.findall(r"^\s*(?:[A-Z_]+=\S+ )*make ([\w-]+)", commands(), re.M))
    assert {"test", "test-nightly", "test-kafka"} <= wanted <= targets


def test_every_image_is_built() -> None:
    built = set(re.findall(r"--target[ =]\"?\$\{\{ matrix\.target \}\}", commands()))
    assert built
    nightly = yaml.safe_load((ROOT / ".github/workflows/nightly.yml").read_text("utf-8"))
    targets = nightly["jobs"]["images"]["strategy"]["matrix"]["target"]
    assert set(targets) == {
        service["build"]["target"] for service in services().values() if "build" in service
    }
    assert set(targets) <= set(stages())


def test_the_broker_is_the_one_of_the_compose_file() -> None:
    nightly = yaml.safe_load((ROOT / ".github/workflows/nightly.yml").read_text("utf-8"))
    assert nightly["jobs"]["kafka"]["services"]["kafka"]["image"] == services()["kafka"]["image"]


def test_what_is_checked_before_a_commit_and_on_a_clean_machine_is_what_people_run() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"][0]["hooks"]
    assert [hook["entry"] for hook in hooks] == ["make lint"]
    ci = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
    assert "make test" in [step.get("run") for step in ci["jobs"]["test"]["steps"]]
    assert "make test\n" in (ROOT / ".ci/run").read_text("utf-8")
    rules = (ROOT / "Makefile").read_text("utf-8")
    assert re.search(r"^test: .*\n\t@\$\(MAKE\) .* quality-gate lint\n\t@\$\(MAKE\) .* tests\n", rules, re.M)
    assert re.search(r"^lint: style types ", rules, re.M)
    for target, tool in (("style", "ruff check ."), ("style", "ruff format --check ."), ("types", "mypy")):
        (recipe,) = re.findall(rf"^{target}: .*\n((?:\t.*\n)+)", rules, re.M)
        assert f"$(BIN)/python -m {tool}\n" in recipe
