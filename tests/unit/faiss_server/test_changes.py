import numpy as np
import pytest

from faiss_server.changes import ChangeApplier
from streamrec.adapters.faiss.index import FaissIndex
from streamrec.domain.generations.changelog import changelog_key
from streamrec.ports import COMMANDS, ITEM_VECTORS, Record
from streamrec.telemetry import NullMetrics
from streamrec.wire import Command, VectorRecord, encode_command, encode_vector

CREATED_AT = 1000.0


@pytest.fixture
def index() -> FaissIndex:
    index = FaissIndex(2)
    index.upsert(["old"], np.array([[1, 1]], np.float32))
    return index


@pytest.fixture
def applier(index: FaissIndex) -> ChangeApplier:
    return ChangeApplier(index, "g", CREATED_AT, NullMetrics())


def a_vector(key: str, numbers: list[float] | None, at: float = 2000.0, generation: str = "g") -> Record:
    vector = None if numbers is None else np.array(numbers, "<f4").tobytes()
    return Record(ITEM_VECTORS, 0, 0, key, encode_vector(VectorRecord(generation, vector, at)), at)


def a_deletion(key: str, at: float) -> Record:
    return Record(COMMANDS, 0, 0, key, encode_command(Command("item_deleted", at, "test")), at)


def held(index: FaissIndex) -> set[str]:
    return set(index.search(np.ones(2, np.float32), 1000).ids)


def test_vectors_are_written_and_the_last_of_a_key_counts(index: FaissIndex, applier: ChangeApplier) -> None:
    records = [a_vector("a", [9, 9]), a_vector("b", [1, 0]), a_vector("a", [2, 0], at=2001.0)]
    applier.apply_vectors(records)
    assert index.search(np.array([1, 0], np.float32), 2).ids == ["a", "b"]
    assert index.search(np.array([1, 0], np.float32), 1).scores.tolist() == [2]
    assert applier.newest_published_at == 2001.0
    assert applier.n_applied == 2


def test_a_tombstone_and_a_missing_vector_delete(index: FaissIndex, applier: ChangeApplier) -> None:
    applier.apply_vectors([a_vector("a", [1, 0]), a_vector("b", [1, 0])])
    applier.apply_vectors([Record(ITEM_VECTORS, 0, 0, "a", None, 1.0), a_vector("b", None)])
    assert held(index) == {"old"}


def test_what_comes_after_a_tombstone_counts_also_in_one_batch(
    index: FaissIndex, applier: ChangeApplier
) -> None:
    tombstone = Record(ITEM_VECTORS, 0, 0, "a", None, 1.0)
    applier.apply_vectors([a_vector("a", [1, 0]), tombstone, a_vector("a", [3, 0])])
    assert held(index) == {"old", "a"}
    applier.apply_vectors([a_vector("a", [1, 0]), tombstone])
    assert held(index) == {"old"}


def test_records_of_another_generation_are_passed_over(index: FaissIndex, applier: ChangeApplier) -> None:
    applier.apply_vectors([a_vector("a", [1, 0], generation="h"), a_vector("old", None, generation="h")])
    assert held(index) == {"old"}
    assert applier.n_rejected == 0


@pytest.mark.parametrize("numbers", [[1], [1, 2, 3], [], [float("nan"), 0], [0, float("inf")], [1e30, 0]])
def test_a_vector_that_does_not_fit_is_rejected_and_the_others_are_not(
    index: FaissIndex, applier: ChangeApplier, numbers: list[float]
) -> None:
    applier.apply_vectors([a_vector("a", [1, 0]), a_vector("bad", numbers), a_vector("b", [1, 0])])
    assert held(index) == {"old", "a", "b"}
    assert applier.n_rejected == 1


@pytest.mark.parametrize("value", [b"", b"\xc1", b"[]", b"{}", b"\x93\xa1g\x01\x02"])
def test_a_record_that_is_none_is_rejected(index: FaissIndex, applier: ChangeApplier, value: bytes) -> None:
    bad = Record(ITEM_VECTORS, 0, 0, "a", value, 1.0)
    applier.apply_vectors([bad, a_vector("b", [1, 0])])
    assert held(index) == {"old", "b"}
    assert applier.n_rejected == 1


def test_an_ordered_deletion_takes_effect_at_once(index: FaissIndex, applier: ChangeApplier) -> None:
    applier.apply_commands([a_deletion("old", CREATED_AT + 1)])
    assert held(index) == set()


def test_an_order_older_than_the_snapshot_is_in_it_already(index: FaissIndex, applier: ChangeApplier) -> None:
    applier.apply_commands([a_deletion("old", CREATED_AT - 1)])
    assert held(index) == {"old"}


def test_an_older_vector_does_not_bring_a_deleted_item_back_but_a_newer_does(
    index: FaissIndex, applier: ChangeApplier
) -> None:
    applier.apply_commands([a_deletion("old", 3000.0)])
    applier.apply_vectors([a_vector("old", [1, 0], at=2999.0)])
    assert held(index) == set()
    applier.apply_vectors([a_vector("old", [1, 0], at=3001.0)])
    assert held(index) == {"old"}


def test_other_commands_are_none_of_its_business(index: FaissIndex, applier: ChangeApplier) -> None:
    for name in ("item_changed", "user_erased", "promote", "rollback"):
        command = Command(name, 3000.0, "test")
        applier.apply_commands([Record(COMMANDS, 0, 0, "old", encode_command(command), 0.0)])
    assert held(index) == {"old"}


@pytest.mark.parametrize("value", [None, b"", b"{", b'{"name": "explode", "at": 1, "origin": "x"}'])
def test_an_order_that_is_none_is_rejected(
    index: FaissIndex, applier: ChangeApplier, value: bytes | None
) -> None:
    applier.apply_commands([Record(COMMANDS, 0, 0, "old", value, 0.0)])
    assert held(index) == {"old"}
    assert applier.n_rejected == 1


def test_a_record_that_names_its_item_is_about_that_one(index: FaissIndex, applier: ChangeApplier) -> None:
    def named(item_id: str, numbers: list[float] | None) -> Record:
        vector = None if numbers is None else np.array(numbers, "<f4").tobytes()
        value = encode_vector(VectorRecord("g", vector, 2000.0, item_id))
        return Record(ITEM_VECTORS, 0, 0, f"1:{item_id}", value, 2000.0)

    applier.apply_vectors([named("a", [1, 0]), named("b", [1, 0]), a_vector("c", [1, 0])])
    assert held(index) == {"old", "a", "b", "c"}
    applier.apply_commands([a_deletion("b", 3000.0)])
    applier.apply_vectors([named("a", None), named("b", [1, 0])])  # b's was published before its deletion
    assert held(index) == {"old", "c"}


def a_tombstone(key: str) -> Record:
    return Record(ITEM_VECTORS, 0, 0, key, None, 1.0)


def test_a_tombstone_behind_its_announcement_adds_nothing(index: FaissIndex, applier: ChangeApplier) -> None:
    """That is of another generation here, which has the same key."""
    applier.apply_vectors([a_vector("old", None, generation="h"), a_tombstone("old")])
    assert held(index) == {"old"}
    applier.apply_vectors([a_vector("old", None)])
    applier.apply_vectors([a_vector("old", [1, 0]), a_tombstone("old")])
    assert held(index) == set(), "one alone is what compaction left of both"


@pytest.mark.parametrize("slot", [0, 1])
def test_a_tombstone_alone_counts_for_the_generation_whose_keys_are_such(
    index: FaissIndex, slot: int
) -> None:
    index.upsert(["1:old", "new"], np.array([[1, 1], [1, 1]], np.float32))
    applier = ChangeApplier(index, "g", CREATED_AT, NullMetrics(), slot=slot)
    keys = [changelog_key(id_, slot) for id_ in ("old", "1:old")]
    keys_of_the_other = [changelog_key("new", 1 - slot)]
    applier.apply_vectors([a_tombstone(key) for key in [*keys, *keys_of_the_other]])
    assert held(index) == {"new"}


def gathered(key: str, token: int = 0, commands_read: int | None = None, at: float = 2000.0) -> Record:
    vector = np.array([1, 0], "<f4").tobytes()
    record = VectorRecord("g", vector, at, None, token, commands_read)
    return Record(ITEM_VECTORS, 0, 0, key, encode_vector(record), at)


def test_a_trainer_that_lost_its_lease_writes_nothing_over(index: FaissIndex, applier: ChangeApplier) -> None:
    applier.apply_vectors([gathered("a", token=7)])
    stale = encode_vector(VectorRecord("g", None, 3000.0, None, 6))
    applier.apply_vectors(
        [gathered("b", token=6), gathered("c"), Record(ITEM_VECTORS, 0, 0, "a", stale, 1.0)]
    )
    assert held(index) == {"old", "a"}
    applier.apply_vectors([gathered("b", token=7), gathered("c", token=8)])
    assert held(index) == {"old", "a", "b", "c"}


@pytest.mark.parametrize("clock", [-1000.0, 0.0, 1e6])
def test_what_was_gathered_before_a_deletion_does_not_bring_the_item_back_whatever_the_clocks(
    index: FaissIndex, applier: ChangeApplier, clock: float
) -> None:
    deletion = a_deletion("a", at=2000.0)._replace(offset=41)
    applier.apply_commands([deletion])
    applier.apply_vectors([gathered("a", commands_read=41, at=2000.0 + clock)])
    assert held(index) == {"old"}
    applier.apply_vectors([gathered("a", commands_read=42, at=2000.0 + clock)])  # it was created again
    assert held(index) == {"old", "a"}


def test_a_token_that_no_lease_has_is_refused(index: FaissIndex, applier: ChangeApplier) -> None:
    applier.apply_vectors([gathered("a", token=2**60), gathered("b", token=1)])
    assert held(index) == {"old", "b"}
    assert applier.n_rejected == 1
