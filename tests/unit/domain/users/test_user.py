"""State of a user as it stands in a store: what is missing is told of, not taken for nothing."""

from typing import Any

import msgspec
import numpy as np
import pytest

from streamrec.domain.events.stream_time import StreamTime
from streamrec.domain.users.user import UserState, state_of
from streamrec.errors import Damaged

STATE = UserState("u", "g1", b"\0\0\x80?", ("i1", "i2"), ("i8",), 3, 5.0)
FIELDS: dict[str, Any] = msgspec.structs.asdict(STATE)


def test_a_state_is_read_as_it_was_written() -> None:
    assert state_of(FIELDS) == STATE


@pytest.mark.parametrize("name", sorted(FIELDS.keys() - {"profile", "recent_at", "aging", "less"}))
def test_a_field_that_is_missing_is_named(name: str) -> None:
    with pytest.raises(Damaged, match=name):
        state_of({key: value for key, value in FIELDS.items() if key != name})


@pytest.mark.parametrize("name", ["profile", "recent_at", "aging"])
def test_a_document_of_before_there_was_a_field_is_whole(name: str) -> None:
    assert state_of({key: value for key, value in FIELDS.items() if key != name}) == STATE


AGING = UserState("u", "g1", bytes(8), ("i1",), recent_at=(100,), aging=np.array([2, 0.5], "<f2").tobytes())


@pytest.mark.parametrize("aging", [b"", bytes(2), bytes(6), np.array([np.nan, 0.5], "<f2").tobytes()])
def test_how_a_vector_ages_is_told_by_as_many_numbers_as_it_has(aging: bytes) -> None:
    with pytest.raises(Damaged, match="ages"):
        state_of(msgspec.structs.asdict(AGING) | {"aging": aging})


def test_a_vector_ages_with_the_time_since_the_newest_choice() -> None:
    def first_at(now: float) -> float:
        vector = AGING.vector_at(StreamTime(now, scale_s=10.0))
        assert vector is not None
        return float(np.frombuffer(vector, "<f4")[0])

    assert [first_at(at) for at in (0.0, 100.0, 1e9)] == [0.0, 0.0, 2.0]
    assert 0 < first_at(105.0) < first_at(110.0) < 2
    assert msgspec.structs.replace(AGING, aging=None).vector_at(StreamTime(1e9)) == AGING.vector
    assert msgspec.structs.replace(AGING, recent_at=()).vector_at(StreamTime(1e9)) == AGING.vector
