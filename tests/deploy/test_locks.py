"""Locked requirements of the images, the bills made of them, and what is said where no advisories are."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.site_packages import ROOT, closure, named_in

IMAGES = ("index", "recommender", "trainer")
_PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)


def pinned(image: str) -> dict[str, str]:
    text = (ROOT / f"requirements/locked/{image}.txt").read_text("utf-8")
    return {name.lower().replace("_", "-"): version for name, version in _PIN.findall(text)}


@pytest.mark.parametrize("image", IMAGES)
def test_a_lock_holds_what_pip_would_install(image: str) -> None:
    files = (f"requirements/{image}.txt", "requirements-confluent.txt")
    named = {line for name in files for line in named_in(ROOT / name)}
    packages = closure(line for line in named if not line.startswith("torch=="))
    wanted = {name: package.version.partition("+")[0] for name, package in packages.items()}
    assert pinned(image) == wanted, "run `make locks`"


@pytest.mark.parametrize("image", IMAGES)
def test_each_package_of_a_lock_has_hashes(image: str) -> None:
    text = (ROOT / f"requirements/locked/{image}.txt").read_text("utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) == len(pinned(image)) > 20
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text


def test_every_image_is_made_of_its_lock() -> None:
    runs = (ROOT / "Dockerfile").read_text("utf-8")
    for image in IMAGES:
        assert f"--require-hashes --no-deps -r requirements/locked/{image}.txt" in runs


def test_a_bill_names_each_package_with_its_hashes(tmp_path: Path) -> None:
    (tmp_path / "requirements").symlink_to(ROOT / "requirements")
    command = [sys.executable, "-I", str(ROOT / "deploy/sbom.py")]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    for image in IMAGES:
        bill = json.loads((tmp_path / f"var/sbom/{image}.cdx.json").read_text("utf-8"))
        assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
        found = {one["name"].lower().replace("_", "-"): one["version"] for one in bill["components"]}
        assert found.pop("torch", None) is None or image == "trainer"
        assert found == pinned(image)
        assert all(one["hashes"] for one in bill["components"] if one["name"] != "torch")


@pytest.mark.parametrize(
    ("output", "is_explained"),
    [
        ("ERROR:pip_audit._cli:x: Dependency not found on PyPI and could not be audited: x (1)", True),
        ("requests.exceptions.ConnectionError: HTTPSConnectionPool(host='pypi.org', port=443)", True),
        ("Found 2 known vulnerabilities in 1 package", False),
    ],
)
def test_an_audit_that_could_not_ask_says_so(output: str, is_explained: bool) -> None:
    explained = runpy.run_path(str(ROOT / "deploy/audit.py"))["explained"]
    assert ("NOTHING WAS CHECKED" in explained(output)) == is_explained
