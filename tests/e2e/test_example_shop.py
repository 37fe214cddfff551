"""The shop on the product, as its README shows it."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from examples.shop.generate import BUY, CATEGORIES, VIEW, Shop
from examples.shop.mapping import events_of, items_of
from streamrec.cli.launch.local_servers import free_port, is_listening
from tests.e2e.example_app import ask
from tests.e2e.processes import Process, eventually, python

N_PRODUCTS = 60


class RunningShop(NamedTuple):
    port: int
    data: Path

    def alternatives(self, sourceprodid: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/products/{sourceprodid}/alternatives")["alternatives"]
        return found

    def suggestions(self, uuid: str, **query: object) -> list[dict[str, Any]]:
        answer = self.get(f"/customers/{uuid}/suggestions?{urlencode(query)}")
        found: list[dict[str, Any]] = answer["suggestions"]
        return found

    def get(self, path: str) -> Any:
        status, answer = ask(self.port, "GET", path)
        assert status == 200, answer
        return answer

    def click(self, body: object) -> tuple[int, Any]:
        return ask(self.port, "POST", "/clicks", json.dumps(body).encode())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningShop]:
    folder, port = tmp_path_factory.mktemp("shop"), free_port()
    options = ["--folder", str(folder), "--port", str(port), "--customers=200", f"--products={N_PRODUCTS}"]
    process = Process(
        folder, "shop", python("-m", "examples.shop", *options), {"PYTHONUNBUFFERED": "1"}
    ).start()
    try:
        process.wait_for_words("Ctrl-C stops.")
        yield RunningShop(port, folder / "data")
    finally:
        process.end(signal.SIGINT)
    assert process.running.returncode == 0, process.said()
    assert process.said().rstrip().endswith("Stopped.")
    assert not is_listening(port)


def test_alternatives_are_of_the_same_category_first_and_then_of_the_nearest_price(shop: RunningShop) -> None:
    for item in items_of(shop.data)[:10]:
        price = item["attributes"]["price"]
        found = shop.alternatives(item["item_id"])
        assert len(found) == 10
        places = [
            (other["ontology"] != item["categories"][0], abs(other["price"] - price)) for other in found
        ]
        assert places == sorted(places)
        # Of five in a category the four others are there.
        assert [is_other for is_other, _ in places[:4]] == [False] * 4
        assert places[-1][0]


def test_a_customer_is_offered_what_they_have_not_seen(shop: RunningShop) -> None:
    seen = {event["item_id"] for event in events_of(shop.data) if event["user_id"] == "c0"}
    offered = {item["sourceprodid"] for item in shop.suggestions("c0")}
    assert len(offered) == 10
    assert not offered & seen


def test_an_unknown_user_is_shown_what_is_like_what_they_look_at(shop: RunningShop) -> None:
    first = shop.suggestions("nobody", looking_at="p5")[0]
    assert first["ontology"] == CATEGORIES[5].path
    assert len(shop.suggestions("nobody")) == 10


def test_what_is_bought_is_not_offered_again_and_makes_somebody_known(shop: RunningShop) -> None:
    click = {"uuid": "new", "sourceprodid": "p7", "userevent": BUY}
    assert shop.click(click) == (201, click | {"price": items_of(shop.data)[7]["attributes"]["price"]})
    shop.click(click | {"userevent": VIEW, "sourceprodid": "p19"})
    eventually(lambda: CATEGORIES[7].path in {i["ontology"] for i in shop.suggestions("new")[:3]})
    # The trainer may read and publish one after the other.
    eventually(lambda: not {"p7", "p19"} & {item["sourceprodid"] for item in shop.suggestions("new")})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"uuid": "new", "sourceprodid": "p7", "userevent": "steal"}, 400),
        ({"uuid": "new", "sourceprodid": 7, "userevent": "buy"}, 400),
        ({"uuid": "", "sourceprodid": "p7", "userevent": "buy"}, 400),
        ({"uuid": "new", "userevent": "buy"}, 400),
        ([], 400),
        ({"uuid": "new", "sourceprodid": f"p{N_PRODUCTS}", "userevent": "buy"}, 404),
        ({"uuid": "new" * 10_000, "sourceprodid": "p7", "userevent": "buy"}, 413),
    ],
)
def test_a_bad_click_is_refused(shop: RunningShop, body: object, status: int) -> None:
    refused, problem = shop.click(body)
    assert refused == status
    assert problem["description"]


def test_what_nobody_sells_is_not_found(shop: RunningShop) -> None:
    assert ask(shop.port, "GET", "/products/nothing/alternatives")[0] == 404
    assert ask(shop.port, "GET", "/customers/c0/suggestions?looking_at=")[0] == 400


def test_equal_seeds_make_equal_shops_and_carts_come_before_purchases(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        Shop(20, 24, seed=seed).write(tmp_path / name)
    a, b, c = ((tmp_path / name / "events.csv").read_text() for name in "abc")
    assert a == b != c
    done = [(event["user_id"], event["item_id"], event["type"]) for event in events_of(tmp_path / "a")]
    for place, (user_id, item_id, step) in enumerate(done):
        if step == BUY:
            assert (user_id, item_id, "addToCart") in done[:place]
    assert {step for *_, step in done} == {VIEW, "addToCart", BUY}
