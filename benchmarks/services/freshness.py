"""From a record in Kafka to a changed recommendation; the records come from a client that is not ours."""

import asyncio
import json
import time
from typing import Any

import aiohttp
import numpy as np
from kafka import KafkaProducer

from benchmarks.serving.freshness import N_PROBES, SEED, change_of, drawn, recommended

_TOPIC = "interactions"


def produce_steadily(bootstrap: str, per_s: float, n_users: int, n_items: int) -> None:
    """Produce events of random users on random items at the rate, forever, twenty times a second."""
    producer, chance = KafkaProducer(bootstrap_servers=bootstrap), np.random.default_rng(SEED)
    n_per_turn, due = int(per_s / 20), time.monotonic()
    while True:
        users, items = chance.integers(n_users, size=n_per_turn), chance.integers(n_items, size=n_per_turn)
        for user, item in zip(users.tolist(), items.tolist(), strict=True):
            _produce(producer, f"user-{user}", f"item-{item}")
        due += n_per_turn / per_s
        time.sleep(max(0.0, due - time.monotonic()))


def _produce(producer: KafkaProducer, user_id: str, item_id: str) -> None:
    event = {"user_id": user_id, "item_id": item_id, "timestamp": time.time()}
    producer.send(_TOPIC, json.dumps(event).encode(), key=user_id.encode())


async def measure_freshness(port: int, bootstrap: str, user_ids: list[str]) -> dict[str, Any]:
    """Let users choose the first of what they are offered, one after the other, and wait for a new list."""
    producer, chance = KafkaProducer(bootstrap_servers=bootstrap), np.random.default_rng(SEED + 1)
    waits = []
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        for _ in range(N_PROBES):
            waits.append(await _probe(session, producer, drawn(chance, user_ids)))
            await asyncio.sleep(0.05)
    producer.close()
    p50, p99 = np.percentile(np.array(waits) * 1000, [50, 99])
    return {"n_probes": N_PROBES, "p50_ms": p50, "p99_ms": p99, "max_ms": max(waits) * 1000}


async def _probe(session: aiohttp.ClientSession, producer: KafkaProducer, user_id: str) -> float:
    before = await recommended(session, user_id)
    started = time.monotonic()
    _produce(producer, user_id, before[0])
    return await change_of(session, user_id, before, started)
