"""The stream loop over a log in a file, with the smallest handler: it counts events by item."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from streamrec.adapters.memory.store import MemoryStore
from streamrec.adapters.opening import open_event_sink, open_event_source
from streamrec.domain.events.repeats import RecentIds
from streamrec.errors import LeaseLost, Unavailable
from streamrec.ports import COMMANDS, INTERACTIONS, EventSink, Message, Offsets
from streamrec.process.decoding import Batch
from streamrec.process.erasures import open_erasures
from streamrec.process.lease import LeaseKeeper
from streamrec.process.retries import LONGEST_PAUSE_S
from streamrec.process.stop import StopRequest
from streamrec.process.stream_loop import StreamContext, StreamLoop
from streamrec.telemetry import NullMetrics
from tests.builders import SteppingClock


class Settings(NamedTuple):
    max_batch: int = 3
    round_s: float = 60.0
    poll_timeout_s: float = 0.001
    status_interval_s: float = 0.5
    checkpoint_interval_s: float = 2.0


class Saved(NamedTuple):
    """A checkpoint."""

    counts: dict[str, int]
    event_ids: list[str]
    next_offsets: Offsets


class Outside:
    """What stays when a process dies: a log in a file, leases, what was published, the last checkpoint."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/events.db"
        self.store = MemoryStore()
        self.published: dict[str, int] = {}
        self.saved = Saved({}, [], {})


class Counting:
    """Publishes an item's count the round after it changed, as a slow store would have it."""

    is_over = False
    is_disk_full = False

    def __init__(self, outside: Outside, saved: Saved, repeats: RecentIds) -> None:
        self.outside, self.repeats = outside, repeats
        self.counts = Counter(saved.counts)
        self._waiting: set[str] = set()
        self.before_status: Callable[[], None] = lambda: None
        self.n_statuses = 0

    def handle(self, batch: Batch) -> None:
        for event in batch.events:
            self.counts[event.item_id] += 1
            self._waiting.add(event.item_id)

    def publish_if_due(self, now: float) -> None:
        if int(now) % 2:
            self.flush()

    def gauges(self, now: float) -> dict[str, float]:
        return {"n_items": float(len(self.counts))}

    def show_status(self, gauges: dict[str, float], now: float) -> None:
        assert gauges.keys() >= {"n_items", "lag_events"}
        self.before_status()
        self.n_statuses += 1

    @property
    def can_begin_checkpoint(self) -> bool:
        return not self._waiting

    def begin_checkpoint(self, next_offsets: Offsets) -> None:
        assert next_offsets

    def flush(self) -> None:
        self.outside.published |= {item_id: self.counts[item_id] for item_id in self._waiting}
        self._waiting.clear()

    def write_checkpoint(self, next_offsets: Offsets) -> None:
        if self.is_disk_full:
            raise Unavailable("the disk is full")
        counts = dict(self.counts)
        assert {item: self.outside.published[item] for item in counts} == counts, "published before"
        self.outside.saved = Saved(counts, self.repeats.oldest_first(), next_offsets)

    def finish(self) -> None:
        self.flush()


class Process:
    """One life of a process, from the last checkpoint on."""

    def __init__(self, outside: Outside, metrics: NullMetrics, owner: str = "one", **loop: Any) -> None:
        saved = outside.saved
        self.clock, self.stop = SteppingClock(1000.0), StopRequest()
        self.source = open_event_source(outside.url, [COMMANDS, INTERACTIONS], "counting")
        self.source.seek(saved.next_offsets)
        lease = LeaseKeeper(outside.store, "counting", owner, 9.0, self.clock)
        assert lease.acquire()
        repeats = RecentIds(100, saved.event_ids)
        erasures = open_erasures(outside.store, self.source, self.clock)
        context = StreamContext(self.source, erasures, repeats, lease, metrics, self.clock, self.stop)
        self.handler = Counting(outside, saved, repeats)
        self.loop = StreamLoop(context, self.handler, Settings(), **loop)

    def step(self, n: int = 1) -> None:
        for _ in range(n):
            self.clock.now += 1.0
            self.loop.step()


@pytest.fixture
def outside(tmp_path: Path) -> Outside:
    return Outside(tmp_path)


@pytest.fixture
def sink(outside: Outside) -> Iterator[EventSink]:
    with closing(open_event_sink(outside.url)) as sink:
        yield sink


def send(sink: EventSink, *item_ids: str, event_id: str | None = None) -> None:
    events = [{"user_id": "u", "item_id": item_id, "event_id": event_id} for item_id in item_ids]
    sink.append(INTERACTIONS, [Message("u", json.dumps(event).encode()) for event in events])


class _Crash(Exception):
    """The end of a process, without its leave."""


class CrashingMetrics(NullMetrics):
    """Ends the process at the n-th figure: between any two steps."""

    def __init__(self, n_figures: int) -> None:
        self._n_left = n_figures

    def count(self, name: str, n: int = 1) -> None:
        self._fall()

    def gauge(self, name: str, value: float) -> None:
        self._fall()

    def timing(self, name: str, duration_ms: float) -> None:
        self._fall()

    def _fall(self) -> None:
        self._n_left -= 1
        if not self._n_left:
            raise _Crash


@pytest.mark.parametrize("n_figures", [*range(1, 20), 26, 33, 41, 55])
def test_a_crash_at_any_point_skips_nothing_and_counts_nothing_twice(
    outside: Outside, sink: EventSink, n_figures: int
) -> None:
    send(sink, *"abcabca")
    send(sink, *"bb", event_id="a repeat")
    send(sink, *"cab")
    crashing = Process(outside, CrashingMetrics(n_figures))
    with pytest.raises(_Crash):
        crashing.step(100)
    crashing.source.close()
    restarted = Process(outside, NullMetrics())
    restarted.step(8)
    assert outside.published == outside.saved.counts == {"a": 4, "b": 4, "c": 3}
    assert restarted.source.committed()[INTERACTIONS] == {0: 12}
    restarted.source.close()


def test_a_disk_that_is_full_costs_a_checkpoint_and_nothing_else(outside: Outside, sink: EventSink) -> None:
    process = Process(outside, NullMetrics())
    process.handler.is_disk_full = True
    send(sink, *"ab")
    process.step(4)
    assert process.handler.counts == {"a": 1, "b": 1}
    assert outside.saved.next_offsets == {}
    assert process.source.committed() == {}
    process.handler.is_disk_full = False
    process.step(3)
    assert outside.saved.next_offsets[INTERACTIONS] == process.source.committed()[INTERACTIONS] == {0: 2}
    process.source.close()


def test_the_tail_is_read_when_told_to_stop_and_only_where_one_is_wanted(
    outside: Outside, sink: EventSink
) -> None:
    send(sink, *"abcde")
    without_tail = Process(outside, NullMetrics())
    without_tail.stop.is_stopping.set()
    without_tail.loop.run()
    without_tail.source.close()
    assert outside.published == {}
    with_tail = Process(outside, NullMetrics(), tail_s=30.0)
    with_tail.stop.is_stopping.set()
    with_tail.loop.run()
    with_tail.source.close()
    assert outside.saved.counts == dict.fromkeys("abcde", 1)


def test_a_handler_that_is_over_ends_the_loop_in_good_order(outside: Outside, sink: EventSink) -> None:
    send(sink, *"ab")
    process = Process(outside, NullMetrics(), tail_s=30.0)
    process.handler.is_over = True
    process.loop.run()
    process.source.close()
    assert outside.published == outside.saved.counts == {"a": 1, "b": 1}


def test_a_status_that_took_long_is_told_soon_again(outside: Outside, sink: EventSink) -> None:
    process = Process(outside, NullMetrics())
    process.handler.before_status = lambda: setattr(process.clock, "now", process.clock.now + 60.0)
    process.step()
    process.handler.before_status = lambda: None
    process.clock.now += LONGEST_PAUSE_S - 1.0
    process.step()
    process.source.close()
    assert process.handler.n_statuses == 2


def test_whoever_lost_its_lease_takes_nothing_in_any_more(outside: Outside, sink: EventSink) -> None:
    process = Process(outside, NullMetrics())
    process.step()
    assert outside.store.acquire("counting", "another", 9.0, process.clock.now + 60.0)
    send(sink, "a")
    process.clock.now += 60.0
    with pytest.raises(LeaseLost):
        process.step()
    process.source.close()
    assert process.handler.counts == {}


def test_a_state_that_no_checkpoint_holds_is_written_without_a_record_read(outside: Outside) -> None:
    held = Process(outside, NullMetrics())
    held.step(3)
    held.source.close()
    assert outside.saved.next_offsets == {}
    unheld = Process(outside, NullMetrics(), is_checkpointed=False, is_checkpoint_due=True)
    unheld.step()
    unheld.source.close()
    assert outside.saved.next_offsets == {COMMANDS: {0: 0}, INTERACTIONS: {0: 0}}
