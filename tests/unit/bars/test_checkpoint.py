"""The one file that a restart goes on from."""

from pathlib import Path

import numpy as np
import pytest

from streamrec.bars import checkpoint as checkpoint_module
from streamrec.bars.checkpoint import NOTHING, BarsCheckpoint, Restored
from streamrec.bars.publishing import Waiting
from streamrec.domain.bars.minute_table import MinuteTable, Ticks
from streamrec.errors import CorruptArtifact, Unavailable

RESTORED = Restored({"interactions": {0: 7, 3: 12}}, ["e1", "e2"], Waiting(np.array([0, 6]), ["gone"]))


def some_history() -> MinuteTable:
    history = MinuteTable(5, max_items=10)
    times = np.array([60.0, 61.0, 125.0])
    history.add(Ticks(["a", "b/\U0001f3ac", "a"], times, np.array([1.0, 2.0, 3.0]), times))
    return history


def test_what_is_written_is_restored(tmp_path: Path) -> None:
    checkpoint = BarsCheckpoint(tmp_path / "new folder" / "history.npz")
    history, other = some_history(), MinuteTable(5, max_items=10)
    assert checkpoint.restore(other) is None
    checkpoint.write(MinuteTable(5, max_items=10), NOTHING)
    (tmp_path / "new folder" / ".history.npz.77.tmp").write_text("of a process that was killed")
    checkpoint.write(history, RESTORED)
    restored = checkpoint.restore(other)
    assert restored is not None
    assert restored[:2] == RESTORED[:2]
    assert restored.waiting.cells.tolist() == [0, 6]
    assert restored.waiting.forgotten == ["gone"]
    assert other.ids.by_row() == ["a", "b/\U0001f3ac"]
    assert other.now == 125.0
    cells = history.cells_in_use(np.arange(2))
    assert other.tallies(other.cells_in_use(np.arange(2))).tolist() == history.tallies(cells).tolist()
    names = sorted(path.name for path in (tmp_path / "new folder").iterdir())
    assert names == ["history.npz", "history.npz.previous"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "another file", "another array"])
def test_damage_is_told_with_what_to_do(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "history.npz"
    BarsCheckpoint(path).write(some_history(), RESTORED)
    written = path.read_bytes()
    if damage == "another array":
        np.savez(path, x=np.zeros(3))
    else:
        flipped = bytearray(written)
        flipped[len(written) // 3] ^= 0xFF
        path.write_bytes({"cut": written[:-40], "flipped": bytes(flipped), "empty": b""}.get(damage, b"text"))
    with pytest.raises(CorruptArtifact, match=r"history\.npz.*delete it"):
        BarsCheckpoint(path).restore(MinuteTable(5, max_items=10))


def test_another_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = BarsCheckpoint(tmp_path / "history.npz")
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint_module, "FORMAT_VERSION", 99)
        checkpoint.write(some_history(), RESTORED)
    with pytest.raises(CorruptArtifact, match="format 99"):
        checkpoint.restore(MinuteTable(5, max_items=10))


def test_a_disk_that_cannot_be_written_leaves_the_last_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable, match="can't write"):
        BarsCheckpoint(tmp_path / "file" / "history.npz").write(some_history(), RESTORED)
    assert (tmp_path / "file").read_text() == "in the way"


def test_all_waits_where_the_places_changed(tmp_path: Path) -> None:
    checkpoint = BarsCheckpoint(tmp_path / "history.npz")
    checkpoint.write(some_history(), RESTORED)
    wider = MinuteTable(7, max_items=10)
    restored = checkpoint.restore(wider)
    assert restored is not None
    assert sorted(wider.tallies(restored.waiting.cells)["minute"].tolist()) == [1, 1, 2]


def test_who_has_no_room_after_a_restart_leaves_the_cache_too(tmp_path: Path) -> None:
    checkpoint = BarsCheckpoint(tmp_path / "history.npz")
    checkpoint.write(some_history(), RESTORED)
    restored = checkpoint.restore(smaller := MinuteTable(5, max_items=1))
    assert restored is not None
    assert smaller.ids.by_row() == ["a"]
    assert restored.waiting.forgotten == ["gone", "b/\U0001f3ac"]
