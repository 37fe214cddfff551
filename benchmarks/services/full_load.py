"""Answers of a recommender over servers beside those of one over SQLite: same machine, users and items."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.services.stack import (
    EXPECTED,
    INDEX,
    ITEM_PREFIX,
    N_ITEMS,
    N_USERS,
    PATH,
    RECOMMENDER,
    wait_until_idle,
)
from benchmarks.serving.recommendations import load, wait_for_items
from benchmarks.serving.stack import environment_of, locations_in, served, write_items
from benchmarks.trainer.prepare import prepare
from streamrec.cli.launch.local_servers import free_port

TURNS = 3

Result = dict[str, Any]


def measure_full_load(port: int, seconds: float) -> Result:
    """Keep 16 connections busy, by turns with a recommender over SQLite; nothing is learned meanwhile."""
    services, embedded = list[Result](), list[Result]()
    with _embedded() as other:
        for turn in range(TURNS):
            options = {"seconds": seconds, "first": turn * N_USERS // TURNS, "below": N_USERS}
            services.append(load(port, PATH, EXPECTED, **options))
            embedded.append(load(other, PATH, EXPECTED, **options))
    ratios = [one["per_s"] / two["per_s"] for one, two in zip(services, embedded, strict=True)]
    return {
        "per_s": median(one["per_s"] for one in services),
        "embedded_per_s": median(one["per_s"] for one in embedded),
        "ratio": median(ratios),
        "ratios": ratios,
        "n_failed": sum(one["n_failed"] for one in (*services, *embedded)),
        "p50_ms": median(one["p50_ms"] for one in services),
        "p99_ms": median(one["p99_ms"] for one in services),
    }


@contextmanager
def _embedded() -> Iterator[int]:
    """Serve the same generation out of files, with an index over HTTP as there; yield the port once idle."""
    with tempfile.TemporaryDirectory() as folder:
        index_port, port = free_port(), free_port()
        locations = locations_in(Path(folder), index_port)
        prepare(locations, N_USERS, N_ITEMS, is_shaped=True)
        asyncio.run(write_items(locations, N_ITEMS, ITEM_PREFIX))
        environment = environment_of(locations)
        with served(INDEX, index_port, environment), served(RECOMMENDER, port, environment) as process:
            load(port, PATH, seconds=2, below=N_USERS)  # warm
            wait_for_items(port, "user-0")
            wait_until_idle(process.pid)
            yield port
