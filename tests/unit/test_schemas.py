import json

import pytest
from jsonschema_rs import validator_for
from msgspec import UNSET

from streamrec.errors import InvalidEvent
from streamrec.ports import COMMANDS, INTERACTIONS
from streamrec.schemas import VERSIONS, path_of, schema_of
from streamrec.wire import decode_event

VERSION_1_EVENTS = [
    {"user_id": "u1", "item_id": "i1"},
    {"user_id": 7, "item_id": 3.5, "timestamp": "2024-01-01T00:00:00Z"},
    {"user_id": "u", "item_id": "i", "timestamp": 5, "type": "view", "value": "2.5", "event_id": "e"},
    {"user_id": "u", "item_id": "i", "value": None, "event_id": None, "added_later": {"x": 1}},
]
"""Records as senders of version 1 write them: every later version reads them."""


VERSION_2_EVENTS = [
    {"user_id": 41.0, "item_id": 7.0, "type": 2, "event_id": 7.0},
    {"user_id": "u", "item_id": "i", "timestamp": "2024-03-10 09:30:00 UTC", "type": 2.0},
]


VERSION_3_EVENTS = [
    {"user_id": "u", "item_id": "i", "request_id": "r-1"},
    {"user_id": "u", "item_id": "i", "event_id": None, "request_id": None},
]


@pytest.mark.parametrize("topic", VERSIONS)
def test_the_files_say_what_the_types_say(topic: str) -> None:
    written = json.loads(path_of(topic).read_text())
    assert written == schema_of(topic), "run `python -m streamrec.schemas`, and raise the version"


@pytest.mark.parametrize("event", VERSION_1_EVENTS)
def test_records_of_version_1_are_read_and_fit_the_schema(event: dict[str, object]) -> None:
    assert decode_event(json.dumps(event).encode(), 0.0).user_id == str(event["user_id"])
    assert validator_for(schema_of(INTERACTIONS)).is_valid(event)


@pytest.mark.parametrize("event", VERSION_2_EVENTS)
def test_records_of_version_2_are_read_and_fit_the_schema(event: dict[str, object]) -> None:
    assert decode_event(json.dumps(event).encode(), 0.0).type == "2"
    assert validator_for(schema_of(INTERACTIONS)).is_valid(event)


@pytest.mark.parametrize("event", VERSION_3_EVENTS)
def test_records_of_version_3_are_read_and_fit_the_schema(event: dict[str, object]) -> None:
    read = decode_event(json.dumps(event).encode(), 0.0).request_id
    assert read == ("r-1" if event["request_id"] else UNSET)
    assert validator_for(schema_of(INTERACTIONS)).is_valid(event)


MISFITS: list[dict[str, object]] = [
    {},
    {"user_id": "u"},
    {"user_id": "", "item_id": "i"},
    {"user_id": [], "item_id": "i"},
]
MISFITS += [{"user_id": "u", "item_id": "i", "request_id": wrong} for wrong in (7, "r" * 129)]


@pytest.mark.parametrize("event", MISFITS)
def test_schema_and_reader_refuse_the_same(event: dict[str, object]) -> None:
    assert not validator_for(schema_of(INTERACTIONS)).is_valid(event)
    with pytest.raises(InvalidEvent):
        decode_event(json.dumps(event).encode(), 0.0)


def test_commands_are_a_closed_list() -> None:
    validator = validator_for(schema_of(COMMANDS))
    assert validator.is_valid({"name": "promote", "at": 1.0, "origin": "x"})
    assert not validator.is_valid({"name": "explode", "at": 1.0, "origin": "x"})
