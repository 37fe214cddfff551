"""Recall and time of searches in process, with each user's 200 nearest items left out."""

import threading
import time
from typing import Any

import numpy as np

from benchmarks.index.vectors import N_EXCLUDED, SHAPES, D, K, Vectors, items, nearest, users
from streamrec.adapters.faiss.index import FaissIndex

_N_USERS = 200


def measure_size(n: int, shape_name: str) -> dict[str, Any]:
    """Build an index of `n` items; return its recall@10 and its time a search, on one thread."""
    shape, chance = SHAPES[shape_name], np.random.default_rng(n)
    vectors = items(n, shape, chance)
    ids = [f"item-{row}" for row in range(n)]
    index = FaissIndex(D + 1, users(256, shape, chance))
    start = time.perf_counter()
    index.upsert(ids, vectors)
    index.maintain()
    build_s = time.perf_counter() - start
    figures = recall_and_time(index, ids, vectors, users(_N_USERS, shape, chance))
    stats = index.stats()
    return {
        "n_items": n,
        "vectors": shape_name,
        "kind": stats.kind,
        "build_s": build_s,
        "n_lists": stats.n_lists,
        "n_probes": stats.n_probes,
        "recall_told_by_index": stats.recall_at_10,
        **figures,
    }


def recall_and_time(
    index: FaissIndex, ids: list[str], vectors: Vectors, queries: Vectors
) -> dict[str, float]:
    """Compare with exact search; `ids` and `vectors` are what the index should hold."""
    durations, cpu_s = [], []
    n_found = 0
    for query in queries:
        best = [ids[row] for row in nearest(vectors, query, N_EXCLUDED + K)]
        start, cpu_start = time.perf_counter(), time.thread_time()
        found = index.search(query, K, best[:N_EXCLUDED])
        cpu_s.append(time.thread_time() - cpu_start)
        durations.append(time.perf_counter() - start)
        n_found += len(set(found.ids) & set(best[N_EXCLUDED:]))
    return {
        "recall_at_10": n_found / (K * len(queries)),
        "search_ms_p50": float(np.median(durations)) * 1e3,
        # Less what other processes on a shared machine took.
        "search_cpu_ms_p50": float(np.median(cpu_s)) * 1e3,
        "search_ms_p99": float(np.quantile(durations, 0.99)) * 1e3,
    }


def measure_growth() -> list[dict[str, Any]]:
    """Grow an index over every threshold, while it builds, then delete a fifth."""
    shape, chance = SHAPES["hard"], np.random.default_rng(1)
    index = FaissIndex(D + 1, users(256, shape, chance))
    ids: list[str] = []
    vectors = np.empty((0, D + 1), np.float32)
    steps = []
    for n in (5_000, 19_000, 25_000, 55_000, 110_000):
        added = items(n - len(ids), shape, chance)
        added_ids = [f"item-{row}" for row in range(len(ids), n)]
        ids, vectors = ids + added_ids, np.vstack([vectors, added])
        index.upsert(added_ids, added)
        visible_s = _maintain_and_watch(index)
        steps.append(_growth_step(f"grown to {n}", index, ids, vectors, visible_s))
    is_gone = chance.random(len(ids)) < 0.2
    index.delete([ids[row] for row in np.flatnonzero(is_gone)])
    ids, vectors = [ids[row] for row in np.flatnonzero(~is_gone)], vectors[~is_gone]
    steps.append(_growth_step("20 % deleted", index, ids, vectors, _maintain_and_watch(index)))
    return steps


def _growth_step(
    name: str, index: FaissIndex, ids: list[str], vectors: Vectors, visible_s: float
) -> dict[str, Any]:
    figures = recall_and_time(index, ids, vectors, users(100, SHAPES["hard"], np.random.default_rng(2)))
    return {"step": name, "kind": index.stats().kind, **figures, "visible_ms_max": visible_s * 1e3}


def _maintain_and_watch(index: FaissIndex) -> float:
    """Let the index adapt; return the longest that a change took to be visible meanwhile."""
    maintaining = threading.Thread(target=index.maintain)
    maintaining.start()
    far = np.full((1, D + 1), 100, np.float32)
    longest_s = 0.0
    while True:
        was_maintaining = maintaining.is_alive()
        for change in (lambda: index.upsert(["far"], far), lambda: index.delete(["far"])):
            is_wanted = index.search(far[0], 1).ids != ["far"]
            start = time.perf_counter()
            change()
            is_there = index.search(far[0], 1).ids == ["far"]
            longest_s = max(longest_s, time.perf_counter() - start)
            if is_there != is_wanted:
                raise SystemExit("a change was not visible when it should have been")
        if not was_maintaining:
            maintaining.join()
            return longest_s
        time.sleep(0.005)
