"""The trainer's health, as an orchestrator asks for it."""

import http.client
import json
import urllib.error
import urllib.request

import pytest

from streamrec.cli.launch.local_servers import free_port
from streamrec.cli.training.status_endpoint import serve_status
from streamrec.errors import ConfigurationError


def ask(address: str, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_live_at_once_and_ready_when_it_trains_or_stands_by() -> None:
    address = f"127.0.0.1:{free_port()}"
    status = serve_status(address)
    assert ask(address, "/health/live")[0] == 200
    for state, code in (
        ("starting", 503), ("waiting for a model", 503), ("standing by", 200), ("training", 200),
    ):  # fmt: skip
        status.state = state  # type: ignore[assignment]  # one of its words
        answered, body = ask(address, "/health/ready")
        assert (answered, json.loads(body)["trainer"]) == (code, state)
    assert ask(address, "/metrics")[0] == 404


def test_who_keeps_histories_says_so_under_its_own_name() -> None:
    address = f"127.0.0.1:{free_port()}"
    status = serve_status(address, "history")
    status.state = "following"
    answered, body = ask(address, "/health/ready")
    assert (answered, json.loads(body)["history"]) == (200, "following")
    with pytest.raises(ConfigurationError, match="STREAMREC_HISTORY_HEALTH_ADDRESS=nowhere"):
        serve_status("nowhere", "history")


def test_head_is_get_without_the_body() -> None:
    address = f"127.0.0.1:{free_port()}"
    serve_status(address)
    for path, code in (("/health/live", 200), ("/health/ready", 503), ("/metrics", 404)):
        connection = http.client.HTTPConnection(address, timeout=5)
        connection.request("HEAD", path)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (code, b"")
        if code != 404:
            assert int(answer.headers["Content-Length"]) > 0
            assert answer.headers["Cache-Control"] == "no-store"
        connection.close()


def test_without_an_address_nobody_listens() -> None:
    assert serve_status(None).state == "starting"


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:http", "127.0.0.1:99999", "256.0.0.1:1"])
def test_an_address_that_cannot_be_used_is_named(address: str) -> None:
    with pytest.raises(ConfigurationError, match=f"STREAMREC_TRAINER_HEALTH_ADDRESS={address}"):
        serve_status(address)


@pytest.mark.parametrize("address", ["[::]:{}", "[::1]:{}", "localhost:{}", ":{}", "0.0.0.0:{}"])
def test_every_kind_of_address_is_listened_on(address: str) -> None:
    port = free_port()
    serve_status(address.format(port))
    hosts = {"[::]:{}": ["[::1]", "127.0.0.1"], "[::1]:{}": ["[::1]"]}.get(address, ["127.0.0.1"])
    for host in hosts:
        if address != "localhost:{}":
            assert ask(f"{host}:{port}", "/health/live")[0] == 200
    if address == "localhost:{}":
        assert ask(address.format(port), "/health/live")[0] == 200


@pytest.mark.parametrize("address", ["[::1]", "[::1]:99999", "nowhere.invalid:80", "[fe80::zz]:80"])
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(ConfigurationError, match="STREAMREC_TRAINER_HEALTH_ADDRESS.*wanted is host:port or"):
        serve_status(address)
