"""The client of a recommender that runs: every route, any id, keys, a root path."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import numpy as np
import psutil
import pytest

from streamrec.adapters.memory.events import MemoryEventSource
from streamrec.client import (
    BatchUser,
    Client,
    Event,
    InvalidRequest,
    Item,
    NotFound,
    RecommenderError,
    Unauthorized,
)
from streamrec.domain.events.interaction import Interaction
from streamrec.ports import INTERACTIONS
from streamrec.wire import decode_event
from tests.unit.client.conftest import Drive, Recommender

ROOT = Path(__file__).parents[3]
ODD_IDS = (
    "a/b", "100%", "50%25", ".", "..", "?x=1&y#z", 'q"<script>', "é\U0001f3ac", " ", "+", "a;b:c,d", "\\"
)  # fmt: skip


@pytest.mark.parametrize("odd", ODD_IDS)
def test_ids_of_any_kind_go_there_and_back(connect: Drive, served: Recommender, odd: str) -> None:
    client = connect(served.url)
    client.put_item(odd, title=odd, categories=[odd], attributes={"x": odd})
    item = client.get_item(odd)
    assert (item.item_id, item.title, item.categories, item.attributes) == (odd, odd, (odd,), {"x": odd})
    assert odd in [found.item_id for found in client.find_items(text=odd, limit=100).items]
    client.put_user(odd, attributes={"x": odd})
    assert client.get_user(odd).attributes == {"x": odd}
    assert client.find_users(prefix=odd).user_ids[0] == odd
    assert client.similar_users(odd).reason == "cold"
    (answer,) = client.recommendations_batch([BatchUser(odd, k=1)]).answers
    assert answer.user_id == odd
    assert client.recommendations(user_id=odd, item_id=odd, exclude_ids=[odd], category=[odd]).items == []
    client.erase_user(odd)
    client.delete_item(odd)
    with pytest.raises(NotFound, match="there is no item"):
        client.get_item(odd)


def test_lists_are_typed_and_parameters_reach_the_server(connect: Drive, served: Recommender) -> None:
    client = connect(served.url)
    first = client.recommendations(user_id="u", k=3, explain=True, exclude_seen=False)
    assert [type(item).__name__ for item in first.items] == ["RecommendedItem"] * 3
    assert (first.based_on, first.generation, first.degraded) == ("user_id", "g1", False)
    assert first.items[0].explanation.sources
    allowed = client.recommendations(only_ids=[item.item_id for item in first.items[:2]])
    assert {item.item_id for item in allowed.items} == {item.item_id for item in first.items[:2]}
    assert client.similar_items("i3", k=2, by="vector").by == "vector"
    assert len(client.recommendations_batch(["u", 7, "v"], k=2).answers) == 3
    with pytest.raises(InvalidRequest, match=r"400 .*'k': expected.*change the request") as refused:
        client.popular(k=0)
    assert refused.value.request_id


def test_pages_are_one_sequence(connect: Drive, served: Recommender) -> None:
    client = connect(served.url)
    paged = client.each_recommendation(user_id="v", k=4)
    assert len({item.item_id for item in paged}) == len(paged) > 12
    assert client.each_popular(k=7)[0].item_id == client.popular(k=1).items[0].item_id
    assert client.each_trending() == client.each_latest() == []


def appended(recommender: Recommender) -> list[Interaction]:
    source = MemoryEventSource(recommender.parts.log, [INTERACTIONS], "test")
    return [
        decode_event(record.value, 0.0)
        for record in source.poll(100_000, 0.0)
        if b"user_erased" not in (record.value or b"")
    ]


def test_events_are_sent_with_ids_of_their_own(connect: Drive, served: Recommender) -> None:
    client = connect(served.url)
    n_before = len(appended(served))
    one = {"user_id": np.int64(7), "item_id": 8.0, "value": float("nan"), "timestamp": 1_700_000_000}
    assert client.post_events(one).accepted == 1
    assert (
        client.post_events([Event("x", "y", event_id="mine"), {"user_id": "x", "item_id": "z"}]).accepted == 2
    )
    first, second, third = appended(served)[n_before:]
    assert (first.user_id, first.item_id, first.value, first.timestamp) == ("7", "8", None, 1_700_000_000.0)
    assert second.event_id == "mine"
    assert len({first.event_id, third.event_id, None}) == 3
    with pytest.raises(InvalidRequest, match=r"422 .*\$\[1\].user_id"):
        client.post_events([Event("x", "y"), Event("x" * 300, "y")])
    for wrong in (
        {"user": 1},
        {"user_id": None, "item_id": 1},
        {"user_id": "", "item_id": 1},
        Event("\ud800", 1),
    ):
        with pytest.raises(ValueError, match="an event|user_id"):
            client.post_events(wrong)


def test_items_of_any_number_are_loaded(connect: Drive, served: Recommender) -> None:
    client = connect(served.url)
    assert (
        client.load_items(({"item_id": n, "title": float("nan")} for n in range(300)), max_bytes=5_000) == 300
    )
    assert client.load_items([]) == 0
    item = client.get_item(299)
    assert (item.item_id, item.title) == ("299", None)
    client.put_items([item, Item("extra", categories=("Drama",))])
    assert client.get_item("extra").updated_at > 0


def test_health_and_status(connect: Drive, served: Recommender) -> None:
    client = connect(served.url)
    assert client.liveness().status == "ok"
    assert client.readiness().is_ready
    assert client.status().may_change
    assert client.status_series(resolution="1m", name=["lag_s"]).interval_s == 60
    with pytest.raises(NotFound):
        client.item_history("nobody knows")


def test_keys_and_a_root_path(connect: Drive, guarded: Recommender) -> None:
    guarded.parts.key_file.write_text("secret\n")
    assert connect(guarded.url, api_key="secret").recommendations(k=1).items
    assert connect(f"{guarded.url}/", api_key="secret").get_user("user/2").user_id == "user/2"
    with pytest.raises(Unauthorized, match=r"401 .*give the client an api_key"):
        connect(guarded.url, api_key="wrong").recommendations()
    with pytest.raises(Unauthorized):
        connect(guarded.url).popular()
    with pytest.raises(NotFound):
        connect(f"{guarded.url}/elsewhere", api_key="secret").popular()


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8000",
        "ftp://x",
        "http://",
        "http://a:b@c",
        "http://x/?q=1",
        "http://x:99999",
        "",
        f"http://{'x' * 70}.y",
        "http://a..b",
    ],
)
def test_what_is_no_address_is_said_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="address|port|Port|host"):
        Client(url)
    with pytest.raises(ValueError, match="api_key"):
        Client(api_key="line\nbreak")


def test_many_threads_use_one_client(served: Recommender) -> None:
    failed: list[RecommenderError] = []

    def ask(number: int) -> None:
        try:
            for _ in range(5):
                assert client.recommendations(user_id=f"t{number}", k=2).items
        except RecommenderError as error:
            failed.append(error)

    with Client(served.url, timeout_s=60.0) as client:
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []


def test_a_fork_gets_connections_of_its_own(served: Recommender) -> None:
    script = f"""
import os
from streamrec.client import Client
client = Client({served.url!r}, timeout_s=60.0)
client.liveness()
child = os.fork()
for _ in range(20):
    assert client.liveness().status == "ok"
if child:
    assert os.waitpid(child, 0)[1] == 0
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=120)


def n_connections() -> int:
    return sum(one.status == psutil.CONN_ESTABLISHED for one in psutil.Process().net_connections("tcp"))


def test_no_socket_is_left(connect: Drive, served: Recommender) -> None:
    deadline = time.monotonic() + 60.0
    with connect(served.url) as client:
        client.liveness()
        client.within(30.0).popular()
        assert n_connections() >= 2  # both ends are of this process
    while n_connections() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert n_connections() == 0


def test_all_items_and_users_are_met_page_by_page(connect: Drive, served: Recommender) -> None:
    client = connect(served.url)
    item_ids = [f"page/{n}" for n in range(7)] + ["null", "page/\U0001f3ac"]
    client.load_items(
        [Item(item_id, title="t", text=f"of {item_id}", attributes={"x": 1}) for item_id in item_ids]
    )
    for limit in (1, 4, 1000):
        found = client.each_item(limit=limit)
        assert [item.item_id for item in found if item.item_id in item_ids] == sorted(item_ids)
    # What is taken down whole may be put back.
    taken = [msgspec.structs.replace(item, updated_at=0.0) for item in client.each_item(text="page/")]
    client.load_items(taken)
    again = client.each_item(text="page/", limit=2)
    assert [msgspec.structs.replace(item, updated_at=0.0) for item in again] == taken
    assert {item.text for item in taken} == {f"of {item.item_id}" for item in taken}
    assert [item.text for item in client.each_item(text="null", with_text=False)] == [None]
    for n in range(5):
        client.put_user(f"page/{n}", attributes={})
    for limit in (1, 2, 5):
        assert client.each_user(prefix="page/", limit=limit) == [f"page/{n}" for n in range(5)]
    assert client.each_user(prefix="page/", after="page/3") == ["page/4"]
    assert client.each_user(prefix="nobody") == []
