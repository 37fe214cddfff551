"""A shop's clicks, made up, in its own format: one file of events, one of products.

Every product stands in one category of a small ontology, and has a price within what the category asks; every
customer comes mostly for one category, and looks at products of about the same price. Of what is viewed some
goes into the cart, and some of that is bought.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

EVENTS, PRODUCTS = "events.csv", "products.csv"
DELIMITER = "|"
EVENT_COLUMNS = ("uuid", "sourceprodid", "userevent", "clicked_epoch", "ontology", "price")
PRODUCT_COLUMNS = ("sourceprodid", "name", "ontology", "price")

VIEW, CART, BUY = "pageView", "addToCart", "buy"


class Category(NamedTuple):
    """A leaf of the ontology; `typical_price` is the median."""

    path: str
    typical_price: float


CATEGORIES = (
    Category("home/kitchen/pans", 40.0),
    Category("home/kitchen/knives", 60.0),
    Category("home/kitchen/coffee", 120.0),
    Category("home/garden/tools", 25.0),
    Category("home/garden/furniture", 180.0),
    Category("clothing/shoes/running", 110.0),
    Category("clothing/shoes/boots", 140.0),
    Category("clothing/outdoor/jackets", 160.0),
    Category("clothing/outdoor/socks", 12.0),
    Category("electronics/audio/headphones", 90.0),
    Category("electronics/audio/speakers", 200.0),
    Category("electronics/phones/cases", 20.0),
)

_NOW = 1_700_000_000
_DAYS = 30
_OWN_CATEGORY_SHARE = 0.8
_CART_SHARE, _BUY_SHARE = 0.25, 0.4
"""Of views that go on to the cart, and of carts that are bought."""

_PRICE_SPREAD = 0.5
_PRICE_TASTE = 0.4
"""Spread of the logarithm of prices within a category, and of those that one customer looks at."""


@dataclass(frozen=True)
class Shop:
    """Numbers of products, customers and clicks to generate."""

    n_customers: int = 2_000
    n_products: int = 600
    views_per_customer: int = 20
    seed: int = 42

    def write(self, folder: Path) -> None:
        """Write both files, the events in order of time."""
        chance = np.random.default_rng(self.seed)
        folder.mkdir(parents=True, exist_ok=True)
        shelf = _Shelf(self.n_products, chance)
        _write(folder / PRODUCTS, PRODUCT_COLUMNS, shelf.rows())
        clicks = [
            click
            for number in range(self.n_customers)
            for click in _clicks_of(f"c{number}", shelf, self.views_per_customer, chance)
        ]
        _write(folder / EVENTS, EVENT_COLUMNS, sorted(clicks, key=lambda click: click[3]))


class _Shelf:
    """All products; category number and price of each."""

    def __init__(self, n_products: int, chance: np.random.Generator) -> None:
        self.categories = np.arange(n_products) % len(CATEGORIES)
        typical = np.array([category.typical_price for category in CATEGORIES])[self.categories]
        self.prices = np.round(typical * chance.lognormal(0.0, _PRICE_SPREAD, n_products), 2)

    def rows(self) -> Iterable[Sequence[Any]]:
        """Yield products as the file has them."""
        for number, price in enumerate(self.prices.tolist()):
            path = CATEGORIES[self.categories[number]].path
            yield f"p{number}", f"{path.rpartition('/')[2]} no. {number}", path, price

    def weights(self, category: int, price: float) -> NDArray[np.float64]:
        """Return (n_products,) chances of being looked at by one who comes for a category at a price."""
        is_own = self.categories == category
        near = np.exp(-0.5 * (np.log(self.prices / price) / _PRICE_TASTE) ** 2) * is_own
        anything = np.full(len(self.prices), (1 - _OWN_CATEGORY_SHARE) / len(self.prices))
        return np.asarray(_OWN_CATEGORY_SHARE * near / near.sum() + anything)


def _clicks_of(
    customer: str, shelf: _Shelf, n_views: int, chance: np.random.Generator
) -> Iterable[tuple[str, str, str, int, str, float]]:
    category = int(chance.integers(len(CATEGORIES)))
    price = float(chance.choice(shelf.prices[shelf.categories == category]))
    viewed = chance.choice(len(shelf.prices), n_views, p=shelf.weights(category, price))
    epochs = np.sort(chance.integers(_NOW - _DAYS * 86_400, _NOW - 600, n_views))
    goes_on = chance.random((n_views, 2)) < (_CART_SHARE, _BUY_SHARE)
    for product, epoch, (to_cart, bought) in zip(viewed, epochs.tolist(), goes_on, strict=True):
        path = CATEGORIES[shelf.categories[product]].path
        done = (VIEW, CART, BUY)[: 1 + to_cart + (to_cart & bought)]
        for step, event in enumerate(done):
            # A minute or so from one step to the next.
            yield customer, f"p{product}", event, epoch + 60 * step, path, float(shelf.prices[product])


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=DELIMITER)
        writer.writerow(columns)
        writer.writerows(rows)
