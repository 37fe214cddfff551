"""Laws that the shop follows, each a function of its own: what they say is what tests hold the data to."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MONTHS = 12
_STAGE_GAP = 0.25
"""Mean time between two stages of one choice, in mean times between choices."""


def power_law(n: int, exponent: float) -> NDArray[np.float64]:
    """Return (n,) shares of ranks 1 to n, proportional to r^-exponent (Zipf 1949).

    >>> power_law(3, 1.0).round(3).tolist()
    [0.545, 0.273, 0.182]
    """
    weights = np.arange(1, n + 1, dtype=np.float64) ** -exponent
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


def months_apart(month: int, peaks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many months lie between, around the year: 0 to 6.

    >>> months_apart(0, np.array([0, 1, 11, 6])).tolist()
    [0, 1, 1, 6]
    """
    distance = np.abs(peaks - month) % MONTHS
    shorter: NDArray[np.int64] = np.minimum(distance, MONTHS - distance)
    return shorter


def attraction(month: int, peaks: NDArray[np.int64], decay: float) -> NDArray[np.float64]:
    """Return how much items draw in a month, 1 in their peak month and exp(-decay) of it a month away."""
    drawn: NDArray[np.float64] = np.exp(-decay * months_apart(month, peaks))
    return drawn


def season(month: int, peaks: NDArray[np.int64], strength: float) -> NDArray[np.float64]:
    """Return categories' traffic in a month, beside a mean of 1 over the year: a cosine around the peak.

    >>> season(3, np.array([3, 9]), 0.5).round(6).tolist()
    [1.5, 0.5]
    """
    waves: NDArray[np.float64] = 1 + strength * np.cos(2 * np.pi * (month - peaks) / MONTHS)
    return waves


def stage_chances(funnel: Sequence[float]) -> NDArray[np.float64]:
    """Return (stages,) chance of each stage after the one before; the first one is certain.

    >>> stage_chances([0.6, 0.3, 0.03]).tolist()
    [1.0, 0.5, 0.1]
    """
    amounts = np.array(funnel, np.float64)
    before = np.concatenate([amounts[:1], amounts[:-1]])
    chances: NDArray[np.float64] = np.divide(amounts, before, out=np.zeros_like(amounts), where=before > 0)
    return chances


def events_per_choice(funnel: Sequence[float]) -> float:
    """Return the mean number of events of a choice.

    >>> events_per_choice([0.6, 0.3, 0.1])
    1.6666666666666667
    """
    return float(np.cumprod(stage_chances(funnel)).sum())


def product_choices(product_share: float, products: Sequence[float], editorial: Sequence[float]) -> float:
    """Return the share of choices that are on products, for a share of *events* on products.

    >>> round(product_choices(0.8, [1, 1], [1]), 6)  # two events a product, one an editorial item
    0.666667
    """
    on_products = product_share / events_per_choice(products)
    on_editorial = (1 - product_share) / events_per_choice(editorial)
    return on_products / (on_products + on_editorial)


def group_shares(
    categories: NDArray[np.float64], subcategories: NDArray[np.float64], primary: float, preferred: float
) -> NDArray[np.float64]:
    """Return where users' choices of products fall, by the subcategory that they prefer.

    A share `primary` falls into the category of the preferred subcategory, and of it a share `preferred`
    into that subcategory; the rest of either goes to the others by their weights, if there are others.

    Parameters
    ----------
    categories
        (C,) weights of categories.
    subcategories
        (S,) weights of subcategories within each.

    Returns
    -------
    (C * S, C * S) rows by preferred subcategory, columns by the chosen one; each row adds up to 1.
    """
    outer = _own_and_others(categories, primary)
    inner = _own_and_others(subcategories, preferred)
    n_categories, n_subcategories = len(categories), len(subcategories)
    anywhere = subcategories / subcategories.sum()
    shape = (n_categories, n_subcategories, n_categories, n_subcategories)
    shares = np.broadcast_to(outer[:, None, :, None] * anywhere, shape).copy()
    own = np.arange(n_categories)
    shares[own, :, own, :] = outer[own, own][:, None, None] * inner[None]
    return shares.reshape(n_categories * n_subcategories, -1)


def _own_and_others(weights: NDArray[np.float64], own: float) -> NDArray[np.float64]:
    """Return (n, n): `own` on the diagonal, the rest of each row shared out by weight."""
    others = np.tile(weights, (len(weights), 1))
    np.fill_diagonal(others, 0)
    totals = others.sum(axis=1, keepdims=True)
    shares: NDArray[np.float64] = np.divide(
        (1 - own) * others, totals, out=np.zeros_like(others), where=totals > 0
    )
    np.fill_diagonal(shares, np.where(totals[:, 0] > 0, own, 1))
    return shares


def stage_gap_s(choice_gap_s: float) -> float:
    """Return the mean time between two stages of one choice, in seconds."""
    return _STAGE_GAP * choice_gap_s
