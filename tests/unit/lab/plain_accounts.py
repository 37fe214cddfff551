"""The models' arithmetic once more, as plain as can be: loops over dense arrays, and no shortcut."""

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.interaction import Interaction

Cells = NDArray[np.float64]


def history(seed: int, n_events: int = 300, n_users: int = 15, n_items: int = 20) -> list[Interaction]:
    """Return a random history with repeats; some events have no value, some a negative one."""
    random = np.random.default_rng(seed)
    users = random.integers(0, n_users, n_events)
    items = (n_items * random.random(n_events) ** 2).astype(int)
    values = np.round(random.normal(3.0, 3.0, n_events), 2)
    return [
        Interaction(f"u{user}", f"i{item}", float(n), value=None if random.random() < 0.2 else float(value))
        for n, (user, item, value) in enumerate(zip(users, items, values, strict=True))
    ]


def cells(events: Sequence[Interaction], how: str) -> tuple[list[str], list[str], Cells]:
    """Return users, items (both in order of appearance) and counts or mean values, NaN where nothing is."""
    users = list(dict.fromkeys(event.user_id for event in events))
    items = list(dict.fromkeys(event.item_id for event in events))
    gathered: dict[tuple[str, str], list[float]] = defaultdict(list)
    for event in events:
        if how == "count":
            gathered[event.user_id, event.item_id].append(1.0)
        elif event.value is not None and not math.isnan(event.value):
            gathered[event.user_id, event.item_id].append(event.value)
    table = np.full((len(users), len(items)), np.nan)
    for (user, item), amounts in gathered.items():
        total = sum(amounts)
        table[users.index(user), items.index(item)] = total if how == "count" else total / len(amounts)
    return users, items, table


def similarity(x: Cells, y: Cells, measure: str, shrinkage: float, *, is_missing_aware: bool) -> float:
    """Return the similarity of two rows, NaN where unknown; cells that are missing are NaN."""
    both = ~np.isnan(x) & ~np.isnan(y)
    n = int(both.sum())
    if is_missing_aware:
        if n == 0:
            return math.nan
        x, y = x[both], y[both]
        distance = math.sqrt(float(((x - y) ** 2).mean()))
    else:
        if np.isnan(x).all() or np.isnan(y).all():
            return math.nan
        if n == 0:
            return 0.0
        x, y = np.nan_to_num(x), np.nan_to_num(y)
        distance = math.sqrt(float(((x - y) ** 2).sum()))
    lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
    cosine = float(x @ y) / lengths if lengths else 0.0
    return (cosine if measure == "cosine" else 1 / (1 + distance)) * n / (n + shrinkage)


def all_pairs(rows: Cells, measure: str, shrinkage: float, *, is_missing_aware: bool) -> Cells:
    """Return (N, N) similarities."""
    return np.array(
        [
            [similarity(x, y, measure, shrinkage, is_missing_aware=is_missing_aware) for y in rows]
            for x in rows
        ]
    )


def ranked(scores: Cells, own: int | None, k: int) -> list[int]:
    """Return the columns of up to k scores above 0, best first, equal ones by column."""
    columns = [n for n, score in enumerate(scores.tolist()) if score > 0 and n != own]
    return sorted(columns, key=lambda n: (-scores[n], n))[:k]
