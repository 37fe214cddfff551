"""Steps of a call: how often it is sent, after which pauses, and what is raised in the end."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

from streamrec.client import (
    Forbidden,
    InvalidRequest,
    NotFound,
    NotReached,
    RecommenderError,
    Retries,
    ServerFailed,
    TimedOut,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
)
from streamrec.client.attempts import PATIENT, Failure, Outcome, Pause, Reply, Send, attempts, retry_after_s
from streamrec.client.call import Call
from streamrec.client.calls.health import liveness, readiness
from streamrec.client.calls.items import delete_item
from streamrec.client.calls.own_data import train_on_files

T = TypeVar("T")

OK = Reply(200, {}, b'{"status": "ok"}')
BROKEN = Failure("ReadError", is_late=False)
LATE = Failure("ReadTimeout", is_late=True)
BUSY = Reply(
    503, {"x-request-id": "r1"}, b'{"title": "Service Unavailable", "detail": "no store", "status": 503}'
)


class World:
    """Answers with the outcomes in turn; each takes a second, by a clock that only this moves."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        self.now, self.pauses, self.left = 1e9, list[float](), list[float]()
        self._outcomes = list(outcomes)

    def run(self, call: Call[T], timeout_s: float = 100.0, retries: Retries = PATIENT) -> T:
        steps = attempts(call, timeout_s, retries, lambda: self.now, lambda: 1.0)
        step = next(steps)
        while True:
            outcome: Outcome = None
            if isinstance(step, Send):
                self.left.append(step.left_s)
                self.now += 1.0
                outcome = self._outcomes.pop(0)
            else:
                assert isinstance(step, Pause)
                self.pauses.append(step.for_s)
                self.now += step.for_s
            try:
                step = steps.send(outcome)
            except StopIteration as answered:
                answer: T = answered.value
                return answer


@pytest.mark.parametrize("failed", [BROKEN, BUSY, *(Reply(status, {}, b"") for status in (429, 502, 504))])
def test_it_is_sent_again_after_growing_pauses(failed: Outcome) -> None:
    world = World([failed, failed, failed, OK])
    assert world.run(liveness()).status == "ok"
    assert world.pauses == [0.1, 0.2, 0.4]
    assert world.left == pytest.approx([100.0, 98.9, 97.7, 96.3])


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (400, InvalidRequest), (401, Unauthorized), (403, Forbidden), (404, NotFound), (413, InvalidRequest),
        (418, InvalidRequest), (422, InvalidRequest), (500, ServerFailed), (302, UnexpectedAnswer),
    ],
)  # fmt: skip
def test_what_time_does_not_mend_is_not_sent_again(refusal: int, kind: type[RecommenderError]) -> None:
    world = World([Reply(refusal, {}, b"<html>" + b"x" * 1000)])
    with pytest.raises(kind) as raised:
        world.run(liveness())
    assert raised.value.status == refusal
    assert raised.value.is_lasting == (refusal != 500)
    assert len(raised.value.detail) <= 200
    assert world.pauses == []


def test_the_last_refusal_is_told_with_what_to_do() -> None:
    with pytest.raises(Unavailable) as raised:
        World([BUSY] * 3).run(liveness(), retries=Retries(max_tries=3))
    assert str(raised.value) == (
        "503 Service Unavailable: no store (request r1); try again later; "
        "Client.status() tells which part is away"
    )
    with pytest.raises(NotReached, match="ReadError, try 2"):
        World([BROKEN] * 2).run(liveness(), retries=Retries(max_tries=2))


def test_the_server_s_wish_is_a_pause_at_least_and_never_beyond_the_time() -> None:
    wish = Reply(429, {"retry-after": "7"}, b"")
    world = World([wish, OK])
    world.run(liveness())
    assert world.pauses == [7.0]
    with pytest.raises(Unavailable) as raised:
        World([wish]).run(liveness(), timeout_s=7.5)
    assert raised.value.retry_after_s == 7.0


def test_time_ends_it() -> None:
    world = World([BROKEN] * 6)
    with pytest.raises(NotReached):
        world.run(liveness(), timeout_s=2.5)
    assert world.left == pytest.approx([2.5, 1.4, 0.2])
    with pytest.raises(TimedOut, match="no answer within 5 s"):
        World([LATE]).run(liveness(), timeout_s=5.0)


def test_a_deletion_that_was_done_before_its_answer_got_lost_is_done() -> None:
    gone = Reply(404, {}, b"")
    World([BROKEN, gone]).run(delete_item("x"))
    with pytest.raises(NotFound):
        World([gone]).run(delete_item("x"))
    with pytest.raises(NotFound):
        World([BUSY, gone]).run(delete_item("x"))


def test_time_without_end_is_a_time_that_sockets_take() -> None:
    world = World([OK])
    world.run(liveness(), timeout_s=float("inf"))
    assert world.left == [31_536_000.0]


def test_a_training_is_not_started_twice() -> None:
    world = World([BROKEN])
    with pytest.raises(NotReached):
        world.run(train_on_files("g1"))
    assert world.pauses == []


def test_readiness_tells_also_of_a_server_that_is_not_ready() -> None:
    not_ready = Reply(503, {}, b'{"status": "not ready", "parts": {"store": "refused"}}')
    health = World([not_ready]).run(readiness())
    assert not health.is_ready
    with pytest.raises(Unavailable):
        World([Reply(503, {}, b"<html>")] * 2).run(readiness(), retries=Retries(max_tries=2))


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"status": 1}', b'{"status": "\xff"}'])
def test_an_answer_of_something_else_is_told(content: bytes) -> None:
    with pytest.raises(UnexpectedAnswer, match="compare the versions"):
        World([Reply(200, {}, content)]).run(liveness())


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("0", 0.0), ("120", 120.0), ("-1", None), ("1.5", None), ("9" * 400, None), ("", None),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30.0), ("Wed, 21 Oct 2015 07:27:00 GMT", 0.0),
        ("Wed, 99 Oct 2015 07:28:30 GMT", None), ("\u0663", None),
    ],
)  # fmt: skip
def test_wishes_are_read_as_seconds_or_dates_of_the_server(given: str, seconds: float | None) -> None:
    headers = {"retry-after": given, "date": "Wed, 21 Oct 2015 07:28:00 GMT"}
    assert retry_after_s(headers) == seconds


@pytest.mark.parametrize("draw", [lambda: 0.0, lambda: 0.999])
def test_pauses_are_bounded(draw: Callable[[], float]) -> None:
    pauses = [Retries().pause_s(n, draw) for n in range(1, 2000)]
    assert min(pauses) >= 0.0
    assert max(pauses) <= 2.0
