"""`python -m examples.stocks`: the product, a market that trades, and the exchange's app over both."""

import argparse
import time
from itertools import islice
from pathlib import Path

from examples.local_server import serving
from examples.running import ROOT, Product, ending_quietly, running_product
from examples.stocks.app import create_app, event_of
from examples.stocks.generate import SPEED, Market, MarketClock
from streamrec.client.calls.lists import Similarity

_WAYS: tuple[Similarity, ...] = ("covisitation", "same_day", "vector", "blend")

_TRADES_OF_INSTRUMENT = 100
"""Before the app answers, half of them in the initial training."""

_HISTORY_S = 3600.0
"""Market time that these take."""

_FEED_INTERVAL_S = 0.5
"""Of our time, in which trades are gathered."""

_MAX_RATE = 1000.0

_SETTLING_S = 3.0
"""Seconds until the newest vectors are published; it takes about one."""


def main() -> None:
    """Run until Ctrl-C; with `--check`, until the groups were looked for."""
    options = _options()
    market, now = Market(options.instruments, options.seed), time.time()
    n_trades = _TRADES_OF_INSTRUMENT * options.instruments
    past = market.trades(now - _HISTORY_S, _HISTORY_S / n_trades)
    events = [event_of(trade) for trade in islice(past, n_trades)]
    half = n_trades // 2
    with ending_quietly(), running_product(options.folder, events[:half]) as product:
        product.api.load_items([{"item_id": i, "title": f"Instrument {i}"} for i in market.instruments])
        product.feed(events[half:])
        product.wait_until_learned(events)
        clock = MarketClock(now, time.monotonic)  # not before: there would be a gap of minutes
        with serving(create_app(product.api, clock), options.port) as url:
            _say_what_to_try(url, product)
            if options.check:
                time.sleep(_SETTLING_S)
                _look_for_groups(market, product)
            else:
                _trade(market, clock, product, options.rate)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.stocks", description=__doc__)
    parser.add_argument("--instruments", type=int, default=10, help="how many, 2 at least (default 10)")
    parser.add_argument("--seed", type=int, default=42, help="equal seeds give equal trades")
    parser.add_argument("--rate", type=float, default=20.0, help="trades a second of ours (default 20)")
    parser.add_argument("--port", type=int, default=8080, help="of the app (default 8080; 0: a free one)")
    parser.add_argument("--folder", type=Path, default=ROOT / "var/examples/stocks", help="of what it keeps")
    parser.add_argument("--check", action="store_true", help="say how well the groups are found, and end")
    options = parser.parse_args()
    if options.instruments < 2 or options.seed < 0 or not 0 < options.rate <= _MAX_RATE:
        parser.error(f"wanted: 2 instruments at least, a seed from 0 on, a rate up to {_MAX_RATE:.0f}")
    return options


def _say_what_to_try(url: str, product: Product) -> None:
    trade = """-H 'Content-Type: application/json' -d '{"userid": "A", "instrid": "1", "price": 10.5}'"""
    print(
        f"The product: {product.api.url}/docs. A minute of the market takes {60 / SPEED:.1f} s. Try:\n"
        f"  curl {url}/instruments/1\n"
        f"  curl {url}/instruments/similar/1\n"
        f"  curl {url}/instruments/similar/A\n"
        f"  curl {url}/add/request {trade}\n"
        "Ctrl-C stops.",
        flush=True,
    )


def _trade(market: Market, clock: MarketClock, product: Product, rate: float) -> None:
    """Let the market go on, in its own time, until Ctrl-C."""
    started = clock()
    n_traded = 0
    while True:
        time.sleep(_FEED_INTERVAL_S)
        n_due = int((clock() - started) / SPEED * rate) - n_traded
        trades = market.trades(started + n_traded * SPEED / rate, SPEED / rate)
        product.feed([event_of(trade) for trade in islice(trades, n_due)])
        n_traded += n_due


def _look_for_groups(market: Market, product: Product) -> None:
    """Print which share of an instrument's (group size - 1) most similar ones are of its group."""
    for way in _WAYS:
        n_hits = n_wanted = 0
        for instrid in market.instruments:
            group = set(market.group_of(instrid)) - {instrid}
            found = product.api.similar_items(instrid, k=max(1, len(group)), by=way).items
            n_hits += len(group & {item.item_id for item in found})
            n_wanted += len(group)
        print(f"by {way}: precision at (group size - 1) {n_hits / max(1, n_wanted):.3f}", flush=True)


if __name__ == "__main__":
    main()
