from pathlib import Path

import numpy as np
import pytest

from streamrec.adapters.files.roles import (
    CHANGELOG_SLOT,
    SnapshotRoles,
    challenger_generation,
    set_challenger,
    slot_of_next,
)
from streamrec.adapters.files.snapshots import current_generation, set_current, write_snapshot
from streamrec.domain.generations.roles import Promotion
from streamrec.errors import CorruptArtifact, InvalidInput, UnknownId
from streamrec.ports import Snapshot, VectorTable
from tests.builders import FIRST_LEASE

PROMOTION = Promotion("promote", champion="new", challenger="old", at=5.0)


def write(folder: Path, generation: str, slot: int = 0) -> None:
    table = VectorTable(["a"], np.ones((1, 2), np.float32))
    write_snapshot(folder, Snapshot(generation, table, table, {}, 1.0, {CHANGELOG_SLOT: slot}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "old")
    write(tmp_path, "new", slot=1)
    set_current(tmp_path, "old")
    set_challenger(tmp_path, "new")
    return tmp_path


def test_nothing_is_known_of_an_empty_folder(tmp_path: Path) -> None:
    assert SnapshotRoles(tmp_path).read() == (None, None, None)
    assert slot_of_next(tmp_path, as_challenger=False) == 0
    with pytest.raises(InvalidInput, match="no live generation"):
        slot_of_next(tmp_path, as_challenger=True)


def test_a_promotion_counts_from_its_begin_and_serves_from_its_end(folder: Path) -> None:
    record = SnapshotRoles(folder)
    assert record.read() == ("old", "new", None)
    record.begin(PROMOTION, FIRST_LEASE)
    assert record.read()[:2] == ("new", "old")
    assert (current_generation(folder), challenger_generation(folder)) == ("old", "new")
    for _ in range(2):  # a crash at its end means to do it again
        record.complete(PROMOTION, FIRST_LEASE)
        assert (current_generation(folder), challenger_generation(folder)) == ("new", "old")
        assert record.read().under_way is None


def test_two_generations_side_by_side_never_share_a_slot(folder: Path) -> None:
    assert (slot_of_next(folder, as_challenger=True), slot_of_next(folder, as_challenger=False)) == (1, 0)
    SnapshotRoles(folder).begin(PROMOTION, FIRST_LEASE)
    with pytest.raises(InvalidInput, match="under way"):
        slot_of_next(folder, as_challenger=True)
    SnapshotRoles(folder).complete(PROMOTION, FIRST_LEASE)
    assert (slot_of_next(folder, as_challenger=True), slot_of_next(folder, as_challenger=False)) == (0, 1)


def test_only_a_whole_generation_beside_a_live_one_can_challenge(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownId):
        set_challenger(folder, "nowhere")
    with pytest.raises(InvalidInput, match="another generation"):
        set_challenger(folder, "old")
    assert challenger_generation(folder) == "new"


@pytest.mark.parametrize("content", [b"../up", b"\xff", b"", b"PROMOTION"])
def test_a_challenger_that_can_not_be_one_is_told(folder: Path, content: bytes) -> None:
    (folder / "CHALLENGER").write_bytes(content)
    with pytest.raises(CorruptArtifact, match="CHALLENGER"):
        SnapshotRoles(folder).read()


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"name": "explode"}'])
def test_a_promotion_that_can_not_be_read_is_told(folder: Path, content: bytes) -> None:
    (folder / "PROMOTION").write_bytes(content)
    with pytest.raises(CorruptArtifact, match="PROMOTION"):
        SnapshotRoles(folder).read()
