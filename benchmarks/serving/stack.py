"""The real stack for `recommendations`: populated stores, servers, a stream that moves it all."""

import asyncio
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.adapters.opening import open_cache_publisher, open_event_sink, open_store, open_trainer_store
from streamrec.domain.items.item import Item
from streamrec.domain.sources.popular import WINDOWS
from streamrec.domain.users.user import UserState
from streamrec.ports import ITEM_VECTORS, Message, RankedItem, Snapshot, UserUpdates, VectorTable
from streamrec.settings.processes import LocationSettings
from streamrec.wire import VectorRecord, encode_vector

GENERATION = "bench"
DIMENSION = 64
_GENRES = ("action", "comedy", "drama", "horror", "romance", "sf", "thriller", "western")

Vectors = NDArray[np.float32]


class Sizes(NamedTuple):
    """Numbers of users and items in the stores, and of the items that each user has seen."""

    n_items: int
    n_users: int
    n_seen: int = 50


def locations_in(directory: Path, index_port: int) -> LocationSettings:
    """Return settings for a stack of its own."""
    return LocationSettings(
        events_url=f"sqlite:///{directory}/events.db",
        store_url=f"sqlite:///{directory}/store.db",
        cache_url=f"sqlite:///{directory}/cache.db",
        artifacts_dir=directory / "artifacts",
        index_url=f"http://127.0.0.1:{index_port}",
    )


def environment_of(locations: LocationSettings) -> dict[str, str]:
    """Return the environment with which a child process finds the same stores, on one thread."""
    names = ("events_url", "store_url", "cache_url", "artifacts_dir", "index_url")
    settings = {f"STREAMREC_{name.upper()}": str(getattr(locations, name)) for name in names}
    return os.environ | settings | {"OMP_NUM_THREADS": "1", "STREAMREC_LOG_LEVEL": "WARNING"}


def gmf_like(n_items: int, n_users: int, seed: int) -> tuple[Vectors, Vectors]:
    """Draw (N, D + 1) items and (U, D + 1) users: clusters, a falling spectrum, a bias by popularity."""
    chance = np.random.default_rng(seed)
    spectrum = np.arange(1, DIMENSION + 1) ** -0.7
    centres = chance.standard_normal((200, DIMENSION))
    items = centres[chance.integers(200, size=n_items)] + 0.7 * chance.standard_normal((n_items, DIMENSION))
    users = centres[chance.integers(200, size=n_users)] + 0.7 * chance.standard_normal((n_users, DIMENSION))
    bias = -0.5 * np.log(1 + chance.permutation(n_items))[:, None] / np.log(n_items)
    ones = np.ones((n_users, 1))
    return (
        np.hstack([items * spectrum, bias]).astype(np.float32),
        np.hstack([users * spectrum, ones]).astype(np.float32),
    )


def populate(locations: LocationSettings, sizes: Sizes) -> tuple[Vectors, Vectors]:
    """Fill every store; each user has seen some of the items nearest to them, as people do."""
    items, users = gmf_like(sizes.n_items, sizes.n_users, seed=1)
    item_ids = [f"i{row}" for row in range(sizes.n_items)]
    user_ids = [f"u{row}" for row in range(sizes.n_users)]
    snapshot = Snapshot(
        GENERATION,
        items=VectorTable(item_ids, items),
        users=VectorTable(user_ids[:1000], users[:1000]),
        next_offsets={},
        created_at=time.time(),
        provenance={},
    )
    write_snapshot(locations.artifacts_dir, snapshot)
    set_current(locations.artifacts_dir, GENERATION)
    _write_users(locations, users, items, sizes.n_seen)
    asyncio.run(write_items(locations, sizes.n_items, "i"))
    cache = open_cache_publisher(locations.cache_url)
    ranking = [RankedItem(f"i{row}", 1.0 / (1 + row)) for row in range(1000)]
    cache.publish_popular(dict.fromkeys(WINDOWS, ranking))
    cache.close()
    return items, users


def _write_users(locations: LocationSettings, users: Vectors, items: Vectors, n_seen: int) -> None:
    store = open_trainer_store(locations.store_url)
    lease = store.acquire("trainer", "benchmark", 3600.0, time.time())
    assert lease is not None
    pool = np.arange(0, len(items), max(1, len(items) // max(10_000, 2 * n_seen)))
    for start in range(0, len(users), 1000):
        block = users[start : start + 1000]
        nearest = np.argpartition(-block @ items[pool].T, n_seen, axis=1)[:, :n_seen]
        states = [_state(start + row, vector, n_seen) for row, vector in enumerate(block)]
        seen = [
            (f"u{start + row}", f"i{pool[column]}", float(age))
            for row, columns in enumerate(nearest.tolist())
            for age, column in enumerate(columns)
        ]
        store.publish_users(UserUpdates(states, seen), lease)
    store.release(lease)
    store.close()


def _state(row: int, vector: Vectors, n_events: int) -> UserState:
    return UserState(
        f"u{row}",
        generation=GENERATION,
        vector=vector.tobytes(),
        recent=(),
        disliked=(),
        n_events=n_events,
        updated_at=0.0,
    )


async def write_items(locations: LocationSettings, n_items: int, prefix: str) -> None:
    """Store metadata of items whose ids are `prefix` and a number."""
    store = open_store(locations.store_url)
    for start in range(0, n_items, 10_000):
        await store.put_items(
            [
                Item(
                    f"{prefix}{row}",
                    "film",
                    f"Film number {row}",
                    categories=(_GENRES[row % 8], _GENRES[row % 7]),
                    attributes={"year": 1950 + row % 70},
                )
                for row in range(start, min(start + 10_000, n_items))
            ]
        )
    await store.aclose()


@contextmanager
def served(
    arguments: list[str], port: int, environment: dict[str, str], path: str = "/health/ready"
) -> Iterator[subprocess.Popen[bytes]]:
    """Run gunicorn until the block ends; enter it once `path` answers 200."""
    command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--bind", f"127.0.0.1:{port}"]
    process = subprocess.Popen([*command, "--log-level", "warning", *arguments], env=environment)
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}{path}", process)
        yield process
    finally:
        process.terminate()
        process.wait(timeout=120)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], timeout_s: float = 120.0) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise RuntimeError(f"{url} is not ready after {timeout_s} s")


def stream(locations: LocationSettings, sizes: Sizes, events_per_s: float) -> None:
    """Write as the trainer does, forever: users, their seen items and item vectors, five times a second."""
    items, users = gmf_like(sizes.n_items, sizes.n_users, seed=1)
    chance = np.random.default_rng(2)
    store = open_trainer_store(locations.store_url)
    changelog = open_event_sink(locations.vectors_url)
    cache = open_cache_publisher(locations.cache_url)
    lease = store.acquire("trainer", "stream", 3600.0, time.time())
    assert lease is not None
    n_per_turn = max(1, int(events_per_s / 5))
    due = time.monotonic()
    while True:
        rows = chance.integers(sizes.n_users, size=n_per_turn).tolist()
        touched = chance.integers(sizes.n_items, size=n_per_turn * 6).tolist()
        states = [_state(row, users[row], sizes.n_seen) for row in dict.fromkeys(rows)]
        seen = [(f"u{row}", f"i{item}", time.time()) for row, item in zip(rows, touched, strict=False)]
        store.publish_users(UserUpdates(states, seen), lease)
        changelog.append(ITEM_VECTORS, [_drifted(row, items, chance) for row in dict.fromkeys(touched)])
        cache.publish_counters({"n_events": time.time()})
        due += 0.2
        time.sleep(max(0.0, due - time.monotonic()))


def _drifted(row: int, items: Vectors, chance: np.random.Generator) -> Message:
    vector = items[row] + 0.01 * chance.standard_normal(DIMENSION + 1, np.float32)
    return Message(f"i{row}", encode_vector(VectorRecord(GENERATION, vector.tobytes(), time.time())))
