"""Events that wait: what leaves together, what is rejected, and that nothing is lost or changes its order."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamrec.client import Bounds, BufferFull, EventsRejected, InvalidRequest, Unavailable, Unsendable
from streamrec.client.call import Call
from streamrec.client.outbox import Outbox

NAMED = InvalidRequest("event 1: bad", status=422)
UNNAMED = InvalidRequest("bad", status=422)
TOO_LARGE = InvalidRequest("a body has at most 90 bytes", status=413)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def outbox(**bounds: float) -> tuple[Outbox, Clock]:
    clock = Clock()
    return Outbox(Bounds(**bounds), clock, lambda: 1.0), clock  # type: ignore[arg-type]


def put(box: Outbox, *item_ids: str) -> None:
    for item_id in item_ids:
        assert box.take(box.held_of({"user_id": "u", "item_id": item_id, "event_id": item_id}))


def items_in(call: object) -> list[str]:
    assert isinstance(call, Call)
    return [event["item_id"] for event in msgspec.json.decode(call.body or b"")]


def test_events_leave_together_once_they_are_many_or_old() -> None:
    box, clock = outbox(max_events=3, max_age_s=2.0)
    assert box.next_step() is None
    put(box, "a")
    clock.now = 0.5
    put(box, "b")
    assert box.next_step() == 1.5
    put(box, "c", "d")
    assert items_in(box.next_step()) == ["a", "b", "c"]
    box.accepted()
    assert box.next_step() == 2.0
    clock.now = 2.5
    assert items_in(box.next_step()) == ["d"]
    box.accepted()
    assert (box.next_step(), box.n_held) == (None, 0)


def test_a_flush_does_not_wait_for_others() -> None:
    box, _ = outbox(max_age_s=1000.0)
    put(box, "a")
    mark = box.flush()
    put(box, "b")
    assert items_in(box.next_step()) == ["a", "b"]
    assert not box.is_done(mark)
    box.accepted()
    assert box.is_done(mark)


def test_a_request_has_so_many_bytes_at_most() -> None:
    box, _ = outbox(max_bytes=120, max_age_s=0.0)
    put(box, "a", "b", "c", "d")
    sizes = []
    while isinstance(call := box.next_step(), Call):
        sizes.append(len(call.body or b""))
        box.accepted()
    assert len(sizes) == 2
    assert max(sizes) <= 120
    with pytest.raises(Unsendable, match="an event of"):
        box.held_of({"user_id": "u", "item_id": "i" * 200})


def test_a_full_box_says_so() -> None:
    box, _ = outbox(max_held=2, max_age_s=0.0)
    put(box, "a", "b")
    assert isinstance(box.next_step(), Call)  # on their way, they are held still
    assert not box.take(box.held_of({"user_id": "u", "item_id": "c"}))
    box.accepted()
    put(box, "c")
    raising = Outbox(Bounds(max_held=1, when_full="raise"), Clock())
    put(raising, "a")
    with pytest.raises(BufferFull, match="1 events are held"):
        put(raising, "b")


def test_what_failed_is_sent_again_after_a_pause() -> None:
    box, clock = outbox(max_age_s=0.0)
    put(box, "a")
    call = box.next_step()
    assert isinstance(call, Call)
    for pause in (0.5, 1.0, 2.0, 4.0, 5.0, 5.0):
        assert box.refused(Unavailable("no log")) is None
        assert box.next_step() == pytest.approx(pause)
        clock.now += pause + 1e-6
        again = box.next_step()
        assert isinstance(again, Call)
        assert again.body == call.body
    assert [event.item_id for event in box.not_delivered().events] == ["a"]
    box.accepted()
    assert box.error is None


def test_rejected_events_are_told_once() -> None:
    box, _ = outbox(max_age_s=0.0)
    put(box, "a", "b", "c")
    assert items_in(box.next_step()) == ["a", "b", "c"]
    box.refused(NAMED)
    assert items_in(box.next_step()) == ["a"]
    box.accepted()
    assert items_in(box.next_step()) == ["b"]
    rejected = box.refused(UNNAMED)
    assert rejected is not None
    assert rejected[0].item_id == "b"
    box.keep(rejected)
    assert items_in(box.next_step()) == ["c"]
    box.accepted()
    with pytest.raises(EventsRejected, match="1 events were rejected, the first because: bad") as raised:
        box.raise_rejected()
    assert raised.value.rejected[0][0].item_id == "b"
    box.raise_rejected()
    assert box.n_held == 0


def test_of_very_many_rejected_events_the_first_are_kept_and_all_are_counted() -> None:
    box, _ = outbox(max_age_s=0.0, max_events=1)
    put(box, *map(str, range(1100)))
    while isinstance(box.next_step(), Call):
        rejected = box.refused(UNNAMED)
        assert rejected is not None
        box.keep(rejected)
    assert "1,100 others were rejected" in str(box.not_delivered())
    with pytest.raises(EventsRejected, match="1,100 events were rejected") as raised:
        box.raise_rejected()
    assert len(raised.value.rejected) == 1000
    assert (box.n_held, raised.value.n_rejected) == (0, 1100)


def test_an_age_without_end_waits_for_a_full_request() -> None:
    box, _ = outbox(max_age_s=float("inf"), max_events=2)
    put(box, "a")
    assert box.next_step() == 3600.0
    put(box, "b")
    assert items_in(box.next_step()) == ["a", "b"]


@pytest.mark.parametrize(
    "bounds", [{"max_events": 0}, {"max_events": 10_001}, {"max_held": 0}, {"max_age_s": -1}]
)
def test_bounds_that_cannot_be_are_told(bounds: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="max_"):
        outbox(**bounds)


@settings(max_examples=150, deadline=None)
@given(
    bad=st.lists(st.booleans(), min_size=1, max_size=40),
    max_taken=st.integers(1, 12),
    max_events=st.integers(1, 15),
    names=st.sampled_from(["event {}: bad", "Expected `str` - at `$[{}].value`", "bad", "event 99: bad"]),
    fails=st.lists(st.booleans(), max_size=10),
)
def test_every_event_arrives_once_and_in_order_or_is_rejected(
    bad: list[bool], max_taken: int, max_events: int, names: str, fails: list[bool]
) -> None:
    box, clock = outbox(max_events=max_events, max_age_s=0.0)
    put(box, *(f"{number}{'!' * is_bad}" for number, is_bad in enumerate(bad)))
    arrived, rejected = list[str](), list[str]()
    while (step := box.next_step()) is not None:
        if isinstance(step, float):
            clock.now += step + 1e-6
            continue
        sent = items_in(step)
        wrong = [at for at, item_id in enumerate(sent) if item_id.endswith("!")]
        if fails and fails.pop():
            box.refused(Unavailable("later"))
        elif len(sent) > max_taken:
            box.refused(TOO_LARGE)
        elif wrong:
            told = box.refused(InvalidRequest(names.format(wrong[0]), status=422))
            rejected += [str(told[0].item_id)] if told else []
        else:
            arrived += sent
            box.accepted()
    assert arrived == [str(number) for number, is_bad in enumerate(bad) if not is_bad]
    assert rejected == [f"{number}!" for number, is_bad in enumerate(bad) if is_bad]
    assert box.n_held == 0
