"""State of a user as it stands in a store: what is missing is told of, not taken for nothing."""

from typing import Any

import msgspec
import pytest

from streamrec.domain.users.user import UserState, state_of
from streamrec.errors import Damaged

STATE = UserState("u", "g1", b"\0\0\x80?", ("i1", "i2"), ("i8",), 3, 5.0)
FIELDS: dict[str, Any] = msgspec.structs.asdict(STATE)


def test_a_state_is_read_as_it_was_written() -> None:
    assert state_of(FIELDS) == STATE


@pytest.mark.parametrize("name", sorted(FIELDS.keys() - {"profile", "recent_at"}))
def test_a_field_that_is_missing_is_named(name: str) -> None:
    with pytest.raises(Damaged, match=name):
        state_of({key: value for key, value in FIELDS.items() if key != name})


@pytest.mark.parametrize("name", ["profile", "recent_at"])
def test_a_document_of_before_there_was_a_field_is_whole(name: str) -> None:
    assert state_of({key: value for key, value in FIELDS.items() if key != name}) == STATE
