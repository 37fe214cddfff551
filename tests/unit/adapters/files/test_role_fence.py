import os
import signal
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
import pytest

from streamrec.adapters.files.role_fence import TOKENS, fenced
from streamrec.adapters.files.roles import SnapshotRoles, challenger_generation, set_challenger
from streamrec.adapters.files.snapshots import current_generation, set_current, write_snapshot
from streamrec.domain.generations.roles import Promotion
from streamrec.errors import CorruptArtifact, LeaseLost, Unavailable, UnknownId
from streamrec.ports import Lease, Snapshot, VectorTable

OLD, NEW = (Lease("trainer", owner, token, 1e12) for owner, token in (("a", 5), ("b", 6)))

PROMOTION = Promotion("promote", champion="new", challenger="old", at=5.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    table = VectorTable(["a"], np.ones((1, 2), np.float32))
    for generation in ("old", "new"):
        write_snapshot(tmp_path, Snapshot(generation, table, table, {}, 1.0, {}))
    set_current(tmp_path, "old")
    set_challenger(tmp_path, "new")
    return tmp_path


WRITES: dict[str, Callable[[SnapshotRoles, Lease], None]] = {
    "claim": SnapshotRoles.claim,
    "begin": lambda roles, lease: roles.begin(PROMOTION, lease),
    "complete": lambda roles, lease: roles.complete(PROMOTION, lease),
    "make live": lambda roles, lease: roles.announce("new", lease, as_challenger=False),
    "make challenger": lambda roles, lease: roles.announce("new", lease, as_challenger=True),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_who_lost_the_lease_writes_no_role(
    folder: Path, write: Callable[[SnapshotRoles, Lease], None]
) -> None:
    roles = SnapshotRoles(folder)
    roles.claim(NEW)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with pytest.raises(LeaseLost, match=TOKENS):
        write(roles, OLD)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    write(roles, NEW)
    write(roles, NEW._replace(token=7))


def test_leases_of_other_names_stand_for_themselves(folder: Path) -> None:
    roles = SnapshotRoles(folder)
    roles.claim(NEW)
    roles.announce("new", OLD._replace(name="initial-training"), as_challenger=False)
    assert current_generation(folder) == "new"
    with pytest.raises(LeaseLost):
        roles.claim(OLD)


def test_a_write_that_fails_leaves_the_roles_and_the_lock_free(folder: Path) -> None:
    roles = SnapshotRoles(folder)
    with pytest.raises(UnknownId):
        roles.announce("nowhere", OLD, as_challenger=False)
    assert (current_generation(folder), challenger_generation(folder)) == ("old", "new")
    roles.claim(NEW)


@pytest.mark.parametrize("garbage", [b"", b"[]", b'{"trainer": "x"}', b"\xff" * 9, b"[" * 5000])
def test_tokens_that_can_not_be_read_are_named(folder: Path, garbage: bytes) -> None:
    (folder / TOKENS).write_bytes(garbage)
    with pytest.raises(CorruptArtifact, match=f"{TOKENS}.*remove it"):
        SnapshotRoles(folder).claim(NEW)


def _hold(folder: Path, is_held: Event) -> None:
    with fenced(folder, OLD):
        is_held.set()
        signal.pause()


def test_a_holder_that_is_killed_frees_the_lock(folder: Path) -> None:
    context = get_context("forkserver")
    is_held = context.Event()
    holder = context.Process(target=_hold, args=(folder, is_held), daemon=True)
    holder.start()
    assert is_held.wait(60)
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    holder.join(60)
    SnapshotRoles(folder).claim(NEW)
    with pytest.raises(LeaseLost):
        SnapshotRoles(folder).claim(OLD)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_disk_that_can_not_be_written_is_told_and_may_be_tried_again(
    folder: Path, write: Callable[[SnapshotRoles, Lease], None]
) -> None:
    (folder / ".role_lock").mkdir()  # and no file
    before = SnapshotRoles(folder).read()
    with pytest.raises(Unavailable):
        write(SnapshotRoles(folder), NEW)
    assert SnapshotRoles(folder).read() == before
