"""Features of users and of items, a column each."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lab.configuration.result_sections import FeaturesSection
from lab.features.past import DAY_S, NO_CATEGORY, Past, counted, distinct_pairs, first_and_last, summed

TYPES = ("impression", "click", "cart", "purchase", "read")
"""Types that are counted apart: a fixed list, since the types that will come are not known yet."""

_PRIOR = 10.0
"""Impressions, or clicks, until an item's own rate weighs as much as that of all items."""

Columns = dict[str, NDArray[np.float64] | NDArray[np.int64] | NDArray[np.object_]]


def user_features(past: Past, settings: FeaturesSection) -> Columns:
    """Return features of users with events, and their numbers as ``row``.

    Beside counts and ages: `n_sessions`; `n_items` distinct ones; `spent`, the sum of purchases' values;
    `main_category`, the one with most events, None if no item has any, and its share; `category_entropy` in
    nats.
    """
    rows, n = past.users, past.n_users
    columns = _activity(past, rows, n, settings)
    sessions, _, _ = distinct_pairs(rows, past.sessions - past.sessions.min(initial=0))
    items, _, _ = distinct_pairs(rows, past.items)
    columns["n_sessions"] = counted(sessions, n)
    columns["n_items"] = counted(items, n)
    columns["spent"] = _spent(past, rows, n)
    columns |= _categories(past)
    return _of_active(columns, counted(rows, n))


def item_features(past: Past, settings: FeaturesSection) -> Columns:
    """Return features of items with events, and their numbers as ``row``.

    Beside counts and ages: `n_users` distinct ones; `earned`, the sum of purchases' values; `click_rate` per
    impression and `purchase_rate` per click, drawn to the rate of all items; `trend`, the share of the
    shortest window's events in the longest's, beside what an even flow would have; `popularity`, the share of
    items with no more events that fade.
    """
    rows, n = past.items, past.n_items
    columns = _activity(past, rows, n, settings)
    users, _, _ = distinct_pairs(rows, past.users)
    columns["n_users"] = counted(users, n)
    columns["earned"] = _spent(past, rows, n)
    columns["click_rate"] = _rate(columns["n_click"], columns["n_impression"])
    columns["purchase_rate"] = _rate(columns["n_purchase"], columns["n_click"])
    columns["trend"] = _trend(columns, settings.windows_days)
    found = _of_active(columns, counted(rows, n))
    faded = found["n_fading"]
    found["popularity"] = np.sort(faded).searchsorted(faded, side="right") / max(len(faded), 1)
    return found


FEATURES: dict[str, Callable[[Past, FeaturesSection], Columns]] = {
    "users": user_features,
    "items": item_features,
}


def _activity(past: Past, rows: NDArray[np.int64], n: int, settings: FeaturesSection) -> Columns:
    """Return counts by type, by window and fading ones, and ages in days."""
    columns: Columns = {"n_events": counted(rows, n)}
    for type_ in TYPES:
        columns[f"n_{type_}"] = counted(rows, n, past.is_of(type_))
    for days in settings.windows_days:
        columns[f"n_last_{days}d"] = counted(rows, n, past.is_within(days))
    ages = (past.moment - past.timestamps) / DAY_S
    columns["n_fading"] = summed(rows, n, 0.5 ** (ages / settings.half_life_days))
    first, last = first_and_last(rows, n, past.timestamps)
    columns["days_since_first"] = (past.moment - first) / DAY_S
    columns["days_since_last"] = (past.moment - last) / DAY_S
    return columns


def _spent(past: Past, rows: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    is_purchase = past.is_of("purchase")
    return summed(rows[is_purchase], n, past.values[is_purchase])


def _categories(past: Past) -> Columns:
    """Return each user's main category, its share, and the entropy of all."""
    is_known = past.categories != NO_CATEGORY
    users, categories, counts = distinct_pairs(past.users[is_known], past.categories[is_known])
    totals = counted(past.users, past.n_users, is_known)
    shares = counts / totals[users]
    entropy = summed(users, past.n_users, -shares * np.log(shares))
    main, share = np.full(past.n_users, None, np.object_), np.zeros(past.n_users)
    # The largest count comes last, and of equal ones the category first in the alphabet, and stays.
    order = np.lexsort((-categories, counts))
    main[users[order]] = np.array(past.category_names, np.object_)[categories[order]]
    share[users[order]] = shares[order]
    return {"main_category": main, "main_category_share": share, "category_entropy": np.maximum(entropy, 0)}


def _rate(
    n: NDArray[np.float64] | NDArray[np.int64] | NDArray[np.object_],
    of: NDArray[np.float64] | NDArray[np.int64] | NDArray[np.object_],
) -> NDArray[np.float64]:
    """Return rates, each drawn to the rate of all."""
    overall = n.sum() / max(of.sum(), 1)
    rates: NDArray[np.float64] = (n + _PRIOR * overall) / (of + _PRIOR)
    return rates


def _trend(columns: Columns, windows: list[int]) -> NDArray[np.float64]:
    if not windows:
        return np.ones(len(columns["n_events"]))
    short, long = columns[f"n_last_{windows[0]}d"], columns[f"n_last_{windows[-1]}d"]
    even = windows[0] / windows[-1]
    trend: NDArray[np.float64] = (short + even) / (long + 1.0) / even
    return trend


def _of_active(columns: Columns, n_events: NDArray[np.int64]) -> Columns:
    """Return the rows of those who have events."""
    rows = np.flatnonzero(n_events)
    return {"row": rows, **{name: column[rows] for name, column in columns.items()}}
