"""Logs, a cache and a keeper of histories over them, in memory but for the checkpoint."""

import asyncio
import json
from pathlib import Path
from typing import Any

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink, MemoryEventSource
from streamrec.adapters.memory.store import MemoryStore
from streamrec.bars.context import BarsProcess
from streamrec.bars.run import run_bars
from streamrec.bars.ticks import TickRules
from streamrec.domain.bars.bar import Bar
from streamrec.ports import COMMANDS, INTERACTIONS, CachePublisher, Message, Metrics
from streamrec.process.scoped_metrics import ScopedMetrics
from streamrec.process.stop import StopRequest
from streamrec.settings.processes import BarsSettings
from streamrec.telemetry import NullMetrics
from streamrec.wire import Command, encode_command
from tests.builders import WEIGHTS


class BarsWorld:
    """A second run over the same world is what a restart is."""

    def __init__(self, folder: Path, metrics: Metrics | None = None) -> None:
        self.folder = folder
        self.metrics = metrics or NullMetrics()
        self.log = MemoryEventLog()
        self.sink = MemoryEventSink(self.log)
        self.store = MemoryStore()
        self.cache = MemoryCache()
        self.publisher: CachePublisher = self.cache
        self.now = 1000.0

    def clock(self) -> float:
        """Return a time that goes on by itself, a millisecond at a look."""
        self.now += 0.001
        return self.now

    def send(self, *events: dict[str, Any] | bytes) -> None:
        """Append events, or what is none, to the stream."""
        payloads = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]
        self.sink.append(INTERACTIONS, [Message("key", payload) for payload in payloads])

    def command(self, name: Any, item_id: str) -> None:
        """Append a command about an item."""
        self.sink.append(COMMANDS, [Message(item_id, encode_command(Command(name, 1.0, "test")))])

    def process(self, n_polls: int, owner: str = "one", **settings: Any) -> BarsProcess:
        """Return a process that is told to stop after so many polls."""
        stop = StopRequest()
        return BarsProcess(
            open_source=lambda group: _StoppingSource(self, group, stop, n_polls),
            store=self.store,
            cache=self.publisher,
            metrics=ScopedMetrics(self.metrics, "history"),
            artifacts_dir=self.folder,
            rules=TickRules(WEIGHTS),
            settings=BarsSettings(**settings),
            stop=stop,
            clock=self.clock,
            owner=owner,
        )

    def run(self, n_polls: int = 1, **settings: Any) -> None:
        """Keep histories for some polls, and stop in good order."""
        run_bars(self.process(n_polls, **settings))

    def bars(self, item_id: str) -> list[Bar] | None:
        """Return an item's published minutes."""
        held = asyncio.run(self.cache.history(item_id))
        return None if held is None else held.bars


class _StoppingSource(MemoryEventSource):
    """Makes the request to stop when it is polled for the n-th time."""

    def __init__(self, world: BarsWorld, group: str, stop: StopRequest, n_polls: int) -> None:
        super().__init__(world.log, [COMMANDS, INTERACTIONS], group)
        self._stop = stop
        self._n_left = n_polls

    def poll(self, max_records: int, timeout_s: float) -> list[Any]:
        self._n_left -= 1
        if self._n_left <= 0:
            self._stop.is_stopping.set()
        return super().poll(max_records, min(timeout_s, 0.001))


def tick(item_id: str, timestamp: float, value: Any, **fields: Any) -> dict[str, Any]:
    """Return an event with a value."""
    return {"user_id": "u", "item_id": item_id, "timestamp": timestamp, "value": value, **fields}
