"""Ratios of hot paths: what each costs, over what a bare reference costs that took its turns in the same run.

``python -m benchmarks.quick.ratios NAME`` measures one part, in a process of its own, and prints JSON. In
every ratio more is worse.
"""

import asyncio
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import faiss
import numpy as np
import torch

from benchmarks.index.hop import measure_hop
from benchmarks.learning.speed import N_USERS, bare_loops, learner_of, race
from benchmarks.serving import freshness, recommendations
from benchmarks.serving.served_list import begun, measured
from benchmarks.serving.served_list_world import Case, K, World, made_world
from benchmarks.serving.stack import Sizes
from benchmarks.trainer.throughput import measure, prepare
from streamrec.settings.processes import LearningSettings

Ratios = Mapping[str, float]
"""Ratio by the name of the figure."""

N_BARE_ITEMS = 500

N_WARMING = 100
"""Lists until everybody has asked once."""


def served_list() -> Ratios:
    """Compare the processor time of a list of ten with that of the least that could be called one."""
    world = made_world()
    gc.collect()
    gc.freeze()
    lists, bare = asyncio.run(_lists_and_bare(world))
    return {"served_list": statistics.median(lists) / statistics.median(bare)}


async def _lists_and_bare(world: World) -> tuple[list[float], list[float]]:
    case, lists, bare = Case(100), list[float](), list[float]()
    async with begun(world) as serving:
        await measured(serving, case, N_WARMING)
        for _ in range(5):
            lists += await measured(serving, case, 100)
            bare += bare_lists(400)
    return lists, bare


def bare_lists(n_lists: int) -> list[float]:
    """Return the milliseconds that each list took which scores, sorts, looks up and encodes, and no more."""
    chance = np.random.default_rng(5)
    vectors, user = chance.random((N_BARE_ITEMS, 64), np.float32), chance.random(64, np.float32)
    items = {f"item-{row}": {"title": f"Film number {row}", "year": 1950} for row in range(N_BARE_ITEMS)}
    durations = []
    for _ in range(n_lists):
        started = time.thread_time()
        scores = dict(zip(items, (vectors @ user).tolist(), strict=True))
        best = sorted(scores, key=lambda item_id: -scores[item_id])[:K]
        json.dumps([{"item_id": item_id, "score": scores[item_id], **items[item_id]} for item_id in best])
        durations.append((time.thread_time() - started) * 1e3)
    return durations


def served() -> Ratios:
    """Compare requests a second, and the slowest of a hundred, with those of a bare Falcon app."""
    sizes, worker = Sizes(10_000, 2_000), recommendations.UVICORN
    with recommendations.populated(sizes) as stack, recommendations.recommending(stack, worker) as port:
        found = recommendations.measure_throughput(worker, sizes, port, seconds=3.0, turns=3)
    return {
        "recommendations": 1 / found["ratio"],
        "recommendations_p99": found["p99_ms"] / found["bare_p99_ms"],
    }


def learner() -> Ratios:
    """Compare an event that is learned with one in the fastest of three bare loops."""
    torch.set_num_threads(1)
    settings = LearningSettings()
    bare = bare_loops(settings.embedding_dim)
    speeds = race({**bare, "learner": learner_of(N_USERS, settings)}, rounds=5)
    return {"learner": max(speeds[name] for name in bare) / speeds["learner"]}


def trainer() -> Ratios:
    """Compare the processor time of an event in the whole trainer with one in the fastest bare loop."""
    torch.set_num_threads(1)
    bare = race(bare_loops(LearningSettings().embedding_dim), rounds=3)
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(Path(folder), (10_000, 10_000), n_events=30_000)
        costs_us = [measure(prepared)["cpu_us_per_event"] for _ in range(3)]
    return {"trainer": statistics.median(costs_us) * max(bare.values()) / 1e6}


def index_hop() -> Ratios:
    """Compare a search over HTTP, less an empty request, with the same search in process."""
    faiss.omp_set_num_threads(1)
    return {"index_hop": measure_hop("as learned", 20_000)["ratio"]}


def fresh() -> Ratios:
    """Compare the way from an event to the user's published state with an empty request to the server."""
    found = freshness.measured(n_probes=100)
    return {"freshness": found["published_p50_ms"] / found["empty_request_ms_p50"]}


PARTS: Mapping[str, Callable[[], Ratios]] = {
    "served_list": served_list,
    "served": served,
    "learner": learner,
    "trainer": trainer,
    "index_hop": index_hop,
    "fresh": fresh,
}


if __name__ == "__main__":
    print(json.dumps(PARTS[sys.argv[1]]()))
