"""kill -9 at any moment: the histories that a restart publishes are those of the whole stream."""

import asyncio
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from streamrec.adapters.sqlite.cache import SqliteCache
from streamrec.adapters.sqlite.events import SqliteEventSink, SqliteEventSource
from streamrec.domain.bars.bar import Bar
from streamrec.domain.events.interaction import Interaction
from streamrec.ports import COMMANDS, INTERACTIONS, Message
from streamrec.wire import encode_event
from tests.e2e.processes import eventually

N_KILLS = 10
N_TICKS = 6000
N_ITEMS = 20
STARTED_AT = 1.6e9 // 60 * 60
"""A full minute, so that all ticks lie within an hour."""

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["streamrec.cli.training.bars"])


def ticks(seed: int) -> list[Interaction]:
    """Return an hour of ticks, some late, some twice, some at one moment."""
    chance = random.Random(seed)
    found: list[Interaction] = []
    for number in range(N_TICKS):
        item_id = f"i{chance.randrange(N_ITEMS)}"
        timestamp = STARTED_AT + max(0.0, number * 3500 // N_TICKS - chance.choice([0, 0, 0, 100]))
        price = float(chance.randrange(1, 100))
        found.append(Interaction("u", item_id, timestamp, "trade", price, f"{seed}:{number}"))
        if number % 10 == 9:
            found.append(chance.choice(found))
    return found


def expected(events: Sequence[Interaction], item_id: str) -> list[Bar]:
    """Return an item's minutes by a plain account of each event once."""
    once = {event.event_id: event for event in events if event.item_id == item_id}
    by_minute: dict[int, list[Interaction]] = {}
    for event in sorted(once.values(), key=lambda event: event.timestamp):  # stable
        by_minute.setdefault(int(event.timestamp // 60) * 60, []).append(event)
    bars = []
    for minute, of_minute in by_minute.items():
        prices = [event.value or 0.0 for event in of_minute]
        bars.append(Bar(minute, prices[0], max(prices), min(prices), prices[-1], len(prices), sum(prices)))
    return bars


def keep(variables: dict[str, str]) -> None:
    os.environ.update(variables)
    from streamrec.cli.training.bars import history

    history()


def started(folder: Path) -> ForkServerProcess:
    variables = {
        "STREAMREC_EVENTS_URL": f"sqlite:///{folder}/events.db",
        "STREAMREC_STORE_URL": f"sqlite:///{folder}/store.db",
        "STREAMREC_CACHE_URL": f"sqlite:///{folder}/cache.db",
        "STREAMREC_ARTIFACTS_DIR": f"{folder}/artifacts",
        "STREAMREC_HISTORY_MAX_BATCH": "40",
        "STREAMREC_HISTORY_CHECKPOINT_INTERVAL_S": "0.05",
        "STREAMREC_HISTORY_PUBLISH_INTERVAL_S": "0.02",
        "STREAMREC_HISTORY_LEASE_DURATION_S": "0.2",
        "STREAMREC_HISTORY_MAX_ITEMS": "50",
        "STREAMREC_LOG_LEVEL": "ERROR",
    }
    process = processes.Process(target=keep, args=(variables,))
    process.start()
    return process


def end(process: ForkServerProcess, number: signal.Signals) -> None:
    assert process.pid is not None
    os.kill(process.pid, number)
    process.join(60)


def test_histories_survive_kills(tmp_path: Path) -> None:
    events = ticks(seed=1)
    messages = [Message("u", encode_event(event)) for event in events]
    sink = SqliteEventSink(tmp_path / "events.db")
    source = SqliteEventSource(tmp_path / "events.db", [COMMANDS, INTERACTIONS], "history")
    chance = random.Random(2)
    size = len(messages) // (N_KILLS + 1)
    for number in range(N_KILLS):
        sink.append(INTERACTIONS, messages[number * size : (number + 1) * size])
        before = source.committed()
        process = started(tmp_path)
        if number % 2:
            eventually(lambda: source.committed() != before)  # noqa: B023  # asked before the next round
            time.sleep(chance.uniform(0.0, 0.1))  # in the middle of its work
        else:
            time.sleep(chance.uniform(0.05, 0.6))  # at its start, perhaps
        end(process, signal.SIGKILL)
    process = started(tmp_path)
    sink.append(INTERACTIONS, messages[N_KILLS * size :])
    sink.close()
    eventually(lambda: source.committed() == source.end_offsets())
    end(process, signal.SIGTERM)
    assert process.exitcode == 0
    source.close()
    cache = SqliteCache(tmp_path / "cache.db")
    for item_id in (f"i{item}" for item in range(N_ITEMS)):
        held = asyncio.run(cache.history(item_id))
        assert held is not None
        assert held.bars == expected(events, item_id)
    asyncio.run(cache.aclose())
