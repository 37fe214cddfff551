from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.times import MAX_TIMESTAMP_S
from streamrec.domain.events.values import NULL_MARKERS
from streamrec.domain.rows.id_map import IdMap
from streamrec.errors import InvalidEvent
from streamrec.wire import decode_event, encode_event

ids = st.text(min_size=1, max_size=64).filter(lambda text: text.isprintable() and len(text.encode()) <= 256)
ids = ids.filter(lambda text: text not in NULL_MARKERS)  # no id, or an id with a note: each has its own test
events = st.builds(
    Interaction,
    ids,
    ids,
    st.floats(0, MAX_TIMESTAMP_S, exclude_max=True),
    st.sampled_from(["view", "purchase", "🎬"]),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | ids,
    st.just(UNSET) | ids,
)


@given(events)
def test_an_event_survives_being_written(event: Interaction) -> None:
    assert decode_event(encode_event(event), 0.0) == event


@given(st.binary(max_size=300))
def test_any_bytes_are_an_event_or_have_a_reason(payload: bytes) -> None:
    try:
        event = decode_event(payload, 0.0)
    except InvalidEvent as error:
        assert error.reason
    else:
        assert 1 <= len(event.user_id.encode()) <= 256


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcdefgh"))))
def test_living_ids_have_rows_of_their_own(steps: list[tuple[bool, str]]) -> None:
    id_map = IdMap()
    kept: dict[str, int] = {}
    for is_added, id_ in steps:
        if is_added:
            row = id_map.add(id_)
            assert kept.setdefault(id_, row) == row
        elif id_ in kept:
            assert id_map.release(id_) == kept.pop(id_)
    assert len(set(kept.values())) == len(kept) == len(id_map)
    assert all(id_map.id_at(row) == id_ for id_, row in kept.items())
    assert id_map.n_rows <= 8
