"""Write what `benchmarks.trainer` measures: a generation of a given size, and a stream to learn."""

import sys
import time
from pathlib import Path

import numpy as np

from streamrec.adapters.snapshot_directory import set_current, write_snapshot
from streamrec.adapters.sqlite_cache import SqliteCachePublisher
from streamrec.adapters.sqlite_events import SqliteEventSink
from streamrec.adapters.sqlite_store_trainer import SqliteTrainerStore
from streamrec.domain.interaction import Interaction
from streamrec.domain.prequential import Events
from streamrec.ports import INTERACTIONS, Message
from streamrec.settings import LearningSettings, TrainerSettings
from streamrec.training.checkpoints import Checkpoints
from streamrec.training.initial import Release, release
from streamrec.training.lease import LeaseKeeper
from streamrec.training.trainer_state import TrainerState
from streamrec.wire import encode_event

N_EVENTS = 300_000
N_PAST_EVENTS_PER_USER = 5
NEW_USER_SHARE = 0.01
SEED = 7


def draw_items(rng: np.random.Generator, n: int, n_items: int) -> np.ndarray:
    """Return (n,) items by a power law: the most popular a hundred times as often as the median."""
    return (n_items * rng.random(n) ** 3).astype(np.int64)


def prepare(folder: Path, n_users: int, n_items: int) -> None:
    """Write a generation that knows so many users and items, and a stream of events among them."""
    rng = np.random.default_rng(SEED)
    state = TrainerState("g1", LearningSettings(), TrainerSettings())
    user_rows = state.user_ids.rows_of([f"user-{n}" for n in range(n_users)], add=True)
    state.item_ids.rows_of([f"item-{n}" for n in range(n_items)], add=True)
    user_rows = np.tile(user_rows, N_PAST_EVENTS_PER_USER)
    item_rows = draw_items(rng, len(user_rows), n_items)
    item_rows[:n_items] = np.arange(n_items)[: len(item_rows)]
    timestamps = 1.6e9 + np.arange(len(user_rows)) / 1000
    for start in range(0, len(user_rows), 100_000):
        part = slice(start, start + 100_000)
        state.learner.remember(user_rows[part], item_rows[part])
        state.users.count(user_rows[part], timestamps[part])
    weights = np.ones(len(user_rows), np.float32)
    state.popularity.add(item_rows, timestamps, weights)
    history = Events(user_rows, item_rows, timestamps, weights)
    store = SqliteTrainerStore(folder / "store.db")
    lease = LeaseKeeper(store, "initial-training", "benchmark", 3600.0, time.time)
    lease.wait(lambda: False, time.sleep)
    release(
        state,
        history,
        Release(
            store=store,
            cache=SqliteCachePublisher(folder / "cache.db"),
            checkpoints=Checkpoints(folder / "artifacts", "g1"),
            lease=lease,
            write_snapshot=lambda snapshot: write_snapshot(folder / "artifacts", snapshot),
            set_current=lambda generation: set_current(folder / "artifacts", generation),
            changelog_offsets={},
            stream_offsets={},
            provenance={},
            created_at=0.0,
        ),
        on_progress=lambda done, total: None,
    )
    store.close()
    write_stream(folder, n_users, n_items, rng)


def write_stream(folder: Path, n_users: int, n_items: int, rng: np.random.Generator) -> None:
    """Append the events to learn: users as they come, a hundredth of them new."""
    users = rng.integers(0, n_users, N_EVENTS)
    is_new = rng.random(N_EVENTS) < NEW_USER_SHARE
    users[is_new] = n_users + np.arange(is_new.sum())
    items = draw_items(rng, N_EVENTS, n_items)
    sink = SqliteEventSink(folder / "events.db")
    for start in range(0, N_EVENTS, 10_000):
        sink.append(
            INTERACTIONS,
            [
                Message(
                    f"user-{users[n]}",
                    encode_event(
                        Interaction(f"user-{users[n]}", f"item-{items[n]}", 1.7e9 + n / 100, event_id=str(n))
                    ),
                )
                for n in range(start, start + 10_000)
            ],
        )
    sink.close()


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
