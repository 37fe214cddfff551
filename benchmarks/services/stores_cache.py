"""Reading through the Redis port beside the bare driver, for `benchmarks.services.stores`."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import redis.asyncio

from streamrec.adapters.opening import open_cache, open_cache_publisher
from streamrec.adapters.redis.cache import RedisCache
from streamrec.adapters.redis.connection import address_of
from streamrec.domain.items.item import Item
from streamrec.ports import RankedItem

N_READS = 400

Result = dict[str, Any]


async def timed(ask: Callable[[int], Awaitable[object]], n_tasks: int = 1) -> Result:
    """Ask many times, so many side by side."""
    durations: list[float] = []

    async def work() -> None:
        for number in range(N_READS // n_tasks):
            started = time.perf_counter()
            await ask(number)
            durations.append((time.perf_counter() - started) * 1e3)

    await ask(0)
    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(n_tasks)))
    took_s = time.perf_counter() - began
    hundredths = statistics.quantiles(durations, n=100)
    return {"p50_ms": hundredths[49], "p99_ms": hundredths[98], "per_s": len(durations) / took_s}


async def measure_cache(url: str) -> Result:
    """Read items and rankings: bare, through the port, and from copies in the process."""
    bare = redis.asyncio.Redis.from_url(url, protocol=2)
    far, near = RedisCache(address_of(url)), open_cache(url)
    items = [
        Item(
            f"item-{number}",
            kind="film",
            title=f"Film {number}",
            text=None,
            categories=("drama",),
            is_hidden=False,
            attributes={"year": 1979},
        )
        for number in range(100)
    ]
    await far.put_items(items)
    await near.get_items(["item-0"])
    await asyncio.sleep(0.5)  # until it hears of changes, and so keeps copies
    publisher = open_cache_publisher(url)
    ranking = [RankedItem(f"item-{number}", 1000.5 - number / 7) for number in range(1000)]
    rankings = {"all": ranking, "day": ranking}
    rankings |= {f"{window}:{name}": ranking[:200] for window in ("all", "day") for name in range(20)}
    durations = []
    for _ in range(10):
        started = time.perf_counter()
        publisher.publish_popular(rankings)
        durations.append((time.perf_counter() - started) * 1e3)
    results: Result = {"publish_10000_ranked_ms_p50": statistics.median(durations)}
    for n in (14, 100):
        ids = [item.item_id for item in items[:n]]
        results[f"items_{n}"] = {
            "bare": await timed(lambda _, ids=ids: bare.mget([f"streamrec:item:{id_}" for id_ in ids])),  # type: ignore[misc]
            "port": await timed(lambda _, ids=ids: far.get_items(ids)),  # type: ignore[misc]
            "copies": await timed(lambda _, ids=ids: near.get_items(ids)),  # type: ignore[misc]
        }
    results["ranking_100"] = {
        "port": await timed(lambda _: far.popular("all", 100)),
        "copies": await timed(lambda _: near.popular("all", 100)),
    }
    publisher.close()
    for cache in (bare, far, near):
        await cache.aclose()
    return results
