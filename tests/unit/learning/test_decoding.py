from streamrec.domain.events.repeats import RecentIds
from streamrec.learning.decoding import decode
from streamrec.ports import COMMANDS, INTERACTIONS, Record
from streamrec.wire import decode_rejected


def record(value: bytes | None, offset: int = 0, topic: str = INTERACTIONS) -> Record:
    return Record(topic, 0, offset, "key", value, 5.0)


def test_a_misfit_does_not_stop_its_neighbours() -> None:
    records = [
        record(b'{"user_id": "u", "item_id": "a"}', 0),
        record(b"garbage", 1),
        record(None, 2),
        record(b'{"user_id": "u", "item_id": "b"}', 3),
    ]
    decoded = decode(records, RecentIds(10))
    assert [event.item_id for event in decoded.events] == ["a", "b"]
    assert decoded.reasons == {"not_json": 1, "empty": 1}


def test_a_rejection_says_where_and_why_under_a_key_of_its_own() -> None:
    decoded = decode([record(b"\xffgarbage", 7)], RecentIds(10))
    (message,) = decoded.rejected
    assert message.key == "interactions-0-7"
    assert message.value is not None
    rejected = decode_rejected(message.value)
    assert (rejected.offset, rejected.reason, rejected.payload) == (7, "binary", "\ufffdgarbage")


def test_repeats_are_dropped_and_counted() -> None:
    event = record(b'{"user_id": "u", "item_id": "a", "event_id": "e1"}')
    repeats = RecentIds(10)
    first, second = decode([event, event], repeats), decode([event], repeats)
    assert (len(first.events), first.n_repeats) == (1, 1)
    assert (len(second.events), second.n_repeats) == (0, 1)


def test_events_without_an_id_are_never_repeats() -> None:
    event = record(b'{"user_id": "u", "item_id": "a"}')
    assert len(decode([event, event], RecentIds(10)).events) == 2


def test_a_long_payload_is_cut_in_the_rejection() -> None:
    decoded = decode([record(b"x" * 1_000_000)], RecentIds(10))
    assert decoded.rejected[0].value is not None
    rejected = decode_rejected(decoded.rejected[0].value)
    assert (rejected.reason, rejected.n_payload_bytes) == ("too_large", 1_000_000)
    assert len(rejected.payload) == 65536


def test_commands_are_told_from_events() -> None:
    command = record(b'{"name": "item_changed", "at": 1, "origin": "test"}', topic=COMMANDS)
    bad = record(b'{"name": "explode"}', topic=COMMANDS)
    decoded = decode([command, bad], RecentIds(10))
    assert [(keyed.key, keyed.command.name) for keyed in decoded.commands] == [("key", "item_changed")]
    assert decoded.reasons == {"bad_command": 1}
