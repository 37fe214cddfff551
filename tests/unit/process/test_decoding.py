from streamrec.domain.events.repeats import RecentIds
from streamrec.domain.generations.roles import PromotionRequest
from streamrec.ports import COMMANDS, INTERACTIONS, Record
from streamrec.process.decoding import decode_commands, decode_events
from streamrec.publishing.rejections import rejection
from streamrec.wire import decode_rejected


def record(value: bytes | None, offset: int = 0) -> Record:
    return Record(INTERACTIONS, 0, offset, "key", value, 5.0)


def test_an_invalid_record_does_not_stop_its_neighbours() -> None:
    records = [
        record(b'{"user_id": "u", "item_id": "a"}', 0),
        record(b"garbage", 1),
        record(None, 2),
        record(b'{"user_id": "u", "item_id": "b"}', 3),
    ]
    decoded = decode_events(records, RecentIds(10))
    assert [event.item_id for event in decoded.events] == ["a", "b"]
    assert [invalid.error.reason for invalid in decoded.invalid] == ["not_json", "empty"]


def test_a_rejection_says_where_and_why_under_a_key_of_its_own() -> None:
    decoded = decode_events([record(b"\xffgarbage", 7)], RecentIds(10))
    (message,) = map(rejection, decoded.invalid)
    assert message.key == "interactions-0-7"
    assert message.value is not None
    rejected = decode_rejected(message.value)
    assert (rejected.offset, rejected.reason, rejected.payload) == (7, "binary", "\ufffdgarbage")


def test_repeats_are_dropped_and_counted() -> None:
    event = record(b'{"user_id": "u", "item_id": "a", "event_id": "e1"}')
    repeats = RecentIds(10)
    first, second = decode_events([event, event], repeats), decode_events([event], repeats)
    assert (len(first.events), first.n_repeats) == (1, 1)
    assert (len(second.events), second.n_repeats) == (0, 1)


def test_events_without_an_id_are_never_repeats() -> None:
    event = record(b'{"user_id": "u", "item_id": "a"}')
    assert len(decode_events([event, event], RecentIds(10)).events) == 2


def test_a_long_payload_is_cut_in_the_rejection() -> None:
    decoded = decode_events([record(b"x" * 1_000_000)], RecentIds(10))
    message = rejection(decoded.invalid[0])
    assert message.value is not None
    rejected = decode_rejected(message.value)
    assert (rejected.reason, rejected.n_payload_bytes) == ("too_large", 1_000_000)
    assert len(rejected.payload) == 65536


def test_commands_are_sorted_by_who_acts_on_them() -> None:
    values = [
        b'{"name": "item_changed", "at": 1, "origin": "test"}',
        b'{"name": "explode"}',
        b'{"name": "user_erased", "at": 1, "origin": "test"}',
        b'{"name": "item_deleted", "at": 1, "origin": "test"}',
        b'{"name": "user_erased", "at": 1, "origin": "test", "is_marked": true}',
        b'{"name": "promote", "at": 7, "origin": "test"}',
    ]
    records = [Record(COMMANDS, 0, offset, f"k{offset}", value, 5.0) for offset, value in enumerate(values)]
    commands, invalid = decode_commands(records)
    assert [(keyed.key, keyed.command.name) for keyed in commands.of_items] == [
        ("k0", "item_changed"),
        ("k3", "item_deleted"),
    ]
    assert (commands.erased_users, commands.marked_erasures) == (["k2"], ["k4"])
    assert commands.promotions == [PromotionRequest("promote", "k5", 7)]
    assert commands.n == 5
    assert [(one.record.offset, one.error.reason) for one in invalid] == [(1, "bad_command")]
