"""Flipped bytes and truncations of all that is kept in files: refused, and the one before is gone on from."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from models.checkpoint import checkpoint_folders
from streamrec.adapters.files.roles import SnapshotRoles
from streamrec.adapters.files.snapshots import read_snapshot, write_snapshot
from streamrec.adapters.opening import open_event_source, open_trainer_store
from streamrec.adapters.sqlite.connection import connect
from streamrec.attribution.checkpoint import AttributionCheckpoint, Saved
from streamrec.bars.checkpoint import BarsCheckpoint, Restored
from streamrec.bars.publishing import Waiting
from streamrec.domain.bars.minute_table import MinuteTable, Ticks
from streamrec.errors import ConfigurationError, CorruptArtifact, StreamrecError
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import INTERACTIONS, Snapshot, VectorTable
from streamrec.settings.processes import TrainerSettings
from tests.builders import GENERATION, LEARNING
from tests.erasure_system import ErasureSystem

EVERY = pytest.mark.parametrize("n_sampled", [12, pytest.param(0, marks=pytest.mark.nightly)])
"""Damages of a file; 0: each of its bytes, up to `MOST` of them."""

MOST = 3000


def damages(content: bytes, n_sampled: int) -> Iterator[bytes]:
    """Yield a file with one byte flipped, or cut off, at some or all places."""
    chance, most = random.Random(len(content)), n_sampled or MOST
    places = range(len(content))
    sampled = sorted(chance.sample(places, most)) if len(content) > most else list(places)
    for place in sampled:
        yield content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]
        yield content[:place]


def each_damage(path: Path, n_sampled: int, check: Callable[[], object]) -> None:
    content = path.read_bytes()
    for damaged in damages(content, n_sampled):
        path.write_bytes(damaged)
        check()
    path.write_bytes(content)


@EVERY
@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json", "manifest.json"])
def test_of_a_damaged_checkpoint_the_one_before_is_gone_on_from(
    tmp_path: Path, name: str, n_sampled: int
) -> None:
    checkpoints = Checkpoints(tmp_path, GENERATION)
    state = TrainerState(GENERATION, LEARNING, TrainerSettings())
    for offset in (5, 9):
        checkpoints.write(state, {INTERACTIONS: {0: offset}}, token=1)
    newest = checkpoint_folders(tmp_path / "checkpoints" / GENERATION)[0] / name
    content = newest.read_bytes()

    def check() -> None:
        reader = Checkpoints(tmp_path, GENERATION)
        _, offsets = reader.open_newest(LEARNING, TrainerSettings())
        # A manifest may be written otherwise and say the same, as with a letter of a name nobody reads.
        is_refused = offsets == {INTERACTIONS: {0: 5}} and reader.n_refused == 1
        assert is_refused or (name == "manifest.json" and offsets == {INTERACTIONS: {0: 9}})

    each_damage(newest, n_sampled // 4 or 200, check)
    assert newest.read_bytes() == content


@EVERY
def test_a_damaged_snapshot_is_refused(tmp_path: Path, n_sampled: int) -> None:
    table = VectorTable(["a", "b"], np.ones((2, 3), np.float32))
    write_snapshot(tmp_path, Snapshot("g1", table, table, {}, 1000.0, {}))
    for path in sorted((tmp_path / "g1").iterdir()):

        def check(path: Path = path) -> None:
            try:
                read = read_snapshot(tmp_path, "g1")
            except CorruptArtifact:
                return
            assert path.name == "manifest.json", "a manifest may say the same in other bytes"
            assert read.items.ids == ["a", "b"]

        each_damage(path, n_sampled, check)


def some_bars(number: float) -> MinuteTable:
    table = MinuteTable(5, max_items=10)
    table.add(Ticks(["a"], np.array([60.0]), np.array([number]), np.array([60.0])))
    return table


@EVERY
def test_damaged_bars_are_refused_or_the_same(tmp_path: Path, n_sampled: int) -> None:
    path = tmp_path / "bars.npz"
    checkpoint = BarsCheckpoint(path)
    written = some_bars(2.0)
    nothing = Waiting(np.zeros(0, np.int64), [])
    checkpoint.write(some_bars(1.0), Restored({INTERACTIONS: {0: 5}}, [], nothing))
    checkpoint.write(written, Restored({INTERACTIONS: {0: 9}}, [], nothing))
    assert checkpoint.needed_offsets() == {INTERACTIONS: {0: 5}}, "the log is kept for the one before"
    cells = written.cells_in_use(np.arange(1))

    def check() -> None:
        table = MinuteTable(5, max_items=10)
        try:
            restored = checkpoint.restore(table)
        except CorruptArtifact:
            table = MinuteTable(5, max_items=10)
            restored = checkpoint.previous.restore(table)
            assert restored is not None
            assert restored.next_offsets == {INTERACTIONS: {0: 5}}
        else:
            assert restored is not None
            assert restored.next_offsets == {INTERACTIONS: {0: 9}}
            assert table.tallies(cells).tolist() == written.tallies(cells).tolist()

    each_damage(path, n_sampled, check)


@EVERY
def test_of_a_damaged_checkpoint_of_the_attribution_the_one_before_is_read(
    tmp_path: Path, n_sampled: int
) -> None:
    path = tmp_path / "attribution.msgpack"
    checkpoint = AttributionCheckpoint(path)
    for offset in (5, 9):
        checkpoint.write(Saved(next_offsets={INTERACTIONS: {0: offset}}, event_ids=["e"]))

    def check() -> None:
        with pytest.raises(CorruptArtifact, match="delete it"):
            checkpoint.read()
        previous = checkpoint.previous.read()
        assert previous is not None
        assert previous.next_offsets == {INTERACTIONS: {0: 5}}

    each_damage(path, n_sampled, check)


@EVERY
@pytest.mark.parametrize("name", ["CURRENT", "CHALLENGER", "PROMOTION"])
def test_damaged_roles_are_names_or_refused(tmp_path: Path, name: str, n_sampled: int) -> None:
    promotion = b'{"name":"promote","champion":"new","challenger":"old","at":5.0,"is_done":true}'
    for one, content in (("CURRENT", b"new\n"), ("CHALLENGER", b"old\n"), ("PROMOTION", promotion)):
        (tmp_path / one).write_bytes(content)

    def check() -> None:
        try:
            SnapshotRoles(tmp_path).read()
        except CorruptArtifact as error:
            assert name in str(error)  # noqa: PT017

    each_damage(tmp_path / name, n_sampled, check)


@EVERY
@pytest.mark.parametrize("name", ["store.db", "events.db"])
def test_damaged_sqlite_files_raise_what_is_declared(tmp_path: Path, name: str, n_sampled: int) -> None:
    own_system = ErasureSystem(tmp_path)
    own_system.send(*((f"v{n % 12}", f"i{n % 7}") for n in range(120)))
    own_system.erase("v1")
    own_system.close()
    path = own_system.folder / name
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    n_refused = 0

    def check() -> None:
        nonlocal n_refused
        for beside in ("-wal", "-shm"):
            path.with_name(name + beside).unlink(missing_ok=True)
        try:
            if name == "store.db":
                with closing(open_trainer_store(f"sqlite:///{path}")) as store:
                    store.read_erasures()
                    store.read_attributes(["v2"])
            else:
                with closing(open_event_source(f"sqlite:///{path}", [INTERACTIONS], "g")) as source:
                    source.seek({})
                    source.poll(1000, 0.0)
        except StreamrecError as error:
            assert name in str(error)
            n_refused += 1

    each_damage(path, n_sampled, check)
    assert n_refused, "files that were cut are refused"


def test_a_newer_schema_is_refused_with_the_way_to_mend(tmp_path: Path) -> None:
    for name, opened in (
        ("store.db", lambda url: open_trainer_store(url)),
        ("events.db", lambda url: open_event_source(url, [INTERACTIONS], "g")),
    ):
        url = f"sqlite:///{tmp_path}/{name}"
        opened(url).close()
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            connection.execute("PRAGMA user_version = 99")
        with pytest.raises(ConfigurationError, match="a newer streamrec wrote it; go on with that version"):
            opened(url)
