from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink
from streamrec.datasets.event_collector import EventCollector
from streamrec.datasets.event_set import EventSet
from streamrec.datasets.files.read_report import ReadReport
from streamrec.datasets.position_file import PositionFile
from streamrec.datasets.replay import MAX_BATCH, Listener, Replay, due_at_rate, due_at_speed
from streamrec.domain.events.interaction import Interaction
from streamrec.errors import InvalidInput, Overloaded, Unavailable
from streamrec.ports import INTERACTIONS, Fence, Message
from streamrec.wire import decode_event


class StoppedClock:
    """Time that passes only while somebody sleeps, or where a test says so."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


class UnsteadySink(MemoryEventSink):
    """Fails as told before it accepts, and notes when each append came."""

    def __init__(self, log: MemoryEventLog, clock: StoppedClock, errors: Sequence[Exception] = ()) -> None:
        super().__init__(log)
        self._clock = clock
        self._errors = list(errors)
        self.appends: list[tuple[float, int]] = []

    def append(self, topic: str, messages: Sequence[Message], fence: Fence | None = None) -> None:
        if self._errors:
            raise self._errors.pop(0)
        self.appends.append((self._clock.now() - 1000.0, len(messages)))
        super().append(topic, messages)


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def log() -> MemoryEventLog:
    return MemoryEventLog()


def events_at(timestamps: Sequence[float]) -> EventSet:
    collector = EventCollector()
    for line, timestamp in enumerate(timestamps):
        collector.add(line, Interaction(f"u{line % 3}", f"i{line}", timestamp))
    return collector.finish("set", "hash", ReadReport())


def sent(log: MemoryEventLog) -> list[Interaction]:
    return [decode_event(record.value, 0.0) for record in log.records[INTERACTIONS]]


def test_all_events_arrive_in_order_keyed_by_user_at_a_steady_pace(
    clock: StoppedClock, log: MemoryEventLog
) -> None:
    events = events_at(range(100))
    sink = UnsteadySink(log, clock)
    assert Replay(events, due_at_rate(events, 50.0), sink, clock=clock).run() == 100
    assert sent(log) == list(events)
    assert [record.key for record in log.records[INTERACTIONS][:4]] == ["u0", "u1", "u2", "u0"]
    assert [n for _, n in sink.appends] == [1] * 100
    assert [at for at, _ in sink.appends] == pytest.approx(np.arange(100) / 50.0)


def test_high_rates_go_in_batches(clock: StoppedClock, log: MemoryEventLog) -> None:
    events = events_at(range(20_000))
    sink = UnsteadySink(log, clock)
    Replay(events, due_at_rate(events, 100_000.0), sink, clock=clock).run()
    assert len(log.records[INTERACTIONS]) == 20_000
    assert len(sink.appends) < 60
    assert max(n for _, n in sink.appends) <= MAX_BATCH
    assert sink.appends[-1][0] == pytest.approx(0.2, abs=0.01)


def test_at_speed_the_gaps_are_those_of_life_divided(clock: StoppedClock, log: MemoryEventLog) -> None:
    events = events_at([100.0, 100.0, 160.0, 400.0])
    sink = UnsteadySink(log, clock)
    Replay(events, due_at_speed(events, 10.0), sink, clock=clock).run()
    assert sink.appends == [(0.0, 2), (pytest.approx(6.0), 1), (pytest.approx(30.0), 1)]


def test_gaps_are_told_while_they_last_and_bounded_where_wanted(
    clock: StoppedClock, log: MemoryEventLog
) -> None:
    events = events_at([0.0, 1_700_000.0, 1_700_030.0])
    bounded = Replay(events, due_at_speed(events, 60.0, max_gap_s=5.0), UnsteadySink(log, clock), clock=clock)
    assert [bounded.left_s(position) for position in range(4)] == [5.5, 0.5, 0.0, 0.0]
    waits: list[float] = []
    assert bounded.run(0, Listener(on_wait=waits.append)) == 3
    assert waits[0] == pytest.approx(5.0)
    assert waits == sorted(waits[:10], reverse=True) + waits[10:]
    whole = Replay(events, due_at_speed(events, 60.0), MemoryEventSink(log), clock=clock)
    assert whole.left_s(0) == pytest.approx(1_700_030 / 60)


def test_a_log_that_does_not_answer_is_waited_for_with_growing_pauses_and_nothing_is_dropped(
    clock: StoppedClock, log: MemoryEventLog
) -> None:
    events = events_at(range(10))
    errors = [Unavailable("gone")] * 9 + [Overloaded("slowly", retry_after_s=3.0)]
    pauses: list[tuple[str, float]] = []
    listener = Listener(on_pause=lambda error, pause_s: pauses.append((str(error), pause_s)))
    Replay(events, due_at_rate(events, 50.0), UnsteadySink(log, clock, errors), clock=clock).run(0, listener)
    assert sent(log) == list(events)
    assert [pause_s for _, pause_s in pauses] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 3.0]
    assert pauses[0][0] == "gone"


def test_an_outage_is_made_up_for(clock: StoppedClock, log: MemoryEventLog) -> None:
    events = events_at(range(1000))
    sink = UnsteadySink(log, clock, [Unavailable("gone")] * 8)
    Replay(events, due_at_rate(events, 100.0), sink, clock=clock).run()
    assert sink.appends[-1][0] == pytest.approx(22.7, abs=0.1)  # the pauses, longer than the replay itself
    sink = UnsteadySink(MemoryEventLog(), clock, [Unavailable("gone")] * 5)
    started = clock.now()
    Replay(events, due_at_rate(events, 100.0), sink, clock=clock).run()
    assert clock.now() - started == pytest.approx(10.0, abs=0.1)  # 3.1 s of pauses, and still on time


def test_an_error_that_no_retry_helps_ends_the_replay_with_its_position_kept(
    clock: StoppedClock, log: MemoryEventLog, tmp_path: Path
) -> None:
    events = events_at(range(5))
    position_file = PositionFile(tmp_path / "position.json")
    sink = UnsteadySink(log, clock, [InvalidInput("refused")])
    with pytest.raises(InvalidInput):
        Replay(events, due_at_rate(events, 50.0), sink, position_file, clock).run(2)
    assert position_file.load() == 2


def test_a_stop_is_heard_and_the_next_run_goes_on_there(
    clock: StoppedClock, log: MemoryEventLog, tmp_path: Path
) -> None:
    events = events_at(range(100))
    position_file = PositionFile(tmp_path / "replay" / "position.json")
    assert position_file.load() is None
    replay = Replay(events, due_at_rate(events, 50.0), MemoryEventSink(log), position_file, clock)
    reached: list[int] = []
    listener = Listener(on_progress=reached.append, is_stopped=lambda: len(reached) >= 40)
    assert replay.run(0, listener) == 40
    assert position_file.load() == 40
    started = clock.now()
    assert replay.run(40) == 100
    assert sent(log) == list(events)
    assert clock.now() - started == pytest.approx(1.18)  # no waiting for what was already done
    assert position_file.load() == 100
    assert replay.run(100) == 100


def test_a_stop_ends_the_waiting_for_a_log(clock: StoppedClock, log: MemoryEventLog) -> None:
    events = events_at(range(3))
    pauses: list[float] = []
    listener = Listener(
        on_pause=lambda _, pause_s: pauses.append(pause_s), is_stopped=lambda: len(pauses) >= 3
    )
    sink = UnsteadySink(log, clock, [Unavailable("gone")] * 99)
    assert Replay(events, due_at_rate(events, 1.0), sink, clock=clock).run(0, listener) == 0
    assert len(pauses) == 3


def test_after_a_crash_a_second_at_most_is_repeated_under_the_same_ids(
    clock: StoppedClock, log: MemoryEventLog, tmp_path: Path
) -> None:
    events = events_at(range(500))
    position_file = PositionFile(tmp_path / "position.json")
    saved: list[tuple[int, int]] = []

    def note(position: int) -> None:
        saved.append((position, position_file.load() or 0))

    replay = Replay(events, due_at_rate(events, 100.0), MemoryEventSink(log), position_file, clock)
    replay.run(0, Listener(on_progress=note))
    assert all(position - on_disk <= 101 for position, on_disk in saved)
    replay.run(450)
    ids = [event.event_id for event in sent(log)]
    assert len(ids) == 550
    assert len(set(ids)) == 500


def test_a_damaged_position_is_none(tmp_path: Path) -> None:
    for content in (b"", b"{", b"[]", b'{"next_event": null}', b"\xff"):
        (tmp_path / "position.json").write_bytes(content)
        assert PositionFile(tmp_path / "position.json").load() is None
