"""Tables that choices of one month are drawn from: from a user's taste to a group, from it to an item."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.configuration.generator_section import GeneratorSection
from lab.generator.catalog import Catalog, Editorial, Products
from lab.generator.laws import attraction, group_shares, power_law, season

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]


class RowTable:
    """R distributions, one a row, each over members of its own.

    Parameters
    ----------
    rows
        (M,) int64 row of each member.
    members
        (M,) int64 what is drawn.
    weights
        (M,) float64; those of a row need not add up to 1. Each row that is drawn from has one above 0.
    n_rows
        R.
    """

    def __init__(self, rows: _Ints, members: _Ints, weights: _Floats, n_rows: int) -> None:
        order = np.argsort(rows, kind="stable")
        rows, self._members, weights = rows[order], members[order], weights[order]
        totals = np.bincount(rows, weights, n_rows)
        self.has_members: NDArray[np.bool_] = totals > 0
        shares = np.divide(weights, totals[rows], out=np.zeros_like(weights), where=totals[rows] > 0)
        self._ends = np.searchsorted(rows, np.arange(n_rows), side="right")
        begins = self._ends - np.bincount(rows, minlength=n_rows)
        sums = np.concatenate([[0.0], np.cumsum(shares)])
        # Row r goes from r to r + 1: one sorted array, and one search for choices of all rows.
        self._edges = rows + np.minimum(sums[1:] - sums[begins][rows], 1.0)
        self._rows = rows

    def draw(self, rows: _Ints, chances: _Floats) -> _Ints:
        """Return (N,) a member for each of N rows, by chances in [0, 1)."""
        # Rounding may leave the last edge of a row below 1: what falls behind it is of the row's last member.
        found = np.minimum(self._edges.searchsorted(rows + chances, side="right"), self._ends[rows] - 1)
        drawn: _Ints = self._members[found]
        return drawn


@dataclass(frozen=True, eq=False)
class MonthTables:
    """Laws of one month, ready to draw from.

    Attributes
    ----------
    groups
        Preferred group -> group of a product.
    products
        Group -> product.
    editorial
        2 * category + 1 -> item about the category; 2 * category -> item about others.
    traffic
        (C,) float64 season of each category.
    """

    groups: RowTable
    products: RowTable
    editorial: RowTable
    traffic: _Floats


def taste_shares(settings: GeneratorSection, traffic: _Floats) -> _Floats:
    """Return (G, G) where choices of products fall, by preferred group, in a month with this traffic."""
    categories = power_law(settings.n_categories, settings.category_exponent) * traffic
    subcategories = power_law(settings.n_subcategories, settings.category_exponent)
    return group_shares(categories, subcategories, settings.primary_affinity, settings.preferred_affinity)


def product_weights(products: Products, settings: GeneratorSection, month: int) -> _Floats:
    """Return (P,) weights of products within their groups in a month."""
    popularity = products.ranks.astype(np.float64) ** -settings.product_exponent
    return popularity * attraction(month, products.peaks, settings.peak_decay)


def editorial_weights(editorial: Editorial, settings: GeneratorSection, month: int) -> _Floats:
    """Return (E,) weights of editorial items in a month, however many there are."""
    popularity = editorial.ranks.astype(np.float64) ** -settings.editorial_exponent
    return popularity * attraction(month, editorial.peaks, settings.peak_decay)


def month_tables(catalog: Catalog, products: Products, settings: GeneratorSection, month: int) -> MonthTables:
    """Return the tables of a month of the year, counted from 0.

    Parameters
    ----------
    products
        Those of the catalogue, or as they are after the change of laws.
    """
    n_groups = settings.n_categories * settings.n_subcategories
    traffic = season(month, catalog.season_peaks, settings.season_strength)
    preferred, chosen = (axis.ravel() for axis in np.indices((n_groups, n_groups)))
    n_products = len(products.groups)
    topics = catalog.editorial.topics
    items, categories = (axis.ravel() for axis in np.indices(topics.shape))
    weights = editorial_weights(catalog.editorial, settings, month)
    return MonthTables(
        RowTable(preferred, chosen, taste_shares(settings, traffic).ravel(), n_groups),
        RowTable(
            products.groups, np.arange(n_products), product_weights(products, settings, month), n_groups
        ),
        RowTable(2 * categories + topics.ravel(), items, weights[items], 2 * settings.n_categories),
        traffic,
    )
