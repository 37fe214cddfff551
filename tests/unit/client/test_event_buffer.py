"""Buffers of both clients: on a recommender that runs, on one that is away, and at the end of a process."""

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from streamrec.client import (
    AsyncClient,
    Bounds,
    BufferFull,
    Client,
    Event,
    EventBuffer,
    EventsRejected,
    InvalidRequest,
    NotDelivered,
    Retries,
)
from tests.scripted_server import PROBLEM, ScriptedServer, answers, breaks_off, resets, scripted
from tests.unit.client.conftest import Drive, Recommender
from tests.unit.client.test_client import appended

ROOT = Path(__file__).parents[3]
ONE = {"user_id": "u", "item_id": "i"}
QUICK = Retries(first_pause_s=0.001)
ONCE = Retries(max_tries=1)
ACCEPTED = answers(202, b'{"accepted": 1}')
SMALL = Bounds(max_bytes=5_000, max_age_s=0.01)
PATIENCE_S = 120.0


def items_in(server: ScriptedServer) -> list[str]:
    return [event["item_id"] for request in server.requests for event in msgspec.json.decode(request.body)]


def first_failure(buffer: Any) -> NotDelivered:
    """Wait until the recommender has not taken what is held."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            buffer.flush(0.05)
        except NotDelivered as error:
            if error.__cause__ is not None:
                return error
    raise AssertionError("nothing failed")


def test_many_events_arrive_in_their_order(connect: Drive, served: Recommender) -> None:
    n_before = len(appended(served))
    with connect(served.url).events(SMALL) as buffer:
        for number in range(1000):
            buffer.put(Event("u", f"item {number}", value=number / 2))
    arrived = appended(served)[n_before:]
    assert [event.item_id for event in arrived] == [f"item {number}" for number in range(1000)]
    assert len({event.event_id for event in arrived}) == 1000


def test_what_the_recommender_rejects_costs_itself_alone(connect: Drive, served: Recommender) -> None:
    told: list[tuple[Event, InvalidRequest]] = []
    wrong = [Event("u", "é" * 200), Event("u", "no number", value="x"), Event("x" * 257, "i")]
    n_before = len(appended(served))
    client = connect(served.url)
    with client.events(SMALL, lambda event, error: told.append((event, error))) as buffer:
        for number, event in enumerate(wrong):
            buffer.put(Event("u", f"before {number}"))
            buffer.put(event)
    assert [event.item_id for event in appended(served)[n_before:]] == ["before 0", "before 1", "before 2"]
    assert [event.item_id for event, _ in told] == ["é" * 200, "no number", "i"]
    assert all(error.status == 422 for _, error in told)
    with client.events(Bounds(max_age_s=1000.0)) as buffer:
        for event in wrong[:2]:
            buffer.put(event)
        with pytest.raises(EventsRejected, match="2 events were rejected"):
            buffer.flush(PATIENCE_S)


def test_faults_lose_and_repeat_nothing(connect: Drive) -> None:
    faults = (resets, answers(503, PROBLEM), breaks_off)
    with scripted(*faults, ACCEPTED, answers(413), answers(429, PROBLEM), ACCEPTED) as server:
        client = connect(server.url, retries=QUICK)
        with client.events(Bounds(max_events=4, max_age_s=0.0)) as buffer:
            for number in range(12):
                buffer.put(Event("u", str(number)))
            buffer.flush(PATIENCE_S)
        # What was answered by a fault came again, in the same order.
        assert list(dict.fromkeys(items_in(server))) == [str(number) for number in range(12)]


def test_what_is_not_delivered_is_given_back(connect: Drive) -> None:
    with scripted(answers(503, PROBLEM)) as server:
        client = connect(server.url, retries=ONCE)
        with client.events(SMALL) as buffer:
            for number in range(3):
                buffer.put(Event("u", str(number)))
            assert "the store does not answer" in str(first_failure(buffer))
            with pytest.raises(NotDelivered, match="the store does not answer") as raised:
                buffer.close(0.1)
        assert [event.item_id for event in raised.value.events] == ["0", "1", "2"]
        assert all(event.event_id for event in raised.value.events)
        with pytest.raises(RuntimeError, match="closed"):
            buffer.put(ONE)
    with scripted(ACCEPTED) as server, connect(server.url).events() as buffer:
        for event in raised.value.events:
            buffer.put(event)
    assert items_in(server) == ["0", "1", "2"]


def test_what_time_does_not_mend_is_told_at_once(connect: Drive) -> None:
    refuses = answers(401, b'{"title": "Unauthorized", "detail": "send a valid key"}')
    with scripted(refuses, ACCEPTED) as server:
        client = connect(server.url)
        with client.events(SMALL) as buffer:
            buffer.put(ONE)
            with pytest.raises(NotDelivered, match="send a valid key.*api_key"):
                buffer.flush(PATIENCE_S)
            buffer.flush(PATIENCE_S)  # the key was added meanwhile
        assert items_in(server) == ["i", "i"]


@pytest.mark.parametrize("when_full", ["wait", "raise"])
def test_a_full_buffer_takes_no_more(connect: Drive, when_full: Literal["wait", "raise"]) -> None:
    with scripted(answers(503, PROBLEM)) as server:
        client = connect(server.url, retries=ONCE)
        with client.events(Bounds(max_held=2, max_age_s=0.0, when_full=when_full)) as buffer:
            buffer.put(ONE)
            buffer.put(ONE)
            with pytest.raises(BufferFull, match="2 events are held"):
                buffer.put(ONE, timeout_s=0.2)
            with pytest.raises(NotDelivered):
                buffer.close(0.1)


def test_whoever_waits_for_room_gets_it() -> None:
    may_answer = threading.Event()
    blocked = threading.Event()

    def answers_when_told(connection: object, request: object) -> None:
        blocked.set()
        assert may_answer.wait(PATIENCE_S)
        ACCEPTED(connection, request)  # type: ignore[arg-type]

    with scripted(answers_when_told) as server, Client(server.url, timeout_s=PATIENCE_S) as client:
        with EventBuffer(client, Bounds(max_held=1, max_age_s=0.0)) as buffer:
            buffer.put(Event("u", "first"))
            assert blocked.wait(PATIENCE_S)
            putting = threading.Thread(target=buffer.put, args=(Event("u", "second"),))
            putting.start()
            may_answer.set()
            putting.join(PATIENCE_S)
            assert not putting.is_alive()
        assert items_in(server) == ["first", "second"]


def test_a_callback_that_fails_ends_the_buffer_and_is_heard_of(
    connect: Drive, served: Recommender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(event: Event, error: InvalidRequest) -> None:
        raise LookupError("no such table")

    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    with connect(served.url).events(Bounds(max_age_s=1000.0), fails) as buffer:
        buffer.put(Event("u", "no number", value="x"))
        buffer.put(Event("u", "after it"))
        with pytest.raises(NotDelivered) as raised:
            buffer.flush(PATIENCE_S)
        with pytest.raises(NotDelivered):
            buffer.close()
    assert isinstance(raised.value.__cause__, LookupError)


def test_the_end_of_a_process_delivers(served: Recommender) -> None:
    n_before = len(appended(served))
    script = f"""
from streamrec.client import Bounds, Client
buffer = Client({served.url!r}, timeout_s=60.0).events(Bounds(max_age_s=1000.0))
buffer.put({{"user_id": "u", "item_id": "the last"}})
raise SystemExit(3)
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False, timeout=200)
    assert ended.returncode == 3
    assert [event.item_id for event in appended(served)[n_before:]] == ["the last"]


def test_a_process_that_cannot_deliver_says_what_it_lost() -> None:
    script = """
import atexit
from streamrec.client import Bounds, Client, Retries
buffer = Client("http://127.0.0.1:9", retries=Retries(max_tries=1)).events(Bounds(max_age_s=0.0))
buffer.put({"user_id": "u", "item_id": "the last"})
atexit.unregister(buffer.close)
atexit.register(buffer.close, 0.2)
"""
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, cwd=ROOT, check=False, timeout=200, capture_output=True, text=True)
    assert "NotDelivered: 1 events wait for: " in ended.stderr


def test_a_fork_does_not_deliver_twice_and_is_told(served: Recommender) -> None:
    n_before = len(appended(served))
    script = f"""
import os, sys
from streamrec.client import Bounds, Client
buffer = Client({served.url!r}, timeout_s=60.0).events(Bounds(max_age_s=1000.0))
buffer.put({{"user_id": "u", "item_id": "of the parent"}})
if not os.fork():
    try:
        buffer.put({{"user_id": "u", "item_id": "of the child"}})
    except RuntimeError as error:
        assert "after the fork" in str(error)
        sys.exit(0)
    sys.exit(1)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False, timeout=200)
    assert ended.returncode == 0
    assert [event.item_id for event in appended(served)[n_before:]] == ["of the parent"]


async def test_an_async_buffer_wants_its_block(served: Recommender) -> None:
    async with AsyncClient(served.url) as client:
        buffer = client.events()
        with pytest.raises(RuntimeError, match="async with"):
            await buffer.put(ONE)
        await buffer.close()
