"""kill -9 within a checkpoint's interval after an erasure: the user stays away, and is new on coming back."""

import asyncio
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.sqlite.events import SqliteEventSink
from streamrec.adapters.sqlite.store import SqliteStore
from streamrec.domain.events.interaction import Interaction
from streamrec.ports import INTERACTIONS, Message
from streamrec.serving.catalog import Catalog
from streamrec.serving.guard import Guard
from streamrec.serving.item_reader import ItemReader
from streamrec.serving.users.accepted import AcceptedChoices
from streamrec.telemetry import NullMetrics
from streamrec.wire import encode_event
from tests.e2e.processes import eventually
from tests.e2e.test_crash import (
    environment,
    newest_state,
    processes,
    started_and_at_work,
    stream,
    train_initially,
)


def test_an_erased_user_does_not_come_back_by_a_crash(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    history.write_bytes(b"\n".join(encode_event(event) for event in stream(300, seed=1)))
    # Nothing is written down until the end: whatever is done is to be done again.
    variables = environment(tmp_path) | {"STREAMREC_TRAINER_CHECKPOINT_INTERVAL_S": "86400"}
    training = processes.Process(target=train_initially, args=(variables, history))
    training.start()
    training.join(120)
    send(tmp_path, *[("erased", f"i{n}") for n in range(5)], ("other", "i1"))
    trainer = started_and_at_work(tmp_path, variables)
    eventually(lambda: n_events(tmp_path).get("erased") == 5)
    asyncio.run(erase(tmp_path, "erased"))
    send(tmp_path, ("other", "i2"))
    eventually(lambda: n_events(tmp_path).get("other") == 2)
    assert "erased" not in n_events(tmp_path)
    trainer.kill()
    trainer.join()

    send(tmp_path, ("other", "i3"))
    trainer = started_and_at_work(tmp_path, variables)
    eventually(lambda: "erased" in n_events(tmp_path) or n_events(tmp_path).get("other") == 3)
    assert "erased" not in n_events(tmp_path), "it came back, if only for a moment"
    send(tmp_path, ("erased", "i9"))
    eventually(lambda: n_events(tmp_path).get("erased") == 1)
    assert seen(tmp_path, "erased") == {"i9"}
    assert trainer.pid is not None
    os.kill(trainer.pid, signal.SIGTERM)
    trainer.join(120)
    assert trainer.exitcode == 0
    assert newest_state(tmp_path)["counters"]["n_erased"] == 5


def send(folder: Path, *pairs: tuple[str, str]) -> None:
    """Append an event of each (user, item)."""
    sink = SqliteEventSink(folder / "events.db")
    events = [Interaction(user, item, 1.6e9 + 1e4 + n) for n, (user, item) in enumerate(pairs)]
    sink.append(INTERACTIONS, [Message(event.user_id, encode_event(event)) for event in events])
    sink.close()


async def erase(folder: Path, user_id: str) -> None:
    """Erase a user as the recommender does."""
    store, sink = SqliteStore(folder / "store.db"), SqliteEventSink(folder / "events.db")
    guard = Guard("any", 5.0, NullMetrics())
    reader = ItemReader(MemoryCache(), guard, store, guard, NullMetrics())
    await Catalog(store, reader, sink, AcceptedChoices()).erase_user(user_id)
    await store.aclose()
    sink.close()


def n_events(folder: Path) -> dict[str, int]:
    """Return how many events the documents of our two users hold."""
    with closing(sqlite3.connect(folder / "store.db", timeout=60)) as store:
        rows = store.execute("SELECT user_id, n_events FROM users WHERE user_id IN ('erased', 'other')")
        return dict(rows.fetchall())


def seen(folder: Path, user_id: str) -> set[str]:
    """Return what the store says that a user has seen."""
    with closing(sqlite3.connect(folder / "store.db", timeout=60)) as store:
        return {item for (item,) in store.execute("SELECT item_id FROM seen WHERE user_id = ?", (user_id,))}
