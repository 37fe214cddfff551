import pytest

from streamrec.adapters.kafka.address import parse_kafka_url
from streamrec.adapters.kafka.truncation import readable_positions
from streamrec.errors import LogTruncated
from streamrec.ports import COMMANDS, INTERACTIONS, ITEM_VECTORS

PLACE = parse_kafka_url("kafka://me:s3cret@host/shop.")


def test_a_place_within_its_log_is_kept() -> None:
    for offset in (3, 5, 9):
        places = {(INTERACTIONS, 2): offset}
        assert readable_positions(places, {(INTERACTIONS, 2): 3}, {(INTERACTIONS, 2): 9}, PLACE) == places


def test_a_log_that_ends_before_its_place_is_truncated() -> None:
    with pytest.raises(LogTruncated, match=r"'shop.commands' \(partition 0\) ends at offset 9.*go on at 10"):
        readable_positions({(COMMANDS, 0): 10}, {(COMMANDS, 0): 0}, {(COMMANDS, 0): 9}, PLACE)


def test_unread_records_that_retention_deleted_are_counted_not_passed_over() -> None:
    with pytest.raises(
        LogTruncated, match="begins at offset 50, for its retention deleted 38 unread"
    ) as caught:
        readable_positions({(INTERACTIONS, 1): 12}, {(INTERACTIONS, 1): 50}, {(INTERACTIONS, 1): 90}, PLACE)
    assert "s3cret" not in str(caught.value)


def test_a_compacted_log_is_read_on_at_its_start() -> None:
    places = {(ITEM_VECTORS, 0): 12}
    readable = readable_positions(places, {(ITEM_VECTORS, 0): 50}, {(ITEM_VECTORS, 0): 90}, PLACE)
    assert readable == {(ITEM_VECTORS, 0): 50}


def test_a_compacted_log_can_be_too_short_as_well() -> None:
    with pytest.raises(LogTruncated, match="ends at offset 3"):
        readable_positions({(ITEM_VECTORS, 0): 4}, {(ITEM_VECTORS, 0): 0}, {(ITEM_VECTORS, 0): 3}, PLACE)
