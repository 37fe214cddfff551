"""Streams with habits that films don't have: news that are old tomorrow, places and pages one returns to.

Nobody's behaviour, but its forms: each stream is drawn from a few laws that stand in its function. They show
whether a change that helps on films costs where things are otherwise.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

N_EVENTS = 12_000

Rows = list[tuple[int, int, float]]
"""Of user, item and second, in order of time."""


def news(chance: np.random.Generator) -> Rows:
    """Draw readers of news: an article comes every ten minutes, and is worth half an hour later by hour.

    A reader has two of twelve topics, and comes back for a sitting of some articles, a minute apart.
    """
    topics_of = [chance.choice(12, 2, replace=False) for _ in range(900)]
    topic_of: list[int] = []
    appeal_of: list[float] = []
    read: set[tuple[int, int]] = set()
    rows: Rows = []
    second, step_s, half_life_s = 0.0, 600.0, 3 * 3600.0
    while len(rows) < N_EVENTS:
        second += chance.exponential(90.0)
        while len(topic_of) < 40 + second / step_s:
            topic_of.append(int(chance.integers(12)))
            appeal_of.append(float(chance.pareto(1.2)) + 0.2)
        user = int(len(topics_of) * chance.random() ** 2)
        newest = np.arange(max(0, len(topic_of) - 300), len(topic_of))
        ages_s = second - np.maximum(newest - 40, 0) * step_s
        is_mine = np.isin(np.array(topic_of)[newest], topics_of[user])
        odds = np.array(appeal_of)[newest] * 0.5 ** (ages_s / half_life_s) * np.where(is_mine, 8.0, 1.0)
        odds[[(user, int(item)) in read for item in newest]] = 0.0
        n_read = min(int(chance.geometric(0.4)), 10, int(np.count_nonzero(odds)))
        for place, item in enumerate(chance.choice(newest, n_read, replace=False, p=odds / odds.sum())):
            read.add((user, int(item)))
            rows.append((user, int(item), second + 60.0 * place))
    return sorted(rows, key=lambda row: row[2])


def check_ins(chance: np.random.Generator) -> Rows:
    """Draw people who go to places: every other time to one of their own, else near where they were last."""
    places, appeal = chance.random((2_000, 2)), chance.pareto(1.1, 2_000) + 0.1
    homes = chance.random((500, 2))
    own: list[list[int]] = [[] for _ in homes]
    rows: Rows = []
    for number in range(N_EVENTS):
        user = int(chance.integers(len(homes)))
        if own[user] and chance.random() < 0.5:
            item = int(chance.choice(own[user]))
        else:
            here = places[own[user][-1]] if own[user] and chance.random() < 0.5 else homes[user]
            odds = appeal * np.exp(-np.linalg.norm(places - here, axis=1) / 0.06)
            item = int(chance.choice(len(places), p=odds / odds.sum()))
        own[user].append(item)
        rows.append((user, item, number * 300.0))
    return rows


def edits(chance: np.random.Generator) -> Rows:
    """Draw writers of pages: half of all edits are of the page before, others of one it links to, or any."""
    links = chance.integers(0, 4_000, (4_000, 6))
    appeal = 1.0 / np.arange(1, 4_001) ** 0.8
    appeal /= appeal.sum()
    last: dict[int, int] = {}
    rows: Rows = []
    for number in range(N_EVENTS):
        user, luck = int(chance.zipf(1.4)) % 800, chance.random()
        before = last.get(user)
        if before is not None and luck < 0.5:
            item = before
        elif before is not None and luck < 0.8:
            item = int(chance.choice(links[before]))
        else:
            item = int(chance.choice(4_000, p=appeal))
        last[user] = item
        rows.append((user, item, number * 20.0))
    return rows


MADE_UP: dict[str, Callable[[np.random.Generator], Rows]] = {
    "made-up news": news,
    "made-up check-ins": check_ins,
    "made-up edits": edits,
}


def write_made_up(name: str, file: Path, seed: int = 42) -> None:
    """Draw a stream of `MADE_UP` into a Parquet file."""
    users, items, seconds = zip(*MADE_UP[name](np.random.default_rng(seed)), strict=True)
    table = pa.table(
        {
            "user_id": [f"u{user}" for user in users],
            "item_id": [f"i{item}" for item in items],
            "timestamp": [1_700_000_000.0 + second for second in seconds],
        }
    )
    pq.write_table(table, file)
