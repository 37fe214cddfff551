import numpy as np
import pytest

from streamrec.datasets.event_collector import EventCollector
from streamrec.datasets.event_set import EventSet
from streamrec.datasets.files.read_report import ReadReport
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import RETRACT

EVENTS = [
    Interaction("u2", "i1", 5.0, "view", 1.5),
    Interaction("u1", "i2", 3.0, "like", None, "own-id"),
    Interaction("u2", "i2", 3.0, "view", 0.0),
    Interaction("u3", "i1", 4.0, "view", None),
]


@pytest.fixture
def events() -> EventSet:
    collector = EventCollector()
    for line, event in enumerate(EVENTS, start=2):
        collector.add(line, event)
    return collector.finish("name", "hash", ReadReport(n_read=4))


def test_events_are_sorted_by_time_and_equal_times_keep_their_order(events: EventSet) -> None:
    assert [(e.user_id, e.timestamp) for e in events] == [("u1", 3.0), ("u2", 3.0), ("u3", 4.0), ("u2", 5.0)]
    assert [e.event_id for e in events] == ["own-id", "name:4", "name:5", "name:2"]
    assert [e.value for e in events] == [None, 0.0, None, 1.5]


def test_it_is_a_sequence_of_interactions(events: EventSet) -> None:
    as_list = list(events)
    assert len(events) == 4
    assert [events[i] for i in range(4)] == as_list
    assert events[-1] == as_list[-1]
    for wrong in (4, -5):
        with pytest.raises(IndexError):
            events[wrong]
    assert list(events[1:3]) == as_list[1:3]
    assert list(events[::2]) == as_list[::2]
    assert list(events[9:]) == []


def test_a_slice_shares_codes_and_lineage(events: EventSet) -> None:
    part = events[2:]
    assert isinstance(part, EventSet)
    assert part.users.names == events.users.names
    assert part.users.codes.tolist() == events.users.codes.tolist()[2:]
    assert part.users.tolist() == ["u3", "u2"]
    assert (part.content_hash, part.name) == ("hash", "name")
    assert np.shares_memory(part.timestamps, events.timestamps)


def test_long_sets_are_walked_whole() -> None:
    collector = EventCollector()
    for line in range(20_000):
        collector.add(line, Interaction("u", f"i{line}", float(line)))
    events = collector.finish("long", "", ReadReport())
    assert [e.item_id for e in events] == [f"i{line}" for line in range(20_000)]


def test_split_at_cuts_where_asked(events: EventSet) -> None:
    assert [events.split_at(fraction) for fraction in (0.0, 0.5, 1.0)] == [0, 2, 4]
    with pytest.raises(ValueError, match="between 0 and 1"):
        events.split_at(1.5)


def test_what_a_later_event_takes_back_is_left_out_with_that_event(events: EventSet) -> None:
    assert events.without_retracted() is events
    said = [("u", "a", "view"), ("u", "b", "view"), ("v", "a", "view"), ("u", "a", "dislike")]
    said += [("u", "a", RETRACT), ("u", "a", "view"), ("v", "b", RETRACT), ("w", "z", RETRACT)]
    collector = EventCollector()
    for line, (user_id, item_id, type_) in enumerate(said):
        collector.add(line, Interaction(user_id, item_id, float(line), type_))
    left = collector.finish("name", "", ReadReport()).without_retracted()
    assert [(e.user_id, e.item_id, e.timestamp) for e in left] == [
        ("u", "b", 1.0), ("v", "a", 2.0), ("u", "a", 5.0)
    ]  # fmt: skip
    assert not len(left[:0].without_retracted())
