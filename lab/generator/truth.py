"""The truth behind the shop: what users prefer and how items draw, for whoever simulates their clicks.

::

    truth/users.parquet   user_id, primary_category, preferred_subcategory, activity, arrival (Unix seconds)
    truth/items.parquet   item_id, is_product, group (subcategory; -1 of editorial items), rank, peak_month
                          (1 to 12)

Columns that end in ``_after`` hold what the change of laws made of them.
"""

from pathlib import Path

import numpy as np
import pyarrow
from numpy.typing import NDArray

from lab.configuration.generator_section import GeneratorSection
from lab.generator.catalog import category_name, item_ids
from lab.generator.choice_tables import product_weights, taste_shares
from lab.generator.item_texts import subcategory_name
from lab.generator.laws import season
from lab.generator.shop import Shop
from lab.generator.slices import span_of
from lab.steps.tables import write_table


class Truth:
    """Chances of what users choose, drawn again from the settings of the data.

    Parameters
    ----------
    settings
        Of the data, as its manifest has them.
    """

    def __init__(self, settings: GeneratorSection) -> None:
        self._shop = Shop.of(settings)
        self._settings = settings
        self.product_ids = item_ids("p", settings.n_products)
        self.user_ids = item_ids("u", settings.n_users)

    def affinities(
        self, users: NDArray[np.int64], month: int, *, is_drifted: bool = False
    ) -> NDArray[np.float64]:
        """Return the chance of each product to be what a user chooses, when the user chooses a product.

        Parameters
        ----------
        users
            (B,) positions in `user_ids`.
        month
            Of the year, from 0.
        is_drifted
            After the change of laws, instead of before it.

        Returns
        -------
        (B, P); each row adds up to 1.
        """
        settings, shop = self._settings, self._shop
        products = shop.drifted_products if is_drifted else shop.catalog.products
        population = shop.drifted_population if is_drifted else shop.population
        traffic = season(month, shop.catalog.season_peaks, settings.season_strength)
        shares = taste_shares(settings, traffic)
        weights = product_weights(products, settings, month)
        within = weights / np.bincount(products.groups, weights)[products.groups]
        chances: NDArray[np.float64] = shares[population.preferred[users]][:, products.groups] * within
        return chances


def write_truth(shop: Shop, folder: Path) -> None:
    """Write the truth as tables."""
    write_table(folder / "truth" / "users.parquet", _users(shop))
    write_table(folder / "truth" / "items.parquet", _items(shop))


def _users(shop: Shop) -> pyarrow.Table:
    settings, span = shop.settings, span_of(shop.settings)
    columns: dict[str, object] = {"user_id": item_ids("u", settings.n_users)}
    for suffix, population in (("", shop.population), ("_after", shop.drifted_population)):
        groups = population.preferred.tolist()
        columns[f"primary_category{suffix}"] = [category_name(g // settings.n_subcategories) for g in groups]
        columns[f"preferred_subcategory{suffix}"] = [subcategory_name(g, settings) for g in groups]
    columns["activity"] = shop.population.activity
    columns["arrival"] = span.begin + shop.population.arrivals * (span.end - span.begin)
    return pyarrow.table(columns)


def _items(shop: Shop) -> pyarrow.Table:
    products, editorial = shop.catalog.products, shop.catalog.editorial
    n_products, n_editorial = len(products.ranks), len(editorial.ranks)
    return pyarrow.table(
        {
            "item_id": item_ids("p", n_products) + item_ids("e", n_editorial),
            "is_product": np.arange(n_products + n_editorial) < n_products,
            "group": np.concatenate([products.groups, np.full(n_editorial, -1)]),
            "rank": np.concatenate([products.ranks, editorial.ranks]),
            "rank_after": np.concatenate([shop.drifted_products.ranks, editorial.ranks]),
            "peak_month": np.concatenate([products.peaks, editorial.peaks]) + 1,
        }
    )
