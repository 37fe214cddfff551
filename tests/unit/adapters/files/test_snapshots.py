import multiprocessing
from pathlib import Path

import msgspec
import numpy as np
import pytest

from streamrec.adapters.files.snapshots import (
    current_generation,
    list_generations,
    read_manifest,
    read_snapshot,
    set_current,
    write_snapshot,
)
from streamrec.errors import CorruptArtifact, InvalidInput, UnknownId
from streamrec.ports import ITEM_VECTORS, Snapshot, VectorTable


def snapshot_of(generation: str = "g1", n_items: int = 5, n_users: int = 3) -> Snapshot:
    chance = np.random.default_rng(7)
    return Snapshot(
        generation=generation,
        items=VectorTable(
            [f"item/{row} é" for row in range(n_items)], chance.random((n_items, 9), dtype=np.float32)
        ),
        users=VectorTable(
            [f"u{row}" for row in range(n_users)], chance.random((n_users, 9), dtype=np.float32)
        ),
        next_offsets={ITEM_VECTORS: {0: 17, 1: 4}},
        created_at=1_700_000_000.5,
        provenance={"data": "ml-100k", "code": "0.1.0"},
    )


def test_what_was_written_is_read(tmp_path: Path) -> None:
    written = snapshot_of()
    write_snapshot(tmp_path, written)
    read = read_snapshot(tmp_path, "g1")
    assert read.items.ids == written.items.ids
    assert np.array_equal(read.items.vectors, written.items.vectors)
    assert np.array_equal(read.users.vectors, written.users.vectors)
    assert (read.next_offsets, read.created_at, read.provenance, read.similarity_vectors) == written[3:]


def test_similarity_vectors_are_read_and_checked_where_it_was_written(tmp_path: Path) -> None:
    vectors = np.random.default_rng(8).random((3, 9), dtype=np.float32)
    write_snapshot(tmp_path, snapshot_of()._replace(similarity_vectors=vectors))
    read = read_snapshot(tmp_path, "g1").similarity_vectors
    assert read is not None
    assert np.array_equal(read, vectors)
    path = tmp_path / "g1" / "user_likeness.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(CorruptArtifact):
        read_snapshot(tmp_path, "g1")
    path.unlink()
    with pytest.raises(CorruptArtifact):
        read_snapshot(tmp_path, "g1")
    with pytest.raises(InvalidInput):
        write_snapshot(tmp_path, snapshot_of("g2")._replace(similarity_vectors=vectors[:2]))


def test_the_manifest_says_what_is_there(tmp_path: Path) -> None:
    manifest = write_snapshot(tmp_path, snapshot_of())
    assert (manifest.n_items, manifest.n_users, manifest.dimension) == (5, 3, 9)
    assert read_manifest(tmp_path, "g1") == manifest


def test_the_files_are_plain_exports(tmp_path: Path) -> None:
    write_snapshot(tmp_path, snapshot_of())
    vectors = np.load(tmp_path / "g1" / "item_embeddings.npy", allow_pickle=False)
    ids = msgspec.json.decode((tmp_path / "g1" / "item_ids.json").read_bytes())
    assert vectors.shape == (len(ids), 9)
    assert vectors.dtype == np.float32


def test_an_empty_snapshot_is_a_snapshot(tmp_path: Path) -> None:
    write_snapshot(tmp_path, snapshot_of(n_items=0, n_users=0))
    assert read_snapshot(tmp_path, "g1").items.vectors.shape == (0, 9)


@pytest.mark.parametrize(
    "name", ["item_embeddings.npy", "item_ids.json", "user_embeddings.npy", "user_ids.json"]
)
def test_a_changed_byte_is_noticed(tmp_path: Path, name: str) -> None:
    write_snapshot(tmp_path, snapshot_of())
    path = tmp_path / "g1" / name
    payload = bytearray(path.read_bytes())
    payload[-1] ^= 1
    path.write_bytes(payload)
    with pytest.raises(CorruptArtifact, match=name):
        read_snapshot(tmp_path, "g1")


def test_a_missing_file_is_corrupt_and_not_merely_unknown(tmp_path: Path) -> None:
    write_snapshot(tmp_path, snapshot_of())
    (tmp_path / "g1" / "user_ids.json").unlink()
    with pytest.raises(CorruptArtifact):
        read_snapshot(tmp_path, "g1")


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"\xff", b'{"generation": 3}'])
def test_a_bad_manifest_is_corrupt(tmp_path: Path, payload: bytes) -> None:
    write_snapshot(tmp_path, snapshot_of())
    (tmp_path / "g1" / "manifest.json").write_bytes(payload)
    with pytest.raises(CorruptArtifact):
        read_manifest(tmp_path, "g1")


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    manifest = write_snapshot(tmp_path, snapshot_of())
    newer = msgspec.structs.replace(manifest, format_version=manifest.format_version + 1)
    (tmp_path / "g1" / "manifest.json").write_bytes(msgspec.json.encode(newer))
    with pytest.raises(CorruptArtifact, match="format 2.*go back to that version"):
        read_snapshot(tmp_path, "g1")


def test_a_folder_under_another_name_is_refused(tmp_path: Path) -> None:
    write_snapshot(tmp_path, snapshot_of())
    (tmp_path / "g1").rename(tmp_path / "g2")
    with pytest.raises(CorruptArtifact, match="g1"):
        read_manifest(tmp_path, "g2")


def test_an_unknown_generation_can_neither_be_read_nor_made_current(tmp_path: Path) -> None:
    with pytest.raises(UnknownId):
        read_snapshot(tmp_path, "g1")
    with pytest.raises(UnknownId):
        set_current(tmp_path, "g1")
    assert current_generation(tmp_path) is None


def test_a_live_snapshot_is_never_changed(tmp_path: Path) -> None:
    write_snapshot(tmp_path, snapshot_of())
    set_current(tmp_path, "g1")
    with pytest.raises(InvalidInput, match="live"):
        write_snapshot(tmp_path, snapshot_of(n_items=2))
    assert read_manifest(tmp_path, "g1").n_items == 5


def test_one_that_never_became_live_is_replaced(tmp_path: Path) -> None:
    write_snapshot(tmp_path, snapshot_of())
    write_snapshot(tmp_path, snapshot_of(n_items=2))
    assert len(read_snapshot(tmp_path, "g1").items.ids) == 2


@pytest.mark.parametrize("name", ["", ".hidden", "../up", "a/b", "CURRENT", "x" * 101, "new\nline"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput):
        write_snapshot(tmp_path, snapshot_of(name))


def test_tables_must_fit(tmp_path: Path) -> None:
    good = snapshot_of()
    with pytest.raises(InvalidInput):
        write_snapshot(tmp_path, good._replace(items=VectorTable(["a"], good.items.vectors)))
    doubles = VectorTable(good.items.ids, good.items.vectors.astype(np.float64))
    with pytest.raises(InvalidInput):
        write_snapshot(tmp_path, good._replace(items=doubles))
    narrow = VectorTable(good.users.ids, np.ascontiguousarray(good.users.vectors[:, :4]))
    with pytest.raises(InvalidInput, match="dimension"):
        write_snapshot(tmp_path, good._replace(users=narrow))
    assert list(tmp_path.iterdir()) == []


def test_current_names_the_live_one(tmp_path: Path) -> None:
    for generation in ("g1", "g2"):
        write_snapshot(tmp_path, snapshot_of(generation))
        set_current(tmp_path, generation)
    assert current_generation(tmp_path) == "g2"
    set_current(tmp_path, "g1")
    assert current_generation(tmp_path) == "g1"


@pytest.mark.parametrize("payload", [b"../../etc", b"\xff\xfe", b"\n"])
def test_nonsense_in_current_is_corrupt(tmp_path: Path, payload: bytes) -> None:
    (tmp_path / "CURRENT").write_bytes(payload)
    with pytest.raises(CorruptArtifact):
        current_generation(tmp_path)


def test_generations_are_listed_without_half_written_ones(tmp_path: Path) -> None:
    write_snapshot(tmp_path, snapshot_of("b"))
    write_snapshot(tmp_path, snapshot_of("a"))
    (tmp_path / ".c.1.tmp").mkdir()
    (tmp_path / ".c.1.tmp" / "manifest.json").write_text("{}")
    assert list_generations(tmp_path) == ["b", "a"]


def _write_forever(directory: Path) -> None:
    for number in range(1_000_000):
        write_snapshot(directory, snapshot_of(f"g{number}", n_items=2000))


def test_a_killed_writer_leaves_no_half_snapshot(tmp_path: Path) -> None:
    writer = multiprocessing.get_context("spawn").Process(target=_write_forever, args=(tmp_path,))
    writer.start()
    while not list_generations(tmp_path) and writer.is_alive():
        writer.join(0.01)
    writer.kill()
    writer.join()
    generations = list_generations(tmp_path)
    assert generations
    for generation in generations:
        assert len(read_snapshot(tmp_path, generation).items.ids) == 2000
