"""Products and editorial items of the shop, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.configuration.generator_section import GeneratorSection
from lab.generator.laws import MONTHS
from lab.generator.seeds import CATALOG, generator_for

_CATEGORY_NAMES = (
    "electronics", "fashion", "home", "garden", "sports", "toys", "books", "beauty", "grocery", "tools",
)  # fmt: skip
_PRICE_SPREAD = 0.3
"""Standard deviation of the logarithm of prices within a tier."""


@dataclass(frozen=True, eq=False)
class Products:
    """P products. A group is a subcategory: group g belongs to category g // `n_subcategories`.

    Attributes
    ----------
    groups, ranks
        (P,) int64 group, and rank within it from 1.
    peaks
        (P,) int64 month of the year in which each draws most, from 0.
    brands, tiers
        (P,) int64.
    prices
        (P,) float64.
    """

    groups: NDArray[np.int64]
    ranks: NDArray[np.int64]
    peaks: NDArray[np.int64]
    brands: NDArray[np.int64]
    tiers: NDArray[np.int64]
    prices: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Editorial:
    """E editorial items.

    Attributes
    ----------
    kinds
        (E,) int64 positions among the kinds of the configuration.
    ranks, peaks
        (E,) int64, as of products; ranks are among all of them.
    topics
        (E, C) bool: which categories an item is about.
    """

    kinds: NDArray[np.int64]
    ranks: NDArray[np.int64]
    peaks: NDArray[np.int64]
    topics: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Catalog:
    """All items, and the months in which categories have their season.

    Attributes
    ----------
    season_peaks
        (C,) int64 months.
    """

    products: Products
    editorial: Editorial
    season_peaks: NDArray[np.int64]


def draw_catalog(settings: GeneratorSection) -> Catalog:
    """Return the items that settings make."""
    random = generator_for(settings.seed, CATALOG)
    season_peaks = random.permutation(np.arange(settings.n_categories) % MONTHS)
    return Catalog(_products(settings, random), _editorial(settings, random), season_peaks)


def category_name(category: int) -> str:
    """Return a category's name.

    >>> category_name(0), category_name(10)
    ('electronics', 'category-11')
    """
    known = category < len(_CATEGORY_NAMES)
    return _CATEGORY_NAMES[category] if known else f"category-{category + 1}"


def item_ids(letter: str, n: int) -> list[str]:
    """Return ids of n items, or users, of one kind; kinds differ in their letter.

    >>> item_ids("p", 2), item_ids("e", 11)[-1]
    (['p0', 'p1'], 'e10')
    """
    width = len(str(max(n - 1, 0)))
    return [f"{letter}{number:0{width}}" for number in range(n)]


def _products(settings: GeneratorSection, random: np.random.Generator) -> Products:
    n, n_groups = settings.n_products, settings.n_categories * settings.n_subcategories
    numbers = random.permutation(n)  # an id must not tell how popular an item is
    groups = numbers % n_groups
    tiers = random.integers(len(settings.price_tiers), size=n)
    middles = np.array(list(settings.price_tiers.values()))[tiers]
    prices = (middles * np.exp(random.normal(0, _PRICE_SPREAD, n))).round(2)
    return Products(
        groups=groups,
        ranks=numbers // n_groups + 1,
        peaks=random.integers(MONTHS, size=n),
        brands=_brands(groups // settings.n_subcategories, settings, random),
        tiers=tiers,
        prices=prices,
    )


def _brands(
    categories: NDArray[np.int64], settings: GeneratorSection, random: np.random.Generator
) -> NDArray[np.int64]:
    """Return a brand for each product; where there are enough, each category has brands of its own."""
    edges = np.arange(settings.n_categories + 1) * settings.n_brands // settings.n_categories
    begins = np.minimum(edges[categories], settings.n_brands - 1)
    n_each = np.maximum(edges[categories + 1] - begins, 1)
    brands: NDArray[np.int64] = begins + (random.random(len(categories)) * n_each).astype(np.int64)
    return brands


def _editorial(settings: GeneratorSection, random: np.random.Generator) -> Editorial:
    n, n_categories = settings.n_editorial, settings.n_categories
    kind_shares = _normalized(list(settings.editorial_kinds.values()))
    n_topics = random.integers(settings.min_topics, settings.max_topics + 1, size=n)
    # The categories in an order of chance, of which the first so many are the topics.
    places = random.random((n, n_categories)).argsort(axis=1).argsort(axis=1)
    return Editorial(
        kinds=random.choice(len(kind_shares), size=n, p=kind_shares),
        ranks=random.permutation(n) + 1,
        peaks=random.integers(MONTHS, size=n),
        topics=places < n_topics[:, None],
    )


def _normalized(shares: Sequence[float]) -> NDArray[np.float64]:
    weights = np.array(shares, np.float64)
    normalized: NDArray[np.float64] = weights / weights.sum()
    return normalized
