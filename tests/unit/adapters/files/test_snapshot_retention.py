"""Old generations go with their checkpoints; what has a role, is young, or is not ours stays."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from streamrec.adapters.files.roles import SnapshotRoles, set_challenger
from streamrec.adapters.files.snapshot_retention import GenerationRetention
from streamrec.adapters.files.snapshots import list_generations, set_current, write_snapshot
from streamrec.domain.generations.roles import Promotion
from streamrec.errors import CorruptArtifact
from streamrec.ports import Snapshot, VectorTable
from tests.builders import FIRST_LEASE

NAMES = [f"g{number}" for number in range(8)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight generations, a day apart; the oldest but one is live, and the one after it challenges."""
    nothing = VectorTable([], np.zeros((0, 3), np.float32))
    for number, name in enumerate(NAMES):
        write_snapshot(tmp_path, Snapshot(name, nothing, nothing, {}, 1.0, {}))
        checkpoint = tmp_path / "checkpoints" / name / "0000000001-0000000001"
        checkpoint.mkdir(parents=True)
        (checkpoint / "state.json").write_text("{}")
        for path in (tmp_path / name, checkpoint, checkpoint.parent):
            at = time.time() - 86_400 * (10 - number)
            os.utime(path, (at, at))
    set_current(tmp_path, "g1")
    set_challenger(tmp_path, "g2")
    return tmp_path


def left(folder: Path) -> list[str]:
    names = list_generations(folder)
    assert sorted(path.name for path in (folder / "checkpoints").iterdir() if path.name in NAMES) == names
    return names


def test_roles_and_the_newest_stay(folder: Path) -> None:
    assert GenerationRetention(folder, 2, 3600.0).prune() == 4
    assert left(folder) == ["g1", "g2", "g6", "g7"]
    assert GenerationRetention(folder, 2, 3600.0).prune() == 0
    assert GenerationRetention(folder, 0, 3600.0).prune() == 2
    assert left(folder) == ["g1", "g2"]


def test_who_can_be_gone_back_to_stays(folder: Path) -> None:
    SnapshotRoles(folder).begin(Promotion("promote", "g5", "g3", 1.0, is_done=True), FIRST_LEASE)
    GenerationRetention(folder, 0, 3600.0).prune()
    assert left(folder) == ["g1", "g2", "g3", "g5"]


def test_nothing_young_goes(folder: Path) -> None:
    assert GenerationRetention(folder, 0, 3600.0, lambda: time.time() - 11 * 86_400).prune() == 0
    assert left(folder) == NAMES


def test_what_is_not_ours_is_left_alone(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "manifest.json").write_text("{}")
    (folder / "linked").symlink_to(elsewhere)
    (folder / "notes").mkdir()
    (folder / "notes" / "read me.txt").write_text("mine")
    (folder / "README").write_text("mine")
    (folder / "checkpoints" / "g0" / "mine.txt").write_text("mine")
    (folder / "checkpoints" / "g0" / "0000000001-0000000002-copy").mkdir()
    (folder / ".g9.77.tmp").mkdir()
    (folder / ".hidden").mkdir()
    for path in (folder / "checkpoints" / "g0", folder / ".g9.77.tmp", folder / ".hidden"):
        os.utime(path, (1.0, 1.0))
    GenerationRetention(folder, 0, 3600.0).prune()
    assert (elsewhere / "manifest.json").exists()
    assert (folder / "notes" / "read me.txt").exists()
    assert (folder / "README").exists()
    found = sorted(path.name for path in (folder / "checkpoints" / "g0").iterdir())
    assert found == ["0000000001-0000000002-copy", "mine.txt"]
    assert not (folder / ".g9.77.tmp").exists()
    assert (folder / ".hidden").exists()


def test_without_a_word_on_roles_nothing_goes(folder: Path) -> None:
    (folder / "CURRENT").write_text("../elsewhere")
    with pytest.raises(CorruptArtifact):
        GenerationRetention(folder, 0, 0.0).prune()
    (folder / "CURRENT").unlink()
    assert GenerationRetention(folder, 0, 0.0).prune() == 0
    assert list_generations(folder) == NAMES


def test_a_remover_that_was_killed_is_no_hindrance(folder: Path) -> None:
    (folder / ".g0.gone" / "half").mkdir(parents=True)
    GenerationRetention(folder, 0, 3600.0).prune()
    assert left(folder) == ["g1", "g2"]
    assert not (folder / ".g0.gone").exists()
