"""Write what `throughput` measures: a generation of a given size, and a stream to learn."""

import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.serving.stack import gmf_like, locations_in
from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.adapters.opening import open_cache_publisher, open_event_sink, open_trainer_store
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.ranking.prequential import Events
from streamrec.learning.initial.release import Release, release
from streamrec.learning.initial.warm_start import warm_start
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import INTERACTIONS, Message, VectorTable
from streamrec.process.lease import LeaseKeeper
from streamrec.settings.processes import LearningSettings, LocationSettings, TrainerSettings
from streamrec.wire import encode_event

N_EVENTS = 300_000
N_PAST_EVENTS_PER_USER = 5
NEW_USER_SHARE = 0.01
SEED = 7


def draw_items(rng: np.random.Generator, n: int, n_items: int) -> np.ndarray:
    """Return (n,) items by a power law: the most popular a hundred times as often as the median."""
    return (n_items * rng.random(n) ** 3).astype(np.int64)


def prepare(locations: LocationSettings, n_users: int, n_items: int, *, is_shaped: bool = False) -> None:
    """Write a generation that knows so many users and items.

    Parameters
    ----------
    is_shaped
        Vectors as training leaves them, instead of its random start: an index can't tell the latter apart.
    """
    rng = np.random.default_rng(SEED)
    state = TrainerState("g1", LearningSettings(), TrainerSettings())
    user_rows = state.user_ids.rows_of([f"user-{n}" for n in range(n_users)], add=True)
    state.item_ids.rows_of([f"item-{n}" for n in range(n_items)], add=True)
    if is_shaped:
        _shape(state)
    user_rows = np.tile(user_rows, N_PAST_EVENTS_PER_USER)
    item_rows = draw_items(rng, len(user_rows), n_items)
    item_rows[:n_items] = np.arange(n_items)[: len(item_rows)]
    timestamps = 1.6e9 + np.arange(len(user_rows)) / 1000
    for start in range(0, len(user_rows), 100_000):
        part = slice(start, start + 100_000)
        state.learner.remember(user_rows[part], item_rows[part], timestamps[part])
        state.users.count(user_rows[part], timestamps[part])
    weights = np.ones(len(user_rows), np.float32)
    state.popularity.add(user_rows, item_rows, timestamps, weights)
    history = Events(user_rows, item_rows, timestamps, weights)
    store, cache = open_trainer_store(locations.store_url), open_cache_publisher(locations.cache_url)
    lease = LeaseKeeper(store, "initial-training", "benchmark", 3600.0, time.time)
    lease.wait(lambda: False, time.sleep)
    release(
        state,
        history,
        Release(
            store=store,
            cache=cache,
            checkpoints=Checkpoints(locations.artifacts_dir, "g1"),
            lease=lease,
            write_snapshot=lambda snapshot: write_snapshot(locations.artifacts_dir, snapshot),
            announce=lambda generation: set_current(locations.artifacts_dir, generation),
            changelog_offsets={},
            stream_offsets={},
            provenance={},
            created_at=0.0,
        ),
        on_progress=lambda done, total: None,
    )
    lease.release()
    store.close()
    cache.close()


def _shape(state: TrainerState) -> None:
    user_ids, item_ids = ([id_ for id_ in ids.by_row() if id_] for ids in (state.user_ids, state.item_ids))
    items, users = gmf_like(len(item_ids), len(user_ids), SEED)
    warm_start(state, VectorTable(item_ids, items), VectorTable(user_ids, users))


def write_stream(events_url: str, n_users: int, n_items: int, n_events: int = N_EVENTS) -> None:
    """Append the events to learn: users as they come, a hundredth of them new."""
    rng = np.random.default_rng(SEED + 1)
    users = rng.integers(0, n_users, n_events)
    is_new = rng.random(n_events) < NEW_USER_SHARE
    users[is_new] = n_users + np.arange(is_new.sum())
    items = draw_items(rng, n_events, n_items)
    sink = open_event_sink(events_url)
    for start in range(0, n_events, 10_000):
        sink.append(
            INTERACTIONS,
            [
                Message(
                    f"user-{users[n]}",
                    encode_event(
                        Interaction(f"user-{users[n]}", f"item-{items[n]}", 1.7e9 + n / 100, event_id=str(n))
                    ),
                )
                for n in range(start, min(start + 10_000, n_events))
            ],
        )
    sink.close()


if __name__ == "__main__":
    sqlite = locations_in(Path(sys.argv[1]), 1)
    sizes = int(sys.argv[2]), int(sys.argv[3])
    prepare(sqlite, *sizes)
    write_stream(sqlite.events_url, *sizes, *map(int, sys.argv[4:]))
