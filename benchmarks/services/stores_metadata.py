"""Share of answers that wait for item metadata, which the process meets for the first time."""

import asyncio
from typing import Any

import numpy as np
import redis.asyncio

from streamrec.adapters.memory.store import MemoryStore
from streamrec.adapters.opening import open_cache
from streamrec.serving.guard import Guard
from streamrec.serving.item_reader import ItemReader
from streamrec.telemetry import NullMetrics

N_CANDIDATES = 14
N_ANSWERS = 6000
STEP = 1000


async def measure_first_sights(url: str, n_items: int) -> list[float]:
    """Return, for each thousand answers of a fresh process, the share that asked Redis for metadata.

    Candidates are drawn by Zipf's law (exponent 1) among `n_items`; every such answer waits for one round
    trip, and for a second where Redis does not know the item either.
    """
    chance = np.random.default_rng(5)
    weights = 1 / np.arange(1, n_items + 1)
    weights /= weights.sum()
    cache = open_cache(url)
    guard = Guard("cache", 5.0, NullMetrics())
    reader = ItemReader(cache, guard, MemoryStore(), guard, NullMetrics())
    counting = redis.asyncio.Redis.from_url(url, protocol=2)
    await cache.get_items(["nothing"])
    await asyncio.sleep(0.5)  # until it hears of changes, and so keeps copies
    shares = []
    for _ in range(N_ANSWERS // STEP):
        before = await _n_reads(counting)
        for _ in range(STEP):
            rows = chance.choice(n_items, N_CANDIDATES, replace=False, p=weights)
            await reader.read([f"item-{n_items}-{row}" for row in rows.tolist()])
            await asyncio.sleep(0)
        await reader.aclose()
        shares.append((await _n_reads(counting) - before) / STEP)
    await counting.aclose()
    await cache.aclose()
    return shares


async def _n_reads(client: "redis.asyncio.Redis") -> int:
    statistics: dict[str, Any] = await client.info("commandstats")
    return int(statistics.get("cmdstat_mget", {"calls": 0})["calls"])
