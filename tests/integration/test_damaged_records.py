"""A record that can't be read costs itself and nothing else, whoever reads the log."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from faiss_server.changes import ChangeApplier
from faiss_server.follower import ChangelogFollower
from streamrec.adapters.faiss.index import FaissIndex
from streamrec.adapters.sqlite.events import SqliteEventSink, SqliteEventSource
from streamrec.bars.context import BarsProcess
from streamrec.bars.run import run_bars
from streamrec.domain.events.erasure import NOTHING_VOID
from streamrec.learning.initial.past import events_of
from streamrec.ports import COMMANDS, INTERACTIONS, ITEM_VECTORS, EventSource, Message, Record
from streamrec.process.decoding import decode_commands
from streamrec.settings.processes import BarsSettings
from streamrec.telemetry import NullMetrics
from streamrec.wire import Command, VectorRecord, encode_command, encode_vector
from tests.bars_world import BarsWorld
from tests.builders import World
from tests.damage import RECORDS, event, spoil_log


class Counted(NullMetrics):
    """Keeps the sums of the counters."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def count(self, name: str, n: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + n


class Log:
    """Logs in a file, with good records before, between and after damaged ones."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "events.db"
        self.sink = SqliteEventSink(self.path)

    def spoil(self, topic: str, good: Callable[[int], Message]) -> tuple[int, int]:
        """Append; return how many of the records are good and how many are not."""
        damaged = list(RECORDS.values())
        for number, value in enumerate(damaged):
            self.sink.append(topic, [good(number), Message("x", value)])
        n_rows = spoil_log(self.path, topic)
        self.sink.append(topic, [good(len(damaged))])
        return len(damaged) + 1, len(damaged) + n_rows

    def source(self, *topics: str) -> SqliteEventSource:
        return SqliteEventSource(self.path, topics, "test")


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def good_event(number: int) -> Message:
    return Message("u", event("u", f"i{number}", value=1.0, timestamp=100.0 + number))


def good_deletion(number: int) -> Message:
    return Message(f"i{number}", encode_command(Command("item_deleted", 2000.0, "test")))


def good_vector(number: int) -> Message:
    vector = np.array([number, 1], "<f4").tobytes()
    return Message(f"i{number}", encode_vector(VectorRecord("g", vector, 2000.0)))


def test_the_trainer_learns_all_others_and_says_what_it_left_out(tmp_path: Path, log: Log) -> None:
    metrics = Counted()
    world = World(tmp_path, metrics)
    n_events, n_bad_events = log.spoil(INTERACTIONS, good_event)
    _, n_bad_commands = log.spoil(COMMANDS, lambda n: Message(f"gone{n}", good_deletion(n).value))
    world.source = log.source(COMMANDS, INTERACTIONS)
    trainer = world.trainer(max_batch=5)
    with capture_logs() as lines:
        trainer.step(20)
    assert trainer.state.counters.n_learned == n_events
    assert trainer.state.deleted_items == {f"gone{n}" for n in range(n_events)}
    n_rejected = n_bad_events + n_bad_commands
    assert trainer.state.counters.n_rejected == n_rejected
    assert sum(n for name, n in metrics.counts.items() if name.startswith("trainer.rejected.")) == n_rejected
    assert len(world.records("interactions.rejected")) == n_rejected
    said = [line for line in lines if line["event"] == "records_rejected"]
    assert said, "a line must tell of them"
    assert len(said) < n_rejected, "but not one for each"
    trainer.finish()


def test_the_keeper_of_bars_takes_all_others(tmp_path: Path, log: Log) -> None:
    n_events, n_bad = log.spoil(INTERACTIONS, good_event)
    world = BarsWorld(tmp_path, Counted())

    class Stopping(SqliteEventSource):
        def poll(self, max_records: int, timeout_s: float) -> list[Record]:
            records = super().poll(min(max_records, 5), 0.01)
            if not records:
                process.stop.is_stopping.set()
            return records

    def opened(_group: str) -> EventSource:
        return Stopping(log.path, [INTERACTIONS], "history")

    process: BarsProcess = world.process(1)
    process = BarsProcess(**(vars(process) | {"open_source": opened, "settings": BarsSettings()}))
    run_bars(process)
    assert all(world.bars(f"i{number}") for number in range(n_events))
    counts = world.metrics.counts  # type: ignore[attr-defined]
    assert (counts["history.ticks"], counts["history.ignored.malformed"]) == (n_events, n_bad)


def test_initial_training_from_the_stream_reads_all_others_and_says_how_many_not(log: Log) -> None:
    n_events, n_bad = log.spoil(INTERACTIONS, good_event)
    source = log.source(INTERACTIONS)
    source.seek({})
    with capture_logs() as lines:
        found = list(events_of(source, source.end_offsets(), NOTHING_VOID, {}))
    assert [one.item_id for one in found] == [f"i{n}" for n in range(n_events)]
    (line,) = [line for line in lines if line["event"] == "records_passed_over"]
    assert line["n"] == n_bad


@pytest.mark.parametrize("at_once", [1, 1000])
def test_an_index_applies_all_others_deletions_included(log: Log, at_once: int) -> None:
    n_vectors, n_bad_vectors = log.spoil(ITEM_VECTORS, good_vector)
    log.sink.append(ITEM_VECTORS, [good_vector(100)])
    n_commands, n_bad_commands = log.spoil(COMMANDS, good_deletion)
    metrics = Counted()
    index = FaissIndex(2)
    index.upsert(["old", "i100"], np.ones((2, 2), np.float32))
    applier = ChangeApplier(index, "g", 1000.0, metrics)
    # Of a compacted topic the last record of a key stands, so most damaged ones are gone; bring them all.
    spoiled = [Record(ITEM_VECTORS, 0, n, "old", value, 1.0) for n, value in enumerate(RECORDS.values())]
    for start in range(0, len(spoiled), at_once):
        applier.apply_vectors(spoiled[start : start + at_once])
    follower = ChangelogFollower(
        applier, log.source(ITEM_VECTORS), log.source(COMMANDS), metrics, lambda: 3000.0
    )
    while not follower.is_caught_up:
        follower.step(0.0)
    held = set(index.search(np.ones(2, np.float32), 1000).ids)
    assert held == {"old", "i100"}, "deleted were the others, whose vectors are older than the orders"
    n_rejected = len(RECORDS) + n_bad_commands + _n_left(log, ITEM_VECTORS) - n_vectors - 1
    assert applier.n_rejected == metrics.counts["index.rejected"] == n_rejected
    assert n_commands == n_vectors
    assert n_bad_vectors > 0


def _n_left(log: Log, topic: str) -> int:
    """Return how many records stand in a compacted topic that have a value."""
    source = log.source(topic)
    source.seek({})
    return sum(record.value is not None for record in source.poll(1000, 0.0))


@pytest.mark.parametrize("numbers", [[np.nan, 1], [np.inf, 1], [1e30, 1], [1], [1, 2, 3]])
def test_a_bad_vector_does_not_take_the_place_of_a_good_one_in_its_batch(numbers: list[float]) -> None:
    index = FaissIndex(2)
    applier = ChangeApplier(index, "g", 1000.0, NullMetrics())
    good, bad = np.array([3, 4], "<f4").tobytes(), np.array(numbers, "<f4").tobytes()
    records = [
        Record(ITEM_VECTORS, 0, n, "a", encode_vector(VectorRecord("g", vector, 2000.0 + n)), 1.0)
        for n, vector in enumerate([good, bad])
    ]
    applier.apply_vectors(records)
    assert index.vectors_of(["a"])[1].tolist() == [[3, 4]]
    assert (applier.n_rejected, applier.newest_published_at) == (1, 2000.0)


@pytest.mark.parametrize("at", [float("nan"), float("inf"), -1.0, 1e300])
def test_a_vector_of_no_moment_is_rejected(at: float) -> None:
    index = FaissIndex(2)
    applier = ChangeApplier(index, "g", 1000.0, NullMetrics())
    vector = np.ones(2, "<f4").tobytes()
    applier.apply_vectors(
        [Record(ITEM_VECTORS, 0, 0, "a", encode_vector(VectorRecord("g", vector, at)), 1.0)]
    )
    assert (len(index), applier.n_rejected, applier.newest_published_at) == (0, 1, None)


@pytest.mark.parametrize("key", ["", "x" * 257])
def test_a_command_about_no_id_is_rejected(key: str) -> None:
    record = Record(COMMANDS, 0, 0, key, encode_command(Command("item_deleted", 1.0, "x")), 1.0)
    commands, invalid = decode_commands([record])
    assert (commands.n, [one.error.reason for one in invalid]) == (0, ["bad_id"])


def test_an_order_of_a_year_that_nobody_lives_to_see_bans_no_item() -> None:
    index = FaissIndex(2)
    index.upsert(["a"], np.ones((1, 2), np.float32))
    applier = ChangeApplier(index, "g", 1000.0, NullMetrics())
    value = b'{"name": "item_deleted", "at": 1e300, "origin": "x"}'
    applier.apply_commands([Record(COMMANDS, 0, 0, "a", value, 1.0)])
    assert (len(index), applier.n_rejected) == (1, 1)


def test_a_log_in_memory_reads_the_same(tmp_path: Path) -> None:
    world = World(tmp_path)
    for value in RECORDS.values():
        world.send(value, event("u", "a"))
    trainer = world.trainer()
    trainer.step()
    assert trainer.state.counters.n_learned == len(RECORDS)
    document = asyncio.run(world.store.get_user("u"))
    assert document is not None
    trainer.finish()
