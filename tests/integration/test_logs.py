"""What the processes say: in one format, joined by request ids, and without any secret."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from streamrec.cli.launch.local_servers import free_port
from tests.driven_system import Figure, figures_waiting

ROOT = Path(__file__).parents[2]
_START_S = 60.0
SECRET = "s3cretWord"
KEY = "the-right-key-s3cretWord"
WRONG_KEY = "a-wrong-key-s3cretWord"

GUNICORN = [sys.executable, "-m", "gunicorn", "-c"]


@contextmanager
def process(
    command: list[str], environment: dict[str, str], output: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in the output's folder until the end of the block."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with output.open("wb") as file:
        started = subprocess.Popen(
            command,
            cwd=output.parent,
            env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"} | environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    try:
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(30)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def eventually(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_S
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answer_of(url: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> tuple[int, str]:
    """Return status and text, headers included."""
    request = urllib.request.Request(url, data=body, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, f"{response.headers}{response.read().decode()}"
    except urllib.error.HTTPError as error:
        with error:
            return error.code, f"{error.headers}{error.read().decode()}"


def lines_of(output: Path) -> list[dict[str, Any]]:
    """Return the lines of a log; each has to be an object."""
    return [json.loads(line) for line in output.read_text("utf-8").splitlines()]


class Told(NamedTuple):
    """What a recommender and an index server said of one search that failed."""

    asked: list[dict[str, Any]]
    searched: list[dict[str, Any]]
    figures: set[Figure]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("two")
    index_port, port = free_port(), free_port()
    index = [*GUNICORN, "python:faiss_server.gunicorn_settings", "-b", f"127.0.0.1:{index_port}"]
    recommender = [*GUNICORN, "python:recommender_server.gunicorn_settings", "-b", f"127.0.0.1:{port}"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
        statsd.bind(("127.0.0.1", 0))
        settings = {
            "STREAMREC_LOG_LEVEL": "DEBUG",
            "STREAMREC_INDEX_URL": f"http://127.0.0.1:{index_port}",
            "STREAMREC_STATSD_URL": f"statsd://127.0.0.1:{statsd.getsockname()[1]}",
        }
        with (
            process(index, settings, folder / "index.log"),
            process(recommender, settings, folder / "recommender.log"),
        ):
            eventually(lambda: is_listening(index_port) and is_listening(port))
            eventually(lambda: answer_of(f"http://127.0.0.1:{port}/health/live")[0] == 200)
            url = f"http://127.0.0.1:{port}"
            status, answer = answer_of(f"{url}/v1/items/x/similar", {"X-Request-ID": "the-first-hop-1"})
            assert status == 503
            assert "the-first-hop-1" in answer
            assert "not a word" not in answer_of(f"{url}/v1/popular", {"X-Request-ID": "not a word"})[1]
        # The last figures leave when the processes end.
        figures = figures_waiting(statsd)
    return Told(lines_of(folder / "recommender.log"), lines_of(folder / "index.log"), figures)


def test_a_request_can_be_followed_from_the_recommender_to_the_index(told: Told) -> None:
    for lines, path in ((told.asked, "/v1/items/x/similar"), (told.searched, "/v1/search")):
        (line,) = [
            one for one in lines if one.get("request_id") == "the-first-hop-1" and one["event"] == "request"
        ]
        assert (line["path"], line["level"], line["status"]) == (path, "debug", 503)


def test_servers_libraries_write_in_the_format_too(told: Told) -> None:
    assert {line["service"] for line in told.asked} == {"recommender"}
    assert {line["service"] for line in told.searched} == {"index"}
    assert {line.get("logger") for line in told.asked} >= {"gunicorn.error", "uvicorn.error"}
    assert {line.get("logger") for line in told.searched} >= {"gunicorn.error"}
    assert all({"event", "level", "timestamp"} <= set(line) for line in told.asked + told.searched)


def test_both_processes_send_figures_to_the_statsd_that_is_named(told: Told) -> None:
    assert told.figures >= {
        Figure("c", "recommender.requests.similar.get.5xx"),
        Figure("ms", "recommender.latency.popular.get"),
        Figure("c", "index.requests.search.post.5xx"),
    }


def absent(scheme: str, port: int, rest: str = "") -> str:
    return f"{scheme}://me:{SECRET}@127.0.0.1:{port}{rest}"


def settings_with_secrets(folder: Path) -> dict[str, str]:
    """Return settings whose URLs all hold a password, of servers that are all away."""
    port = free_port()
    (folder / "keys").write_text(f"{KEY}\n")
    # The trainer goes on to the other servers once there is a model.
    (folder / "var/artifacts").mkdir(parents=True)
    (folder / "var/artifacts/CURRENT").write_text("g1\n")
    return {
        "STREAMREC_EVENTS_URL": absent(
            "kafka", port, "/x?security_protocol=SASL_PLAINTEXT&sasl_mechanism=PLAIN"
        ),
        "STREAMREC_STORE_URL": absent("mongodb", port, "/db"),
        "STREAMREC_CACHE_URL": absent("redis", port, "/0"),
        "STREAMREC_INDEX_URL": absent("http", port),
        "STREAMREC_STATSD_URL": absent("statsd", port),
        "STREAMREC_API_KEYS_FILE": str(folder / "keys"),
        "STREAMREC_LOG_LEVEL": "DEBUG",
    }


def ask_with_and_without_keys(url: str) -> list[str]:
    """Return all that the recommender answers to right and wrong keys, sent in each way."""
    answers = []
    for key in (KEY, WRONG_KEY):
        for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
            for path in (
                "/v1/recommendations?user_id=u",
                "/v1/users/u",
                "/v1/items/i/similar",
                "/v1/nowhere",
            ):
                answers.append(answer_of(url + path, headers)[1])
            json_type = {"Content-Type": "application/json"}
            body = b'{"user_id": "u", "item_id": "i"}'
            answers.append(answer_of(f"{url}/v1/events", headers | json_type, body)[1])
    return [*answers, answer_of(f"{url}/health/ready")[1], answer_of(f"{url}/health/live")[1]]


@pytest.mark.parametrize("fault", ["absent", "malformed"])
def test_no_secret_is_told(tmp_path: Path, fault: str) -> None:
    settings = settings_with_secrets(tmp_path)
    if fault == "malformed":
        # A scheme that nobody knows: the complaint about it quotes the URL.
        settings = {
            name: value.replace("://", "+odd://") if "://" in value else value
            for name, value in settings.items()
        }
    index_port, port, health_port = free_port(), free_port(), free_port()
    settings |= {"STREAMREC_TRAINER_HEALTH_ADDRESS": f"127.0.0.1:{health_port}"}
    commands = {
        "index": [*GUNICORN, "python:faiss_server.gunicorn_settings", "-b", f"127.0.0.1:{index_port}"],
        "recommender": [*GUNICORN, "python:recommender_server.gunicorn_settings", "-b", f"127.0.0.1:{port}"],
        "trainer": [sys.executable, str(ROOT / "incremental_training.py")],
        "initial": [sys.executable, str(ROOT / "initial_training.py"), "--from-stream"],
        "doctor": [sys.executable, "-m", "streamrec", "doctor", "--url", f"http://127.0.0.1:{port}"],
    }
    told = []
    with ExitStack() as stack:
        running = {
            name: stack.enter_context(process(command, settings, tmp_path / f"{name}.log"))
            for name, command in commands.items()
        }
        if fault == "absent":
            eventually(lambda: is_listening(port) and is_listening(index_port))
            told += ask_with_and_without_keys(f"http://127.0.0.1:{port}")
            told.append(answer_of(f"http://127.0.0.1:{index_port}/v1/stats", {"X-API-Key": KEY})[1])
            eventually(lambda: "127.0.0.1" in (tmp_path / "trainer.log").read_text("utf-8"))
        eventually(lambda: running["doctor"].poll() is not None)
        if fault == "malformed":
            eventually(lambda: all(one.poll() is not None for one in running.values()))
    for name in commands:
        output = (tmp_path / f"{name}.log").read_text("utf-8")
        assert output, name
        told.append(f"{name}: {output}")
    if fault == "absent":
        assert {line["service"] for line in lines_of(tmp_path / "trainer.log")} == {"trainer"}
    assert [text for text in told if SECRET in text] == []
