"""The exchange on the product, as its README shows it, and what it says to bad trades."""

import json
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import falcon
import pytest

from examples.local_server import serving
from examples.running import ExampleFailed
from examples.stocks.generate import Market
from streamrec.cli.launch.local_servers import free_port, is_listening
from tests.e2e.example_app import ask
from tests.e2e.processes import Process, eventually, python

REFUSED: dict[str, tuple[bytes, str]] = {
    "price as text": (b'{"userid": "bad", "instrid": "1", "price": "10"}', "`$.price`"),
    "negative price": (b'{"userid": "bad", "instrid": "1", "price": -1}', "`$.price`"),
    "no price at all": (b'{"userid": "bad", "instrid": "1", "price": null}', "`$.price`"),
    "NaN": (b'{"userid": "bad", "instrid": "1", "price": NaN}', "JSON is malformed"),
    "endless price": (b'{"userid": "bad", "instrid": "1", "price": 1e999}', "out of range"),
    "id that is a fraction": (b'{"userid": "bad", "instrid": 1.5, "price": 1}', "`$.instrid`"),
    "empty id": (b'{"userid": "bad", "instrid": "", "price": 1}', "an id has"),
    "very long number": (b'{"userid": "bad", "instrid": 1%s, "price": 1}' % (b"0" * 100), "an id has"),
    "id with a slash": (b'{"userid": "bad", "instrid": "a/b", "price": 1}', "an id has"),
    "future": (b'{"userid": "bad", "instrid": "1", "price": 1, "timestamp": 99000000000}', "ahead"),
    "past of the past": (b'{"userid": "bad", "instrid": "1", "price": 1, "timestamp": -1}', "`$.timestamp`"),
    "unknown field": (b'{"userid": "bad", "instrid": "1", "price": 1, "volume": 2}', "volume"),
    "nothing": (b"", "truncated"),
    "list": (b"[]", "Expected `object`"),
    "not UTF-8": (b'{"userid": "\xff"}', "'utf-8' codec"),
    "deeply nested": (b"[" * 9000, "Expected `object`"),
}


class Exchange(NamedTuple):
    process: Process
    port: int

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
        return ask(self.port, method, path, body)

    def get(self, path: str) -> Any:
        status, answer = self.ask("GET", path)
        assert status == 200, answer
        return answer

    def status(self, path: str) -> int:
        return self.ask("GET", path)[0]

    def trade(self, **fields: object) -> dict[str, Any]:
        status, answer = self.ask("POST", "/add/request", json.dumps(fields).encode())
        assert status == 201, answer
        resp: dict[str, Any] = answer["resp"]
        return resp


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchange]:
    folder, port = tmp_path_factory.mktemp("stocks"), free_port()
    command = python("-m", "examples.stocks", "--folder", str(folder), "--port", str(port))
    process = Process(folder, "stocks", command, {"PYTHONUNBUFFERED": "1"}).start()
    try:
        process.wait_for_words("Ctrl-C stops.")
        yield Exchange(process, port)
    finally:
        process.end(signal.SIGINT)
    assert process.running.returncode == 0, process.said()
    assert process.said().rstrip().endswith("Stopped.")
    assert not is_listening(port)


def minute_of(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%MZ")


def test_an_instrument_shows_its_last_five_minutes(exchange: Exchange) -> None:
    minutes = eventually(lambda: exchange.get("/instruments/1"))
    assert 1 <= len(minutes) <= 5
    for prices in minutes.values():
        assert prices.pop("instrid") == "1"
        assert set(prices) == {"price_open", "price_high", "price_low", "price_close"}
        assert 1 <= prices["price_low"] <= prices["price_open"] <= prices["price_high"]
        assert prices["price_low"] <= prices["price_close"] <= prices["price_high"]


def test_the_market_goes_on_fifty_times_faster(exchange: Exchange) -> None:
    first = max(eventually(lambda: exchange.get("/instruments/2")))
    eventually(lambda: max(exchange.get("/instruments/2"), default="") > first)


def test_what_is_like_an_instrument_is_of_its_group(exchange: Exchange) -> None:
    group = set(Market(10, seed=42).group_of("1")) - {"1"}
    assert len(group) == 4
    predicted = exchange.get("/instruments/similar/1")["predicted_items"]
    assert set(predicted[:4]) == group


def test_a_user_gets_ten_stocks_of_which_all_were_traded_before(exchange: Exchange) -> None:
    predicted = exchange.get("/instruments/similar/A")["predicted_items"]
    assert sorted(predicted, key=int) == [str(number) for number in range(1, 11)]


def test_unknown_users_are_not_found(exchange: Exchange) -> None:
    for name in ("nobody", "11", "%FF", "a%2Fb", "%00"):
        assert exchange.status(f"/instruments/{name}") == 404, name
        assert exchange.status(f"/instruments/similar/{name}") == 404, name


def test_a_new_instrument_with_a_single_trade_has_one_price(exchange: Exchange) -> None:
    trade = exchange.trade(userid="NEW", instrid=4711, price=12.5)
    assert trade == {"userid": "NEW", "instrid": "4711", "price": 12.5, "timestamp": trade["timestamp"]}
    prices = {"instrid": "4711"} | {f"price_{name}": 12.5 for name in ("open", "high", "low", "close")}
    eventually(lambda: exchange.status("/instruments/4711") == 200)
    assert exchange.get("/instruments/4711") == {minute_of(trade["timestamp"]): prices}
    eventually(lambda: exchange.status("/instruments/similar/4711") == 200)
    eventually(lambda: exchange.status("/instruments/similar/NEW") == 200)
    assert len(exchange.get("/instruments/similar/NEW")["predicted_items"]) == 10


def test_of_two_trades_at_one_moment_the_first_opens_and_the_second_closes(exchange: Exchange) -> None:
    now = exchange.trade(userid="B", instrid="moment", price=7)["timestamp"]
    for price in (5, 9):
        exchange.trade(userid="B", instrid="twice", price=price, timestamp=now)
    prices = eventually(
        lambda: (
            (found := exchange.ask("GET", "/instruments/twice"))[0] == 200
            and found[1].get(minute_of(now), {}).get("price_high") == 9
            and found[1][minute_of(now)]
        )
    )
    assert prices == {
        "instrid": "twice",
        "price_open": 5,
        "price_high": 9,
        "price_low": 5,
        "price_close": 9,
    }


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_trade_is_refused_with_a_reason(exchange: Exchange, case: str) -> None:
    body, reason = REFUSED[case]
    status, answer = exchange.ask("POST", "/add/request", body)
    assert (status, reason in answer["description"]) == (400, True), answer


def test_what_is_refused_reaches_nobody_and_nothing_is_stuck(exchange: Exchange) -> None:
    status, _ = exchange.ask("POST", "/add/request", b'{"userid": "bad", "instrid": "1", "price": "10"}')
    assert status == 400
    exchange.trade(userid="after", instrid="1", price=10)
    eventually(lambda: exchange.status("/instruments/similar/after") == 200)  # the stream has come so far
    assert exchange.status("/instruments/similar/bad") == 404
    assert exchange.ask("POST", "/add/request", b" " * 20_000)[0] == 413


def test_a_port_that_is_taken_is_said(exchange: Exchange) -> None:
    with (
        pytest.raises(ExampleFailed, match=f"port {exchange.port}: .* --port"),
        serving(falcon.App(), exchange.port),
    ):
        pass
