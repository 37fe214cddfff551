"""The real server: gunicorn, its worker and SQLite, beside a real index server."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.serving.stack import environment_of, locations_in, served
from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.adapters.opening import (
    open_cache_publisher,
    open_event_sink,
    open_event_source,
    open_trainer_store,
)
from streamrec.cli.export.tables import Exporting
from streamrec.cli.launch.local_servers import free_port
from streamrec.cli.service_call import Service
from streamrec.domain.users.user import UserState
from streamrec.errors import Unavailable
from streamrec.ports import (
    COMMANDS,
    INTERACTIONS,
    ITEM_VECTORS,
    Message,
    RankedItem,
    Snapshot,
    UserUpdates,
    VectorTable,
)
from streamrec.settings.processes import LocationSettings
from streamrec.wire import VectorRecord, encode_vector

GENERATION = "g1"
EMOJI = urllib.parse.quote("\U0001f3ac")


def populate(locations: LocationSettings) -> None:
    vectors = np.array([[row / 50, 0.0] for row in range(50)], np.float32)
    ids = ["a/b", *(f"i{row}" for row in range(1, 50))]
    users = VectorTable(["u"], np.ones((1, 2), np.float32))
    write_snapshot(
        locations.artifacts_dir, Snapshot(GENERATION, VectorTable(ids, vectors), users, {}, 0.0, {})
    )
    set_current(locations.artifacts_dir, GENERATION)
    store = open_trainer_store(locations.store_url)
    lease = store.acquire("trainer", "test", 10.0, time.time())
    assert lease is not None
    state = UserState("u", GENERATION, users.vectors[0].tobytes(), disliked=("i49",))
    store.publish_users(UserUpdates([state], [("u", "i48", 1.0)]), lease)
    store.close()
    cache = open_cache_publisher(locations.cache_url)
    cache.publish_popular({"recent": [RankedItem("i47", 1.0)]})
    cache.close()


@pytest.fixture(scope="module")
def locations(tmp_path_factory: pytest.TempPathFactory) -> LocationSettings:
    made = locations_in(tmp_path_factory.mktemp("stack"), free_port())
    populate(made)
    return made


@pytest.fixture(scope="module")
def url(locations: LocationSettings) -> Iterator[str]:
    port = free_port()
    settings = ["-c", "python:recommender_server.gunicorn_settings"]
    # Processes that look at files and train on them would take minutes here, and have tests of their own.
    own = {"STREAMREC_SERVER_TIMEOUT_S": "60", "STREAMREC_SERVER_MAX_UPLOAD_BYTES": "0"}
    environment = environment_of(locations) | own
    with served(settings, port, environment, path="/health/live"):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def index_served(locations: LocationSettings) -> Iterator[None]:
    port = urllib.parse.urlsplit(locations.index_url).port
    assert port is not None
    with served(["-c", "python:faiss_server.gunicorn_settings"], port, environment_of(locations)):
        yield


def readiness(url: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def get(url: str) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        assert error.headers["Content-Type"] == "application/problem+json"
        return error.code, json.load(error)


def send(method: str, url: str, body: object) -> int:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        status: int = answer.status
        return status


def test_without_an_index_the_answer_is_degraded_and_with_one_it_is_personal(
    url: str, locations: LocationSettings
) -> None:
    status, health = readiness(url)
    assert (status, health["status"], health["parts"]["store"]) == (503, "not ready", "ok")
    assert locations.index_url in health["parts"]["index"]
    status, answer = get(f"{url}/v1/recommendations?user_id=u&k=2")
    assert (status, answer["degraded"], answer["based_on"]) == (200, True, "popular_items")
    assert [item["item_id"] for item in answer["items"]] == ["i47"]
    with pytest.raises(Unavailable, match="without one of its parts"):
        list(Exporting(locations, Service(url, timeout_s=60.0), 2).lists().rows)
    with index_served(locations):
        assert readiness(url)[1]["status"] == "ok"
        status, answer = get(f"{url}/v1/recommendations?user_id=u&k=2")
        assert (status, answer["degraded"], answer["generation"]) == (200, False, GENERATION)
        assert [item["item_id"] for item in answer["items"]] == ["i47", "i46"]
        assert get(f"{url}/v1/items/a%2Fb/similar?k=1")[0] == 200
        the_answer_is_filtered_shaped_explained_and_paged(url)
    status, health = readiness(url)
    assert (status, health["status"]) == (200, "degraded")


def test_an_index_in_the_process_answers_as_the_service_does(locations: LocationSettings) -> None:
    port = free_port()
    settings = ["-c", "python:recommender_server.gunicorn_settings"]
    environment = environment_of(locations) | {
        "STREAMREC_SERVER_TIMEOUT_S": "60",
        "STREAMREC_INDEX_URL": "inproc:",
    }
    url = f"http://127.0.0.1:{port}"
    with served(settings, port, environment, path="/health/live") as process:
        deadline = time.monotonic() + 120
        while readiness(url)[1]["parts"]["index"] != "ok":
            assert time.monotonic() < deadline, readiness(url)
            time.sleep(0.1)
        status, answer = get(f"{url}/v1/recommendations?user_id=u&k=2")
        assert (status, answer["degraded"], answer["generation"]) == (200, False, GENERATION)
        assert [item["item_id"] for item in answer["items"]] == ["i47", "i46"]
        assert get(f"{url}/v1/items/a%2Fb/similar?k=1")[0] == 200
        the_answer_is_filtered_shaped_explained_and_paged(url)
        lists = list(Exporting(locations, Service(url, timeout_s=60.0), 7).lists().rows)
        served_now = get(f"{url}/v1/recommendations?user_id=u&k=7")[1]["items"]
        assert [row[:3] for row in lists if row[0] == "u"] == [
            ("u", rank, item["item_id"]) for rank, item in enumerate(served_now, start=1)
        ]
        # What is published to the log shows in the lists without another process.
        sink = open_event_sink(locations.vectors_url)
        vector = VectorRecord(GENERATION, np.array([9.0, 0.0], "<f4").tobytes(), time.time())
        sink.append(ITEM_VECTORS, [Message("brand new", encode_vector(vector))])
        sink.close()
        deadline = time.monotonic() + 60
        while "brand new" not in [
            item["item_id"] for item in get(f"{url}/v1/recommendations?user_id=u&k=5")[1]["items"]
        ]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=60) == 0


def the_answer_is_filtered_shaped_explained_and_paged(url: str) -> None:
    ask = f"{url}/v1/recommendations?user_id=u"
    _, answer = get(f"{ask}&only_ids=a%2Fb&only_ids=i9&only_ids=i49&exclude_ids=i9&only_ids=new&explain=true")
    assert [(item["item_id"], item["source"]) for item in answer["items"]] == [
        ("a/b", "gmf"), ("new", "listed"),
    ]  # fmt: skip
    assert sum(answer["items"][0]["explanation"]["sources"].values()) == pytest.approx(
        answer["items"][0]["score"]
    )
    status, mixed = get(f"{ask}&k=5&diversity=0.5&max_per_category=2&min_score=0.0001")
    assert (status, mixed["degraded"], len(mixed["items"])) == (200, False, 5)
    shown: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = get(f"{ask}&k=20&cursor={cursor}")[1]
        shown += [item["item_id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert len(shown) == len(set(shown)) == 48


def test_a_thousand_ids_go_into_a_request(url: str) -> None:
    ids = "&".join(f"only_ids=an-item-with-quite-a-long-id-{n:06}" for n in range(1000))
    status, answer = get(f"{url}/v1/recommendations?k=1000&{ids}")
    assert (status, len(answer["items"])) == (200, 1000)
    assert get(f"{url}/v1/recommendations?only_ids=one-more&{ids}")[0] == 400


def test_what_is_put_is_durable_and_announced(url: str, locations: LocationSettings) -> None:
    assert send("PUT", f"{url}/v1/items/a%2Fb", {"title": "slash"}) == 204
    assert send("PUT", f"{url}/v1/items/{EMOJI}", {"title": "emoji"}) == 204
    assert get(f"{url}/v1/items/a%2Fb")[1]["title"] == "slash"
    assert get(f"{url}/v1/items/{EMOJI}")[1]["item_id"] == "\U0001f3ac"
    assert send("POST", f"{url}/v1/events", {"user_id": "\U0001f3ac", "item_id": "a/b"}) == 202
    source = open_event_source(locations.events_url, [COMMANDS, INTERACTIONS], "test")
    keys = [(record.topic, record.key) for record in source.poll(100, 1.0)]
    source.close()
    assert (COMMANDS, "a/b") in keys
    assert (INTERACTIONS, "\U0001f3ac") in keys


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/v1/recommendations?k=1001", 400),
        ("/v1/recommendations?diversity=2", 400),
        ("/v1/recommendations?max_per_category=0", 400),
        ("/v1/recommendations?min_score=much", 400),
        ("/v1/recommendations?exclude_ids=", 400),
        ("/v1/recommendations?cursor=forged", 400),
        (f"/v1/items/{'x' * 30_000}", 400),
        (f"/v1/recommendations?user_id={'x' * 30_000}", 400),
        ("/v1/items/%FF", 400),
        ("/v1/users/nobody", 404),
    ],
)
def test_bad_input_is_a_problem_through_the_real_server(url: str, target: str, status: int) -> None:
    assert get(url + target)[0] == status


def test_a_megabyte_in_the_request_line_is_refused(url: str) -> None:
    answer = b""
    with (
        socket.create_connection(
            ("127.0.0.1", urllib.parse.urlsplit(url).port or 0), timeout=10
        ) as connection,
        contextlib.suppress(ConnectionError),
    ):  # it may hang up before it has read all
        connection.sendall(f"GET /v1/items/{'x' * 1_000_000} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        answer = connection.recv(1000)
    assert not answer or answer.startswith(b"HTTP/1.1 4")
    assert get(f"{url}/health/live")[0] == 200


@pytest.mark.parametrize("n_examples", [12, pytest.param(60, marks=pytest.mark.nightly)])
@pytest.mark.timeout(1800)
def test_schemathesis_finds_nothing_wrong(
    url: str, locations: LocationSettings, n_examples: int, tmp_path: Path
) -> None:
    # ASCII alone: the document counts characters, the server bytes. Emoji have tests of their own.
    # No schema tells a cursor that an answer gave, a condition, or the name of published lists from any other
    # text, nor that a URL holds 64 KiB and not a thousand ids of 256 bytes each: such values have tests of
    # their own as well.
    # All checks are made unless some are named, and by the command they would be made of batches, too.
    # Nor does a schema say that an experiment's control is one of its variants.
    config = tmp_path / "schemathesis.toml"
    config.write_text(
        '[generation]\ncodec = "ascii"\n[parameters]\n"query.cursor" = ""\n"query.variant" = ""\n'
        '"query.exclude_ids" = ["i1", "a/b"]\n"query.only_ids" = ["i2", "i3", "nobody"]\n'
        '"query.filter" = ["price<50"]\n[[operations]]\ninclude-name = "POST /v1/recommendations:batch"\n'
        "[operations.checks]\npositive_data_acceptance.enabled = false\n"
        '[[operations]]\ninclude-name = "PUT /v1/experiments/{experiment_id}"\n'
        "[operations.checks]\npositive_data_acceptance.enabled = false\n"
    )
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config),
        "run", f"{url}/openapi.json", "--max-examples", str(n_examples), "--seed", "1",
        "--phases", "examples,coverage,fuzzing", "--no-color",
    ]  # fmt: skip
    with index_served(locations):
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]


def test_the_server_stops_cleanly(locations: LocationSettings) -> None:
    port = free_port()
    settings = ["-c", "python:recommender_server.gunicorn_settings"]
    with served(settings, port, environment_of(locations), path="/health/live") as process:
        assert get(f"http://127.0.0.1:{port}/health/live")[0] == 200
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=60) == 0
