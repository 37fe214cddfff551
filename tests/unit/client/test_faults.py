"""Both clients against a server that resets, falls silent, breaks off and drips."""

import socket
import ssl
import threading
import time
from pathlib import Path

import pytest

from streamrec.client import Client, NotReached, RecommenderError, Retries, TimedOut, Unavailable
from tests.scripted_server import (
    PROBLEM,
    Deed,
    Request,
    answers,
    breaks_off,
    drips,
    drips_headers,
    is_silent,
    resets,
    scripted,
)
from tests.unit.client.conftest import Drive

OK = answers(200, b'{"status": "ok"}')
ACCEPTED = answers(202, b'{"accepted": 1}')
QUICK = Retries(first_pause_s=0.001)
PATIENCE_S = 120.0


@pytest.mark.parametrize("fault", [resets, breaks_off, answers(502), answers(503, PROBLEM)])
def test_a_request_is_repeated_until_it_is_answered(connect: Drive, fault: Deed) -> None:
    with scripted(fault, fault, OK, OK) as server:
        client = connect(server.url, retries=QUICK)
        assert client.liveness().status == "ok"
        assert client.liveness().status == "ok"
        assert [request.method for request in server.requests] == ["GET"] * 4


def test_events_are_repeated_as_the_same_events(connect: Drive) -> None:
    with scripted(resets, breaks_off, answers(429, PROBLEM, Retry_After="0"), ACCEPTED) as server:
        client = connect(server.url, retries=QUICK, api_key="secret")
        assert client.post_events({"user_id": "u", "item_id": "i"}).accepted == 1
        assert len(server.requests) == 4
        assert len({request.body for request in server.requests}) == 1
        assert b"event_id" in server.requests[0].body
        assert {request.headers["x-api-key"] for request in server.requests} == {"secret"}


@pytest.mark.parametrize("fault", [is_silent, drips, drips_headers])
def test_the_time_for_an_answer_holds_however_it_is_late(connect: Drive, fault: Deed) -> None:
    with scripted(fault) as server:
        client = connect(server.url)
        started = time.monotonic()
        with pytest.raises(TimedOut, match="no answer within 0.3 s"):
            client.within(0.3).liveness()
        assert 0.3 <= time.monotonic() - started < PATIENCE_S
        assert len(server.requests) <= 1  # it may not have been read yet


def test_a_connection_that_was_closed_meanwhile_is_made_anew(connect: Drive) -> None:
    def answers_and_closes(connection: socket.socket, request: object) -> None:
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"status": "ok"}')
        connection.close()

    with scripted(answers_and_closes) as server:
        client = connect(server.url, retries=QUICK)
        for _ in range(5):
            assert client.liveness().status == "ok"


def test_a_connection_that_is_closed_under_a_thread_wakes_it_at_once() -> None:
    asked, raised = threading.Event(), list[RecommenderError]()

    def says_nothing(connection: socket.socket, request: Request) -> None:
        asked.set()
        is_silent(connection, request)

    def ask() -> None:
        try:
            client.liveness()
        except RecommenderError as error:
            raised.append(error)

    with scripted(says_nothing) as server:
        client = Client(server.url, timeout_s=PATIENCE_S, retries=Retries(max_tries=1))
        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        assert asked.wait(PATIENCE_S)
        client.close()
        thread.join(PATIENCE_S / 2)
    (error,) = raised
    assert isinstance(error, NotReached)


def test_nobody_at_the_address(connect: Drive) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(NotReached, match=r"try 3\); check the client's URL"):
        connect(url, retries=Retries(max_tries=3, first_pause_s=0.001)).liveness()
    with pytest.raises(NotReached):
        connect("http://nobody.invalid", retries=Retries(max_tries=1)).liveness()


def test_another_protocol_at_the_address(connect: Drive) -> None:
    def speaks_tls(connection: socket.socket, request: object) -> None:
        connection.sendall(b"\x15\x03\x01\x00\x02\x02\x16")
        connection.close()

    with scripted(speaks_tls) as server, pytest.raises(NotReached):
        connect(server.url, retries=Retries(max_tries=1)).liveness()


def test_a_certificate_is_checked(connect: Drive, certificate: Path) -> None:
    of_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    of_server.load_cert_chain(certificate)
    with scripted(OK, over=of_server) as server:
        url = server.url.replace("http:", "https:")
        trusting = ssl.create_default_context(cafile=certificate)
        assert connect(url, ssl_context=trusting).liveness().status == "ok"
        with pytest.raises(NotReached, match="certificate"):
            connect(url, retries=Retries(max_tries=1)).liveness()


def test_an_answer_without_end_is_not_collected(connect: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamrec.client.address.MAX_ANSWER_BYTES", 1000)
    with (
        scripted(answers(200, b"x" * 2000)) as server,
        pytest.raises(NotReached, match="more than 1,000 bytes"),
    ):
        connect(server.url, retries=Retries(max_tries=1)).liveness()


def test_headers_and_targets_are_as_told(connect: Drive) -> None:
    with scripted(answers(503, PROBLEM)) as server:
        client = connect(f"{server.url}/rec/", retries=Retries(max_tries=1))
        with pytest.raises(Unavailable, match="the store does not answer"):
            client.similar_items("a/b", category=["x&y", "é"], k=3)
        (request,) = server.requests
        assert request.target == "/rec/v1/items/a%2Fb/similar?k=3&category=x%26y&category=%C3%A9"
        assert request.headers["host"] == server.url.removeprefix("http://")
        assert request.headers["user-agent"].startswith("streamrec-client/")
