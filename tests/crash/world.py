"""A log, stores and two generations to start from, and the processes that are killed over them."""

import asyncio
import contextlib
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import NamedTuple

import numpy as np

from streamrec.adapters.files.roles import SnapshotRoles, set_challenger
from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.opening import open_event_sink, open_event_source, open_store
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.item import Item
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import COMMANDS, INTERACTIONS, Message, Snapshot, VectorTable
from streamrec.serving.catalog import Catalog
from streamrec.serving.guard import Guard
from streamrec.serving.item_reader import ItemReader
from streamrec.serving.users.accepted import AcceptedChoices
from streamrec.settings.processes import LearningSettings, TrainerSettings
from streamrec.telemetry import NullMetrics
from streamrec.wire import Command, encode_command, encode_event
from tests.e2e.processes import eventually

OLD, NEW = "old", "new"

N_EVENTS = 600

ERASED, GONE_ITEM = "u3", "i5"

# The server imports torch once; each process that is killed starts in a blink.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(
    [
        "initial_training",
        "incremental_training",
        "streamrec.cli.training.bars",
        "streamrec.cli.training.attribution",
        "tests.crash.scenarios",
    ]
)


class Places(NamedTuple):
    """Where the parts of one run are."""

    folder: Path
    events: str
    vectors: str
    store: str
    cache: str

    @property
    def artifacts(self) -> Path:
        """Folder of the generations."""
        return self.folder / "artifacts"


def places_in(folder: Path) -> Places:
    """Return the places of a run that needs no server."""
    events, vectors, store, cache = (f"sqlite:///{folder}/{name}.db" for name in ("events", "vectors", "store", "cache"))
    return Places(folder, events, vectors, store, cache)


def environment(places: Places) -> dict[str, str]:
    """Return the settings of the processes: small steps, and checkpoints all the time."""
    return {
        "STREAMREC_EVENTS_URL": places.events,
        "STREAMREC_CHANGELOG_URL": places.vectors,
        "STREAMREC_STORE_URL": places.store,
        "STREAMREC_CACHE_URL": places.cache,
        "STREAMREC_ARTIFACTS_DIR": str(places.artifacts),
        "STREAMREC_LEARNING_EMBEDDING_DIM": "8",
        "STREAMREC_TRAINER_MAX_BATCH": "64",
        "STREAMREC_TRAINER_POLL_TIMEOUT_S": "0.01",
        "STREAMREC_TRAINER_CHECKPOINT_INTERVAL_S": "0.03",
        "STREAMREC_TRAINER_STATUS_INTERVAL_S": "0.02",
        "STREAMREC_TRAINER_LEASE_DURATION_S": "0.3",
        "STREAMREC_TRAINER_TAIL_S": "120",
        "STREAMREC_LOG_LEVEL": "ERROR",
    }


def prepare(places: Places) -> None:
    """Make two generations that know nothing, and a log of all that a trainer reads."""
    for slot, (generation, dimension) in enumerate({OLD: 8, NEW: 4}.items()):
        nothing = VectorTable([], np.zeros((0, dimension + 1), np.float32))
        write_snapshot(places.artifacts, Snapshot(generation, nothing, nothing, {}, 1.0, {}))
        state = TrainerState(generation, LearningSettings(embedding_dim=dimension), TrainerSettings())
        state.changelog_slot = slot
        Checkpoints(places.artifacts, generation).write(state, {}, token=0)
    set_current(places.artifacts, OLD)
    set_challenger(places.artifacts, NEW)
    sink = open_event_sink(places.events)
    first, second, third = np.array_split(np.array(stream(N_EVENTS), object), 3)
    asyncio.run(_change(places, put=[Item(f"i{n}", title=f"Item {n}", categories=[f"c{n % 4}"]) for n in range(30)]))
    send(sink, first)
    asyncio.run(_change(places, erased=ERASED))
    send(sink, second)
    asyncio.run(_change(places, deleted=GONE_ITEM))
    sink.append(COMMANDS, [Message("", encode_command(Command("promote", 100.0, "test")))])
    send(sink, third)
    sink.close()


def send(sink: object, events: object) -> None:
    messages = [Message(event.user_id, encode_event(event)) for event in events]
    messages.insert(len(messages) // 2, Message("garbage", b"not an event"))
    sink.append(INTERACTIONS, messages)


async def _change(places: Places, put=(), erased: str | None = None, deleted: str | None = None) -> None:
    """Do as the recommender does."""
    store, sink = open_store(places.store), open_event_sink(places.events)
    guard = Guard("any", 5.0, NullMetrics())
    reader = ItemReader(MemoryCache(), guard, store, guard, NullMetrics())
    catalog = Catalog(store, reader, sink, AcceptedChoices())
    if put:
        await catalog.put_items(put)
    if erased:
        await catalog.erase_user(erased)
    if deleted:
        await catalog.delete_item(deleted)
    await store.aclose()
    sink.close()


def stream(n: int) -> list[Interaction]:
    """Return events among 40 users and 60 items; every tenth comes twice."""
    chance = random.Random(1)
    types = ["view", "purchase", "impression", "dislike", "retract", "less"]
    events: list[Interaction] = []
    for number in range(n):
        user, item = chance.randrange(40), int(chance.paretovariate(0.7)) % 60
        kind = chance.choices(types, [50, 30, 5, 5, 6, 4])[0]
        events.append(Interaction(f"u{user}", f"i{item}", 1.6e9 + number, kind, None, f"{number}"))
        if number % 10 == 9:
            events.append(chance.choice(events))
    return events


def train_on(variables: dict[str, str]) -> None:
    os.environ.update(variables)
    from incremental_training import main

    main()


def is_learned(places: Places) -> bool:
    roles = SnapshotRoles(places.artifacts).read()
    if roles.under_way is not None or roles.champion != NEW:
        return False
    source = open_event_source(places.events, [COMMANDS, INTERACTIONS], "trainer")
    try:
        return source.committed() == source.end_offsets()
    finally:
        source.close()
