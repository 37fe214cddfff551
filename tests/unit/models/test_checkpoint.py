from pathlib import Path

import pytest
import torch

from models.checkpoint import (
    FORMAT_VERSION,
    Checkpoint,
    checkpoint_folders,
    number_of,
    read_checkpoint,
    write_checkpoint,
)
from streamrec.errors import CorruptArtifact


def sample(value: float) -> Checkpoint:
    return Checkpoint({"weight": torch.full((3, 2), value)}, {"ids": ["a", None, "ü/🎬"], "next": {"0": 7}})


def test_reads_back_what_was_written(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, (1, 1), sample(2.5))
    tensors, state = read_checkpoint(folder)
    assert torch.equal(tensors["weight"], torch.full((3, 2), 2.5))
    assert state == {"ids": ["a", None, "ü/🎬"], "next": {"0": 7}}


def test_the_newest_stands_first_and_old_ones_go(tmp_path: Path) -> None:
    for number in range(5):
        write_checkpoint(tmp_path, (1, number), sample(number), n_kept=3)
    assert [number_of(folder) for folder in checkpoint_folders(tmp_path)] == [4, 3, 2]


def test_a_later_lease_beats_a_larger_number(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, (2, 1), sample(1))
    write_checkpoint(tmp_path, (1, 99), sample(2))
    assert number_of(checkpoint_folders(tmp_path)[0]) == 1


@pytest.mark.parametrize("file", ["tensors.safetensors", "state.json", "manifest.json"])
def test_a_torn_file_is_refused(tmp_path: Path, file: str) -> None:
    folder = write_checkpoint(tmp_path, (1, 1), sample(1))
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[: len(content) // 2])
    with pytest.raises(CorruptArtifact):
        read_checkpoint(folder)


def test_a_flipped_bit_is_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, (1, 1), sample(1))
    content = bytearray((folder / "tensors.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "tensors.safetensors").write_bytes(content)
    with pytest.raises(CorruptArtifact, match="checksum"):
        read_checkpoint(folder)


@pytest.mark.parametrize("version", [FORMAT_VERSION - 1, 99])
def test_another_format_is_refused_with_what_to_do(tmp_path: Path, version: int) -> None:
    folder = write_checkpoint(tmp_path, (1, 1), sample(1))
    ours, other = (f'"format_version": {number}' for number in (FORMAT_VERSION, version))
    manifest = (folder / "manifest.json").read_text().replace(ours, other)
    (folder / "manifest.json").write_text(manifest)
    with pytest.raises(CorruptArtifact, match=f"format {version}.*initial_training.py"):
        read_checkpoint(folder)


def test_what_a_killed_writer_left_is_not_a_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "0000000001-0000000009.unfinished").mkdir()
    write_checkpoint(tmp_path, (1, 1), sample(1))
    assert [number_of(folder) for folder in checkpoint_folders(tmp_path)] == [1]
