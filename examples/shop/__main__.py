"""`python -m examples.shop`: the product, a month of a shop in it, and the shop's app over both."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from examples.local_server import serving
from examples.running import ROOT, ending_quietly, running_product, wait_for_the_end
from examples.shop.app import N_SHOWN, create_app
from examples.shop.generate import BUY, CART, CATEGORIES, VIEW, Shop
from examples.shop.mapping import events_of, items_of
from streamrec.client import Client
from streamrec.client.calls.lists import Order

SETTINGS = {
    "STREAMREC_TRAINER_EVENT_WEIGHTS": json.dumps({VIEW: 0.5, CART: 0.7, BUY: 1.0}),
    "STREAMREC_SERVER_SIMILAR_ORDER": "same_category_then_value",  # the value is the attribute `price`
}

_HISTORY_SHARE = 0.5
"""Of the events, the first, for the initial training; the others are streamed."""

_N_ASKED = 100

_NEAR = 1.25
"""A price up to so many times as high, or as low, is near."""


def main() -> None:
    """Run until Ctrl-C; with `--check`, until some products' alternatives were looked at."""
    options = _options()
    data: Path = options.folder / "data"
    Shop(options.customers, options.products, seed=options.seed).write(data)
    events, items = events_of(data), items_of(data)
    first = int(len(events) * _HISTORY_SHARE)
    with ending_quietly(), running_product(options.folder, events[:first], SETTINGS) as product:
        product.api.load_items(items)
        product.stream(events, first)
        with serving(create_app(product.api), options.port) as url:
            _say_what_to_try(url, product.api)
            if options.check:
                _look_at_alternatives(items, product.api)
            else:
                wait_for_the_end()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.shop", description=__doc__)
    parser.add_argument("--customers", type=int, default=2_000, help="how many (default 2000)")
    parser.add_argument("--products", type=int, default=600, help="how many (default 600)")
    parser.add_argument("--seed", type=int, default=42, help="equal seeds give equal files")
    parser.add_argument("--port", type=int, default=8082, help="of the app (default 8082; 0: a free one)")
    parser.add_argument("--folder", type=Path, default=ROOT / "var/examples/shop")
    parser.add_argument("--check", action="store_true", help="say what the alternatives are like, and end")
    options = parser.parse_args()
    if options.customers < 1 or options.products < len(CATEGORIES) or options.seed < 0:
        parser.error(f"wanted: a customer and {len(CATEGORIES)} products at least, a seed from 0 on")
    return options


def _say_what_to_try(url: str, product: Client) -> None:
    click = """-d '{"uuid": "me", "sourceprodid": "p0", "userevent": "buy"}'"""
    print(
        f"The product: {product.url}/docs. Try:\n"
        f"  curl {url}/products/p0/alternatives\n"
        f"  curl {url}/customers/c0/suggestions\n"
        f"  curl '{url}/customers/nobody/suggestions?looking_at=p0'\n"
        f"  curl {url}/clicks {click}\n"
        "Ctrl-C stops.",
        flush=True,
    )


def _look_at_alternatives(items: Sequence[dict[str, Any]], product: Client) -> None:
    """Print the ranking of alternatives: as this shop sets it, and beside it by score alone."""
    asked = items[:: max(1, len(items) // _N_ASKED)]
    orders: dict[str, Order | None] = {"as set": None, "by score": "score"}
    for name, order in orders.items():
        are_own, are_near = [], []
        for item in asked:
            for other in product.similar_items(item["item_id"], k=N_SHOWN, order=order).items:
                are_own.append(other.categories[0] == item["categories"][0])
                ratio = other.attributes["price"] / item["attributes"]["price"]
                are_near.append(1 / _NEAR < ratio < _NEAR)
        print(f"{name}: {_share(are_own)} of the same category, {_share(are_near)} of a near price")


def _share(are: Sequence[bool]) -> str:
    return f"{sum(are) / max(1, len(are)):.3f}"


if __name__ == "__main__":
    main()
