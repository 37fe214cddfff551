"""An item's history over HTTP."""

import numpy as np
import pytest

from recommender_server.app import Parts, Rules, create_app
from streamrec.domain.bars.bar import BarsSpan, BarsUpdate, pack
from streamrec.domain.bars.batch_minutes import TALLY
from streamrec.domain.items.item import Item
from tests.asgi_client import Client
from tests.driven_system import Down
from tests.unit.recommender_server.conftest import Server

NOW = 1_700_000_000.0  # 22:13:20
MINUTE = int(NOW // 60)


def packed(minute: int, price: float) -> bytes:
    return pack(np.array([(minute, 2, 0, 0, price, price + 1, price - 1, price, 2 * price)], TALLY))


@pytest.fixture
def traded(server: Server) -> Client:
    bars = packed(MINUTE - 9, 5.0) + packed(MINUTE - 3, 7.0) + packed(MINUTE, 9.0)
    update = BarsUpdate(BarsSpan(NOW, 60), {"a/b": bars, "old": packed(MINUTE - 59, 3.0)}, [])
    server.cache.publish_bars(update)
    return server.client


async def test_the_last_five_minutes(traded: Client) -> None:
    answer = await traded.call("GET", "/v1/items/a%2Fb/history")
    assert answer.json == {
        "item_id": "a/b",
        "resolution": "1m",
        "now": NOW,
        "bars": [
            {"minute": 60 * minute, "open": price, "high": price + 1, "low": price - 1, "close": price,
             "count": 2, "sum": 2 * price}
            for minute, price in ((MINUTE - 3, 7.0), (MINUTE, 9.0))
        ],
    }  # fmt: skip


async def test_empty_minutes_are_absent_or_carry_the_close_on(traded: Client) -> None:
    answer = await traded.call("GET", "/v1/items/a%2Fb/history?minutes=5&empty=carry")
    shown = [(bar["minute"] // 60 - MINUTE, bar["close"], bar["count"]) for bar in answer.json["bars"]]
    assert shown == [(-4, 5.0, 0), (-3, 7.0, 2), (-2, 7.0, 0), (-1, 7.0, 0), (0, 9.0, 2)]


async def test_longer_bars_begin_at_the_clocks_full_minutes(traded: Client) -> None:
    answer = await traded.call("GET", "/v1/items/a%2Fb/history?minutes=10&resolution=5m")
    # 22:00, 22:05 and 22:10, of which the last is the one that goes on.
    assert [bar["minute"] % 3600 // 60 for bar in answer.json["bars"]] == [0, 10]
    assert [bar["count"] for bar in answer.json["bars"]] == [2, 4]
    assert (answer.json["bars"][1]["open"], answer.json["bars"][1]["high"]) == (7.0, 10.0)


async def test_known_and_silent_is_an_empty_list(traded: Client, server: Server) -> None:
    answer = await traded.call("GET", "/v1/items/old/history")
    assert (answer.status, answer.json["now"], answer.json["bars"]) == (200, NOW, [])
    await server.store.put_items([Item("in the catalog")])
    answer = await traded.call("GET", "/v1/items/in%20the%20catalog/history?empty=carry")
    assert (answer.status, answer.json["now"], answer.json["bars"]) == (200, None, [])


async def test_an_unknown_id_is_not_found(traded: Client) -> None:
    answer = await traded.call("GET", "/v1/items/12/history")
    assert answer.status == 404
    assert "'12'" in answer.json["detail"]


@pytest.mark.parametrize(
    "query",
    [
        "minutes=0",
        "minutes=1441",
        "minutes=x",
        "resolution=2m",
        "empty=zero",
        "since=1",
        "minutes=5&minutes=6",
    ],
)
async def test_bad_parameters_are_named(traded: Client, query: str) -> None:
    answer = await traded.call("GET", f"/v1/items/a%2Fb/history?{query}")
    assert answer.status == 400
    assert query.split("=")[0] in answer.json["detail"]


async def test_without_the_cache_there_is_no_answer(server: Server) -> None:
    broken = Client(create_app(Parts(**{**vars(server.parts), "cache": Down()}), Rules()))
    answer = await broken.call("GET", "/v1/items/i1/history")
    assert (answer.status, answer.json["status"]) == (503, 503)
    await broken.shut_down()
