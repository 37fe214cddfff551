"""What earlier versions wrote is backed up, restored and exported by this one."""

import json
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from streamrec.adapters.files.snapshots import current_generation, read_snapshot
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.settings.processes import LearningSettings, TrainerSettings
from tests.command_line import run

FIXTURES = Path(__file__).parents[3] / "fixtures"


def users_of(folder: Path) -> dict[str, int]:
    with closing(sqlite3.connect(folder / "var" / "store.db")) as connection:
        return dict(connection.execute("SELECT user_id, n_events FROM users WHERE n_events IS NOT NULL"))


@pytest.mark.parametrize("name", ["written_by_0_1_0", "written_before_0_2_0"])
def test_what_an_earlier_version_wrote_goes_into_a_backup_and_back(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    after.mkdir()
    with tarfile.open(FIXTURES / f"{name}.tar.xz") as archive:
        archive.extractall(before, filter="data")
    monkeypatch.chdir(before)
    assert run("backup", str(tmp_path / "backup")) == 0
    monkeypatch.chdir(after)
    assert run("restore", str(tmp_path / "backup")) == 0
    assert users_of(after) == users_of(before)
    assert run("export-user", "u5", "--file", "u5.json") == 0
    assert json.loads((after / "u5.json").read_bytes())["document"][0]["state"]["n_events"] > 0
    assert run("export-user", "gone") in (0, 1), "its events may be in the log still"
    artifacts = after / "var" / "artifacts"
    live = current_generation(artifacts)
    assert live is not None
    assert "u5" in read_snapshot(artifacts, live).users.ids
    state, _ = Checkpoints(artifacts, live).open_newest(
        LearningSettings(embedding_dim=4), TrainerSettings(max_silent_items=100)
    )
    assert "u5" in state.user_ids.ids()
