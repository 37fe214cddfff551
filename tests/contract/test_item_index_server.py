"""The real index server as a process: swaps, followed logs, and what arrives as raw bytes."""

import asyncio
import http.client
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.adapters.opening import open_event_sink, open_index
from streamrec.errors import Unavailable
from streamrec.ports import COMMANDS, ITEM_VECTORS, ByVector, Message, Snapshot, VectorTable
from streamrec.wire import Command, VectorRecord, encode_command, encode_vector
from tests.contract.index_server import await_answer, await_generation, running_index_server

D = 5
_LONG_S = 120.0


class Server(NamedTuple):
    url: str
    home: Path

    def release(self, generation: str, item_ids: list[str]) -> None:
        items = VectorTable(item_ids, np.eye(len(item_ids), D, dtype=np.float32))
        users = VectorTable(["u"], np.ones((1, D), np.float32))
        snapshot = Snapshot(generation, items, users, {}, time.time(), {})
        write_snapshot(self.home / "artifacts", snapshot)
        set_current(self.home / "artifacts", generation)

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=_LONG_S)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_index_server(tmp_path) as url:
        server = Server(url, tmp_path)
        yield server


@pytest.fixture(scope="module")
def steady_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("steady")
    with running_index_server(home) as url:
        server = Server(url, home)
        server.release("g", ["a/b", "c", "é"])
        await_generation(url, "g")
        yield server


async def eventually(is_true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _LONG_S
    while not is_true() and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    return is_true()


async def test_generations_are_swapped_without_a_failed_request(server: Server) -> None:
    assert server.request("GET", "/health/ready")[0] == 503
    server.release("g1", ["a"])
    await asyncio.to_thread(await_generation, server.url, "g1")
    index = open_index(server.url, timeout_s=_LONG_S)
    swapped = asyncio.Event()
    seen = set()

    async def ask_on() -> None:
        while not swapped.is_set():
            answer = await index.search(ByVector(np.ones(D, "<f4").tobytes(), 1))
            assert len(answer.ids) == 1
            seen.add((answer.generation, answer.ids[0]))

    asking = [asyncio.create_task(ask_on()) for _ in range(8)]
    for generation, item_id in (("g2", "b"), ("g3", "c")):
        server.release(generation, [item_id])
        await asyncio.to_thread(await_generation, server.url, generation)
        await asyncio.sleep(0.05)
    swapped.set()
    await asyncio.gather(*asking)
    await index.close()
    assert seen == {("g1", "a"), ("g2", "b"), ("g3", "c")}


async def test_clients_send_its_key_and_follow_when_it_changes(tmp_path: Path) -> None:
    keys, others = tmp_path / "keys", tmp_path / "others"
    keys.write_text("first\n")
    others.write_text("of-the-api\n")
    items = VectorTable(["a"], np.eye(1, D, dtype=np.float32))
    write_snapshot(tmp_path / "artifacts", Snapshot("g", items, items, {}, time.time(), {}))
    set_current(tmp_path / "artifacts", "g")
    query = ByVector(np.ones(D, "<f4").tobytes(), 1)
    with running_index_server(tmp_path, STREAMREC_INDEX_KEYS_FILE=str(keys)) as url:
        await asyncio.to_thread(await_answer, f"{url}/health/ready")
        index = open_index(url, _LONG_S, keys)
        assert (await index.search(query)).ids == ["a"]
        assert (await index.vectors(["a"])).keys() == {"a"}
        for file in (None, others):
            stranger = open_index(url, _LONG_S, file)
            with pytest.raises(Unavailable, match="401.*STREAMREC_INDEX_KEYS_FILE"):
                await stranger.search(query)
            with pytest.raises(Unavailable, match="401"):
                await stranger.vectors(["a"])
            await stranger.close()
        keys.write_text("second\nfirst\n")  # without a restart of either
        assert (await index.search(query)).ids == ["a"]
        keys.write_text("second\n")
        assert (await index.search(query)).ids == ["a"]
        await index.close()


async def test_a_torn_snapshot_is_refused_and_the_old_one_answers(server: Server) -> None:
    server.release("g1", ["a"])
    await asyncio.to_thread(await_generation, server.url, "g1")
    artifacts = server.home / "artifacts"
    (artifacts / "g2").mkdir()
    (artifacts / "g2" / "manifest.json").write_text((artifacts / "g1" / "manifest.json").read_text()[:-20])
    (artifacts / "CURRENT").write_text("g2\n")
    assert await eventually(lambda: await_answer(f"{server.url}/v1/stats")["n_refused_snapshots"] != 0)
    assert await_answer(f"{server.url}/health/ready")["generation"] == "g1"


async def test_published_vectors_and_deletions_show(server: Server) -> None:
    server.release("g", ["a", "b"])
    await asyncio.to_thread(await_generation, server.url, "g")
    vectors = open_event_sink(f"sqlite:///{server.home}/changelog.db")
    commands = open_event_sink(f"sqlite:///{server.home}/events.db")
    vector = np.full(D, 7, "<f4").tobytes()
    path = "/v1/items/new%2Fone/similar"
    assert server.request("GET", path)[0] == 404
    vectors.append(ITEM_VECTORS, [Message("new/one", encode_vector(VectorRecord("g", vector, time.time())))])
    assert await eventually(lambda: server.request("GET", path)[0] == 200)
    order = encode_command(Command("item_deleted", time.time() + 1, "test"))
    commands.append(COMMANDS, [Message("new/one", order)])
    assert await eventually(lambda: server.request("GET", path)[0] == 404)
    vectors.append(ITEM_VECTORS, [Message("a", None)])
    assert await eventually(lambda: await_answer(f"{server.url}/v1/stats")["n_items"] == 1)
    assert await eventually(lambda: await_answer(f"{server.url}/v1/stats")["lag"] == 0)
    vectors.close()
    commands.close()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/items/a%2Fb/similar?k=1", 200),
        ("/v1/items/%C3%A9/similar", 200),
        ("/v1/items/a/b/similar", 404),
        ("/v1/items/%ff%fe/similar", 400),
        ("/v1/items/" + "x" * 2000 + "/similar", 400),
        ("/v1/items/%F0%9F%8E%AC/similar", 404),
        ("/v1/items/c/similar?k=1001", 400),
        ("/v1/items/c/similar?k=%00", 400),
        ("/v1/items/%00/similar", 404),
        ("//v1//items", 404),
    ],
)
def test_paths_are_answered_as_they_were_sent(steady_server: Server, path: str, status: int) -> None:
    assert steady_server.request("GET", path)[0] == status


def test_an_absolute_request_target_is_understood(steady_server: Server) -> None:
    target = f"{steady_server.url}/v1/items/a%2Fb/similar?k=1"
    assert steady_server.request("GET", target)[0] == 200


@pytest.mark.parametrize("content_type", ["application/json", "application/msgpack"])
@pytest.mark.parametrize("body", [b"", b"\x00", b"\xff" * 50, b"9" * 5000, b'{"k": NaN}', b"[" * 100_000])
def test_no_body_is_an_error_of_the_server(steady_server: Server, body: bytes, content_type: str) -> None:
    status, _ = steady_server.request("POST", "/v1/search", body, **{"Content-Type": content_type})
    assert status == 400


def test_a_chunked_body_is_read(steady_server: Server) -> None:
    connection = http.client.HTTPConnection(steady_server.url.removeprefix("http://"), timeout=_LONG_S)
    body = iter([b'{"item_ids": ', b'["a/b"]}'])
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/v1/search", body, headers, encode_chunked=True)
    assert connection.getresponse().status == 200
    connection.close()


def test_a_body_beyond_the_limit_is_refused_before_it_is_sent(steady_server: Server) -> None:
    host, _, port = steady_server.url.removeprefix("http://").partition(":")
    head = "POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 16000001"
    with socket.create_connection((host, int(port)), timeout=_LONG_S) as connection:
        connection.sendall(f"{head}\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
