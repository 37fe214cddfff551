import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from faiss_server.changes import ChangeApplier
from faiss_server.follower import ChangelogFollower
from faiss_server.generations import Generations
from faiss_server.kinds import ITEMS
from faiss_server.loader import GenerationLoader
from streamrec.adapters.faiss.index import FaissIndex
from streamrec.adapters.files.roles import SnapshotRoles, set_challenger
from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink, MemoryEventSource
from streamrec.domain.generations.roles import Promotion
from streamrec.errors import CorruptArtifact, InvalidInput, LogTruncated, UnknownId
from streamrec.ports import COMMANDS, ITEM_VECTORS, Message, Offsets, Record, Snapshot, VectorTable
from streamrec.telemetry import NullMetrics
from streamrec.wire import Command, VectorRecord, encode_command, encode_vector
from tests.builders import FIRST_LEASE

NOW = 5000.0
_LONG_S = 120.0


class House:
    """A loader with all that it needs, in memory and in a folder."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.log = MemoryEventLog()
        self.sink = MemoryEventSink(self.log)
        self.generations = Generations()
        self.loader = GenerationLoader(
            directory,
            self.generations,
            lambda topic: MemoryEventSource(self.log, [topic], "index"),
            NullMetrics(),
            lambda: NOW,
        )

    def snapshot(
        self, name: str, item_ids: list[str], offsets: Offsets | None = None, number: float = 1.0
    ) -> None:
        items = VectorTable(item_ids, np.full((len(item_ids), 2), number, np.float32))
        users = VectorTable(["u"], np.ones((1, 2), np.float32))
        write_snapshot(self.directory, Snapshot(name, items, users, offsets or {}, 1000.0, {}))
        set_current(self.directory, name)

    def publish(self, key: str, generation: str, numbers: list[float] | None = None) -> None:
        vector = np.array([1, 0] if numbers is None else numbers, "<f4").tobytes()
        value = encode_vector(VectorRecord(generation, vector, 2000.0))
        self.sink.append(ITEM_VECTORS, [Message(key, value)])

    def held(self, generation: str | None = None) -> set[str]:
        index = self.generations.get(generation).index_of(ITEMS)
        return set(index.search(np.ones(2, np.float32), 1000).ids)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.loader.close()


def eventually(is_true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _LONG_S
    while not is_true() and time.monotonic() < deadline:
        time.sleep(0.005)
    return is_true()


def test_without_a_snapshot_it_waits(house: House) -> None:
    house.loader.step()
    assert house.generations.served == ()
    house.snapshot("g1", ["a"])
    house.loader.step()
    assert house.held() == {"a"}


def test_a_challenger_is_kept_in_step_and_answers_at_once_when_it_is_promoted(house: House) -> None:
    for name, item_id in (("g2", "b"), ("g1", "a")):
        house.snapshot(name, [item_id])
    set_challenger(house.directory, "g2")
    house.loader.step()
    assert (house.held(), house.held("g2")) == ({"a"}, {"b"})
    house.publish("c", "g2")
    assert eventually(lambda: house.held("g2") == {"b", "c"})
    challenger = house.generations.get("g2")
    promotion = Promotion("promote", champion="g2", challenger="g1", at=1.0)
    SnapshotRoles(house.directory).begin(promotion, FIRST_LEASE)
    house.loader.step()
    assert house.generations.get().name == "g1"  # until all users have moved
    SnapshotRoles(house.directory).complete(promotion, FIRST_LEASE)
    house.loader.step()
    assert house.generations.get() is challenger
    assert house.generations.challenger is house.generations.get("g1")


def test_a_challenger_that_can_not_be_loaded_leaves_the_champion_answering(house: House) -> None:
    house.snapshot("g1", ["a"])
    (house.directory / "CHALLENGER").write_text("g2\n")
    with pytest.raises(UnknownId):
        house.loader.step()
    assert house.held() == {"a"}


def test_it_answers_only_when_it_has_read_all_since_the_snapshot(house: House) -> None:
    for number in range(5000):
        house.publish(f"i{number % 10}", "g1")
    house.snapshot("g1", ["a"])
    house.loader.step()
    assert house.held() == {"a", *(f"i{number}" for number in range(10))}


def test_reading_goes_on_where_the_snapshot_was_taken(house: House) -> None:
    house.publish("before", "g1")
    house.publish("after", "g1")
    house.snapshot("g1", ["a"], {ITEM_VECTORS: {0: 1}})
    house.loader.step()
    assert house.held() == {"a", "after"}


def test_later_changes_and_orders_are_followed(house: House) -> None:
    house.snapshot("g1", ["a", "b"])
    house.loader.step()
    house.publish("new", "g1")
    house.sink.append(COMMANDS, [Message("a", encode_command(Command("item_deleted", 4000.0, "test")))])
    assert eventually(lambda: house.held() == {"b", "new"})


def test_deletions_behind_the_snapshots_place_count_whatever_the_clocks_say(house: House) -> None:
    deletions = [Message(id_, encode_command(Command("item_deleted", 10.0, "test"))) for id_ in ("a", "b")]
    house.sink.append(COMMANDS, deletions)
    house.snapshot("g1", ["a", "b", "c"], {COMMANDS: {0: 1}})  # "a" came back before it was taken
    house.loader.step()
    assert house.held() == {"a", "c"}


def test_of_a_log_that_begins_anew_commands_are_told_by_their_time(house: House) -> None:
    house.sink.append(COMMANDS, [Message("a", encode_command(Command("item_deleted", 10.0, "test")))])
    house.snapshot("g1", ["a", "b"], {COMMANDS: {0: 9}})
    house.loader.step()
    assert house.held() == {"a", "b"}


def test_a_new_generation_takes_over_and_the_old_one_goes_on(house: House) -> None:
    house.snapshot("g1", ["a"])
    house.loader.step()
    house.publish("of-g2", "g2")
    house.snapshot("g2", ["b"])
    house.loader.step()
    assert (house.held(), house.held("g1")) == ({"b", "of-g2"}, {"a"})
    house.publish("late-g1", "g1")
    house.publish("late-g2", "g2")
    assert eventually(lambda: house.held("g1") == {"a", "late-g1"})
    assert eventually(lambda: house.held() == {"b", "of-g2", "late-g2"})


def test_the_third_generation_ends_the_first(house: House) -> None:
    for name in ("g1", "g2", "g3"):
        house.snapshot(name, [name])
        house.loader.step()
    assert [generation.name for generation in house.generations.served] == ["g3", "g2"]
    with pytest.raises(UnknownId):
        house.held("g1")


def test_going_back_needs_no_loading(house: House) -> None:
    house.snapshot("g1", ["a"])
    house.loader.step()
    before = house.generations.get()
    house.snapshot("g2", ["b"])
    house.loader.step()
    set_current(house.directory, "g1")
    house.loader.step()
    assert house.generations.get() is before
    assert house.held("g2") == {"b"}


def test_a_corrupt_snapshot_is_refused_and_the_old_one_stays(house: House) -> None:
    house.snapshot("g1", ["a"])
    house.loader.step()
    house.snapshot("g2", ["b"])
    path = house.directory / "g2" / "item_embeddings.npy"
    payload = path.read_bytes()
    path.write_bytes(payload[:-1])
    with pytest.raises(CorruptArtifact):
        house.loader.step()
    assert house.held() == {"a"}
    path.write_bytes(payload)
    house.loader.step()
    assert house.held() == {"b"}


def test_one_that_starts_on_a_damaged_snapshot_takes_the_previous_and_catches_up(house: House) -> None:
    house.snapshot("g1", ["a"])
    house.snapshot("g2", ["b"])
    house.publish("later", "g1")
    path = house.directory / "g2" / "item_embeddings.npy"
    payload = path.read_bytes()
    path.write_bytes(payload[:-1] + b"\xff")
    for _ in range(2):
        with pytest.raises(CorruptArtifact):
            house.loader.step()
        assert house.generations.get().name == "g1"
        assert house.held() == {"a", "later"}
    path.write_bytes(payload)
    house.loader.step()
    assert house.held() == {"b"}


def test_a_snapshot_with_numbers_that_can_not_be_ranked_is_refused(house: House) -> None:
    house.snapshot("g1", ["a"], number=float("nan"))
    with pytest.raises(InvalidInput):
        house.loader.step()
    assert house.generations.served == ()


def test_nonsense_in_current_is_refused(house: House) -> None:
    house.snapshot("g1", ["a"])
    house.loader.step()
    (house.directory / "CURRENT").write_text("../nonsense")
    with pytest.raises(CorruptArtifact):
        house.loader.step()
    assert house.held() == {"a"}


def test_a_log_that_was_replaced_since_the_snapshot_is_read_from_its_beginning(house: House) -> None:
    house.publish("first of the new log", "g1")
    house.snapshot("g1", ["a"], {ITEM_VECTORS: {0: 1000}})
    house.loader.step()
    assert house.held() == {"a", "first of the new log"}


class Forgetful(MemoryEventSource):
    """Says that its log was replaced as soon as it is told so."""

    is_replaced = False

    def poll(self, max_records: int, timeout_s: float) -> list[Record]:
        if self.is_replaced:
            self.is_replaced = False
            raise LogTruncated("the log ends before we do")
        return super().poll(max_records, timeout_s)


def test_a_log_that_is_replaced_meanwhile_is_read_from_its_beginning(house: House) -> None:
    index, opened = FaissIndex(2, np.ones((1, 2), np.float32)), []
    for topic in (ITEM_VECTORS, COMMANDS):
        opened.append(Forgetful(house.log, [topic], "index"))
    follower = ChangelogFollower(
        ChangeApplier(index, "g1", 1000.0, NullMetrics()), opened[0], opened[1], NullMetrics(), lambda: NOW
    )
    house.publish("a", "g1", [1.0, 0.0])
    follower.step(0.0)
    assert index.search(np.ones(2, np.float32), 10).ids == ["a"]
    index.delete(["a"])  # as if the new log were the first to bring it
    opened[0].is_replaced = True
    follower.step(0.0)
    follower.step(0.0)
    assert index.search(np.ones(2, np.float32), 10).ids == ["a"]


def test_the_statistics_say_how_far_it_is(house: House) -> None:
    house.snapshot("g1", ["a"])
    house.publish("b", "g1")
    house.publish("bad", "g1", [1.0])
    house.loader.step()
    follower = house.generations.get().parts[ITEMS].follower
    assert follower is not None
    stats = follower.stats()
    assert (stats.next_offsets, stats.lag) == ({ITEM_VECTORS: {0: 2}, COMMANDS: {0: 0}}, 0)
    assert (stats.staleness_s, stats.visible_after_s) == (3000.0, 3000.0)
    assert (stats.n_applied, stats.n_rejected, stats.is_caught_up) == (1, 1, True)


def test_a_log_that_fails_later_is_said_in_the_statistics(house: House) -> None:
    house.snapshot("g1", ["a"])
    house.loader.step()
    follower = house.generations.get().parts[ITEMS].follower
    assert follower is not None
    house.log.records[ITEM_VECTORS] = None  # type: ignore[assignment]
    assert eventually(lambda: follower.stats().problem is not None)
    assert house.held() == {"a"}
    house.log.records[ITEM_VECTORS] = []
    house.publish("b", "g1")
    assert eventually(lambda: house.held() == {"a", "b"})
    assert eventually(lambda: follower.stats().problem is None)


def test_maintenance_reaches_every_served_index(house: House) -> None:
    house.snapshot("g1", [f"i{number}" for number in range(20_001)])
    house.loader.step()
    assert house.generations.get().index_of(ITEMS).stats().kind == "ivf"
    house.snapshot("g2", ["b"])
    house.loader.step()
    house.generations.get("g1").index_of(ITEMS).delete([f"i{number}" for number in range(19_000)])
    house.loader.maintain()
    assert house.generations.get("g1").index_of(ITEMS).stats().kind == "flat"
