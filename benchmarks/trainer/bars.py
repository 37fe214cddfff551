"""Keeping the bars of 50,000 items on one core, with persistence.

Ticks stand in the log already, and the process does all that it does in service: reads, decodes, adds,
publishes to the hot cache, and checkpoints an hour of every item. Once on the embedded logs and cache, once
from records in memory and without a cache: what the process itself costs. Each run is a process of its own,
which goes on from a checkpoint; the clock runs from the first tick to the last checkpoint. Shares are of the
wall clock; where other processes take the core, ticks per second of processor time say what one core does.
"""

import multiprocessing
import resource
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import numpy as np
import typer

from benchmarks import results_file
from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSource
from streamrec.adapters.memory.store import MemoryStore
from streamrec.adapters.opening import open_cache_publisher, open_event_sink, open_event_source
from streamrec.bars.checkpoint import NOTHING, BarsCheckpoint
from streamrec.bars.context import CHECKPOINT_FILE, BarsProcess
from streamrec.bars.run import run_bars
from streamrec.bars.ticks import TickRules
from streamrec.domain.bars.bar import BarsUpdate
from streamrec.domain.bars.minute_table import MinuteTable, Ticks
from streamrec.domain.events.weights import EventWeights
from streamrec.ports import INTERACTIONS, CachePublisher, EventSource, Message, Record
from streamrec.process.stop import StopRequest
from streamrec.settings.processes import BarsSettings
from streamrec.telemetry import configure_logging

N_ITEMS = 50_000
WINDOW = 60
STARTED_AT = 1.7e9
AT_ONCE = 20_000

T = TypeVar("T")


def main(
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file.")] = None,
    n_ticks: Annotated[int, typer.Option("--ticks", min=1)] = 1_500_000,
) -> None:
    """Measure ticks kept per second, and memory."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        _aside(partial(prepare, folder, n_ticks))
        results = {
            name: _aside(partial(measure, folder, n_ticks, is_embedded=name == "embedded"))
            for name in ("embedded", "in memory")
        }
    for name, result in results.items():
        shares = ", ".join(f"{stage} {share:.0%}" for stage, share in result["share_of_time"].items())
        print(
            f"{name:9}  {result['ticks_per_s']:>9,.0f} ticks/s, {result['ticks_per_cpu_s']:,.0f} a CPU second"
        )
        print(
            f"{'':9}  peak {result['peak_memory_mb']:.0f} MB; restart {result['restart_s']:.1f} s; {shares}"
        )
    results_file.write(json, results)


def _aside(call: Callable[[], T]) -> T:
    """Make a call in a process of its own, whose memory is its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(call).result()


def prepare(folder: Path, n_ticks: int) -> None:
    """Write a log of ticks, 50,000 for every second of their time, and a checkpoint of the hour before."""
    table = MinuteTable(WINDOW, N_ITEMS)
    item_ids = [f"item-{number}" for number in range(N_ITEMS)]
    for minute in range(-WINDOW, 0):
        times = np.full(N_ITEMS, STARTED_AT + 60.0 * minute)
        table.add(Ticks(item_ids, times, np.full(N_ITEMS, 10.0), times))
    BarsCheckpoint(folder / CHECKPOINT_FILE).write(table, NOTHING)
    chance = np.random.default_rng(1)
    sink = open_event_sink(_url(folder, "events"))
    for first in range(0, n_ticks, AT_ONCE):
        items = chance.integers(0, N_ITEMS, AT_ONCE).tolist()
        prices = np.round(chance.normal(10.0, 1.0, AT_ONCE), 2).tolist()
        users = chance.integers(0, 26, AT_ONCE).tolist()
        sink.append(
            INTERACTIONS,
            [
                Message(f"u{user}", _payload(f"u{user}", f"item-{item}", number, price))
                for number, (user, item, price) in enumerate(zip(users, items, prices, strict=True), first)
            ],
        )
    sink.close()


def _payload(user_id: str, item_id: str, number: int, price: float) -> bytes:
    event = {
        "user_id": user_id,
        "item_id": item_id,
        "timestamp": round(STARTED_AT + number / N_ITEMS, 3),
        "type": "trade",
        "value": price,
    }
    return msgspec.json.encode(event)


def measure(folder: Path, n_ticks: int, *, is_embedded: bool) -> dict[str, Any]:
    """Keep the bars of the whole log; return the figures."""
    configure_logging("ERROR", "benchmark")
    stop = StopRequest()
    stages = StageTimes(stop, n_ticks)
    copy = folder / "copy"
    copy.mkdir(exist_ok=True)
    shutil.copyfile(folder / CHECKPOINT_FILE, copy / CHECKPOINT_FILE)
    memory_before = _peak_mb()
    source: EventSource = open_event_source(_url(folder, "events"), [INTERACTIONS], "benchmark")
    cache: CachePublisher = open_cache_publisher(_url(copy, "cache"))
    if not is_embedded:
        source, cache = RecordsInMemory(source, n_ticks), NoCache()
    settings = BarsSettings(window=WINDOW, max_items=N_ITEMS)
    began = time.perf_counter()
    process = BarsProcess(
        lambda _group: source,
        store=MemoryStore(),
        cache=cache,
        metrics=stages,
        artifacts_dir=copy,
        rules=TickRules(EventWeights({})),
        settings=settings,
        stop=stop,
        clock=time.time,
    )
    run_bars(process)
    took_s, cpu_s = time.perf_counter() - stages.started, time.process_time() - stages.started_cpu
    return {
        "n_ticks": n_ticks,
        "restart_s": stages.started - began,
        "ticks_per_s": n_ticks / took_s,
        "ticks_per_cpu_s": n_ticks / cpu_s,
        "share_of_time": {name: round(s / took_s, 3) for name, s in stages.largest_first()},
        "peak_memory_mb": _peak_mb(),
        "peak_memory_before_mb": memory_before,
    }


def _url(folder: Path, name: str) -> str:
    return f"sqlite:///{folder / name}.db"


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class StageTimes:
    """Metrics that add up how long each stage took, and tell the process to stop at the end of the log."""

    def __init__(self, stop: StopRequest, n_records: int) -> None:
        self._stop = stop
        self._n_left = n_records
        self._total_s: defaultdict[str, float] = defaultdict(float)
        self.started = self.started_cpu = 0.0

    def count(self, name: str, n: int = 1) -> None:
        """Look whether that was all."""
        if name == "records":
            if not self.started:
                self.started, self.started_cpu = time.perf_counter(), time.process_time()
            self._n_left -= n
            if self._n_left <= 0:
                self._stop.is_stopping.set()

    def gauge(self, name: str, value: float) -> None:
        """Not needed here."""

    def timing(self, name: str, duration_ms: float) -> None:
        """Add to the stage."""
        self._total_s[name.removeprefix("history.")] += duration_ms / 1000

    def largest_first(self) -> list[tuple[str, float]]:
        """Return the stages and their seconds."""
        return sorted(self._total_s.items(), key=lambda stage: -stage[1])


class RecordsInMemory(MemoryEventSource):
    """A log whose records are there already."""

    def __init__(self, source: EventSource, n_records: int) -> None:
        super().__init__(MemoryEventLog(), [INTERACTIONS], "benchmark")
        self._records: list[Record] = []
        while len(self._records) < n_records:
            self._records += source.poll(AT_ONCE, 1.0)
        self._n_read = 0

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return the next ones."""
        found = self._records[self._n_read : self._n_read + max_records]
        self._n_read += len(found)
        self._next[INTERACTIONS] = self._n_read
        return found


class NoCache(MemoryCache):
    """Takes what is published, and keeps none of it."""

    def publish_bars(self, update: BarsUpdate) -> None:
        """Drop it."""


if __name__ == "__main__":
    typer.run(main)
