"""The exchange's own routes, each a call or two to the product."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import falcon
import msgspec

from examples.requests import answer_as_product, body_of
from examples.stocks.generate import Trade
from streamrec.client import Client, NotFound, RecommenderError
from streamrec.client.answers.items import Bar
from streamrec.client.calls.lists import Similarity

_N_SIMILAR = 10

_MINUTES = 5

_LIKE_BY: Similarity = "covisitation"
"""Instruments are similar when the same users trade them, one soon after the other."""

_TOLERANCE_S = 60.0
"""Market time by which a sender's clock may be ahead of ours: about a second of ours."""

_ID = re.compile(r"[A-Za-z0-9._-]{1,32}")


class TradeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /add/request`; `timestamp` is market time, by default now."""

    userid: str | int
    instrid: str | int
    price: Annotated[float, msgspec.Meta(gt=0, le=1e9)]
    timestamp: Annotated[float, msgspec.Meta(ge=0)] | None = None


_decoder = msgspec.json.Decoder(TradeBody)


def event_of(trade: Trade) -> dict[str, Any]:
    """Return a trade in the product's words."""
    return {
        "user_id": trade.userid,
        "item_id": trade.instrid,
        "timestamp": trade.timestamp,
        "type": "trade",
        "value": trade.price,
    }


class Trades:
    """`POST /add/request`."""

    def __init__(self, product: Client, market_clock: Callable[[], float]) -> None:
        self._product = product
        self._market_clock = market_clock

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Take a trade in; new users and instruments are welcome. It is kept once this answers."""
        trade = self._trade_of(body_of(req, _decoder))
        self._product.post_events(event_of(trade))
        resp.status = falcon.HTTP_201
        resp.media = {"resp": trade._asdict()}

    def _trade_of(self, body: TradeBody) -> Trade:
        now = self._market_clock()
        timestamp = now if body.timestamp is None else body.timestamp
        if timestamp > now + _TOLERANCE_S:
            reason = f"the trade is {timestamp - now:.0f} s ahead of the market's time"
            raise falcon.HTTPBadRequest(description=reason)
        return Trade(_id_of(body.userid), _id_of(body.instrid), body.price, timestamp)


def _id_of(given: str | int) -> str:
    """Return an id as text: 7 and "7" are one."""
    text = str(given)
    if not _ID.fullmatch(text):
        raise falcon.HTTPBadRequest(
            description="an id has 1 to 32 letters, digits, dots, dashes, underscores"
        )
    return text


class Instrument:
    """`GET /instruments/<id>`."""

    def __init__(self, product: Client) -> None:
        self._product = product

    def on_get(self, _req: falcon.Request, resp: falcon.Response, instrid: str) -> None:
        """Answer with the last five minutes of the market; one without a trade is left out."""
        found = self._product.item_history(instrid, minutes=_MINUTES)
        resp.media = {_minute_of(bar): _prices_of(instrid, bar) for bar in found.bars}


def _minute_of(bar: Bar) -> str:
    return datetime.fromtimestamp(bar.minute, UTC).strftime("%Y-%m-%dT%H:%MZ")


def _prices_of(instrid: str, bar: Bar) -> dict[str, Any]:
    prices = {"price_open": bar.open, "price_high": bar.high, "price_low": bar.low, "price_close": bar.close}
    return {"instrid": instrid} | prices


class Similar:
    """`GET /instruments/similar/<instrument or user>`."""

    def __init__(self, product: Client) -> None:
        self._product = product

    def on_get(self, _req: falcon.Request, resp: falcon.Response, name: str) -> None:
        """Answer with ids of instruments, the best first; an id of both kinds is taken as an instrument's."""
        try:
            similar = self._product.similar_items(name, k=_N_SIMILAR, by=_LIKE_BY)
            found = [item.item_id for item in similar.items]
        except NotFound:
            found = self._for_user(name)
        resp.media = {"predicted_items": found}

    def _for_user(self, userid: str) -> list[str]:
        self._product.get_user(userid)  # unknown users would be told what is popular
        # Who traded a stock may well want to look at it again.
        answer = self._product.recommendations(user_id=userid, k=_N_SIMILAR, exclude_seen=False)
        return [item.item_id for item in answer.items]


def create_app(product: Client, market_clock: Callable[[], float]) -> falcon.App[Any, Any]:
    """Return the app; `market_clock` gives the market's time in Unix seconds."""
    app: falcon.App[Any, Any] = falcon.App()
    app.add_error_handler(RecommenderError, answer_as_product)
    app.add_route("/add/request", Trades(product, market_clock))
    app.add_route("/instruments/{instrid}", Instrument(product))
    app.add_route("/instruments/similar/{name}", Similar(product))
    return app
