"""A model to start from, made once."""

import shutil
from pathlib import Path

import pytest

from streamrec.datasets.synthetic import SyntheticStream
from streamrec.datasets.synthetic_events import write_synthetic
from tests.e2e.processes import ROOT, Process, python


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the artifacts of an initial training, which took place without any server."""
    folder = tmp_path_factory.mktemp("trained")
    write_synthetic(SyntheticStream(600, n_users=60, n_items=100), folder / "clicks.csv")
    options = ["--events", "clicks.csv"]
    training = Process(folder, "training", python(str(ROOT / "initial_training.py"), *options), {}).start()
    assert training.exit_code() in (0, 3), training.said()
    return folder / "var" / "artifacts"


@pytest.fixture
def artifacts(trained: Path, tmp_path: Path) -> Path:
    """The artifacts, for one test to change."""
    return Path(shutil.copytree(trained, tmp_path / "artifacts"))
