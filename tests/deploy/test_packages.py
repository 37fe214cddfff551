"""That the packages which the tests give a container are those that pip would install in its image."""

import json
import subprocess
import sys

import pytest

from tests.deploy.docker_file import ROOT, stages
from tests.deploy.site_packages import closure, named_in


@pytest.mark.nightly
@pytest.mark.parametrize("target", ["index", "recommender", "trainer"])
def test_pip_would_install_the_same(target: str) -> None:
    files = stages()[f"{target}-packages"].requirements
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--ignore-installed",
        "--only-binary=:all:",
    ]
    command += ["--quiet", "--report=-", "--constraint=constraints.txt"]
    command += [f"--requirement={name}" for name in files]
    planned = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    installs = [entry["metadata"] for entry in json.loads(planned.stdout)["install"]]
    by_pip = {
        entry["name"].lower().replace("_", "-"): entry["version"].partition("+")[0] for entry in installs
    }
    here = closure(line for name in files for line in named_in(ROOT / name))
    assert by_pip == {name: package.version.partition("+")[0] for name, package in here.items()}
