"""All that counts and must not depend on crashes: what a run has left, in a form to compare."""

import asyncio
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from models.checkpoint import checkpoint_folders, read_checkpoint
from streamrec.adapters.files.roles import SnapshotRoles
from streamrec.adapters.files.snapshots import read_snapshot
from streamrec.adapters.opening import open_store
from streamrec.domain.generations.roles import PromotionRequest
from tests.crash.places import Places

_CHANCE = ("blend", "counters", "report", "points")
"""In the cache: what is evaluated is a sample by the clock, and so is what is learned of it."""

_OF_THE_CLOCK = {"updated_at", "appended_at", "expires_at", "kept_until", "erased_at", "position"}
"""Columns that tell when something was written."""

_OF_THE_MODEL = {"vector", "aging"}
"""Columns that go with the model as it was when the user was published last, as the log of vectors does; the
checkpoint has the model."""

_OF_THE_WRITER = {"leases", "fences", "about", "installation", "sqlite_sequence"}

_PUBLISHED_IN_TURN = "neighbours"
"""In the cache: published by and by, and all of them after each start. They are views of the state."""


def of_checkpoint(places: Places, generation: str) -> dict[str, Any]:
    """Return the newest checkpoint, part by part and bit for bit."""
    newest = read_checkpoint(checkpoint_folders(places.artifacts / "checkpoints" / generation)[0])
    roles = SnapshotRoles(places.artifacts).read()
    asked = [PromotionRequest(*request) for request in newest.state["promotions_asked"]]
    # What was carried out may have been read again: it is dropped when promotions are looked at next.
    waiting = [request for request in asked if not roles.is_known(request)]
    state = dict(_leaves({**newest.state, "promotions_asked": waiting}, "state"))
    tensors = {
        f"tensor/{name}": (str(tensor.dtype), tuple(tensor.shape), tensor.numpy().tobytes())
        for name, tensor in newest.tensors.items()
        if not name.startswith("blend/")
    }
    return {name: part for name, part in state.items() if "/blend" not in name} | tensors


def of_roles(places: Places) -> dict[str, Any]:
    """Return who is what."""
    return {"roles": SnapshotRoles(places.artifacts).read()}


def of_snapshot(places: Places, generation: str) -> dict[str, Any]:
    """Return a generation's vectors; reading compares its checksums."""
    snapshot = read_snapshot(places.artifacts, generation)
    tables = {"items": snapshot.items, "users": snapshot.users}
    return {f"snapshot/{name}": (list(one.ids), one.vectors.tobytes()) for name, one in tables.items()}


def of_files(places: Places, names: tuple[str, ...]) -> dict[str, Any]:
    """Return what the SQLite files hold, without when and by whom it was written."""
    found: dict[str, Any] = {}
    for name in names:
        for table, rows in _tables(places.folder / f"{name}.db"):
            if table not in _OF_THE_WRITER and table not in (*_CHANCE, _PUBLISHED_IN_TURN):
                found[f"{name}/{table}"] = _plain(table, rows)
    return found


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, of_key in value.items():
            yield from _leaves(of_key, f"{name}/{key}")
    else:
        yield name, value


def _tables(path: Path) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    with closing(sqlite3.connect(path, timeout=60)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            cursor = connection.execute(f'SELECT * FROM "{name}"')
            left_out = _OF_THE_CLOCK | _OF_THE_MODEL
            kept = [n for n, (column, *_) in enumerate(cursor.description) if column not in left_out]
            yield name, sorted((tuple(row[n] for n in kept) for row in cursor.fetchall()), key=repr)


def _plain(table: str, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    if table == "popular":  # of equals no order is promised
        return [(name, sorted(msgspec.json.decode(ranking), key=repr)) for name, ranking in rows]
    return rows


def of_users(places: Places, user_ids: Iterable[str]) -> dict[str, Any]:
    """Return what any store holds of users, without vectors and times of writing."""
    return asyncio.run(_of_users(places, user_ids))


async def _of_users(places: Places, user_ids: Iterable[str]) -> dict[str, Any]:
    store, found = open_store(places.store), dict[str, Any]()
    for user_id in user_ids:
        profile = await store.get_profile(user_id, 1000)
        state = None if profile.document is None else profile.document.state
        if state is not None:
            state = msgspec.structs.replace(state, vector=None, aging=None, updated_at=None)
        found[f"user/{user_id}"] = (state, sorted(profile.seen))
    await store.aclose()
    return found
