"""From `POST /v1/events` to a changed recommendation, on the real processes, under a steady stream.

A probe reads a user's recommendations, posts that the user chose the first of them, and asks again until the
list has changed and no longer holds it; then, until the trainer has published the choice. The list needs no
trainer: the server that took the event in goes by it.
"""

import asyncio
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from benchmarks import results_file
from benchmarks.serving.stack import environment_of, locations_in, served
from benchmarks.trainer.prepare import prepare
from streamrec.cli.launch.local_servers import free_port
from streamrec.settings.processes import LocationSettings

EVENTS_PER_S = 100.0
N_PROBES = 300
SEED = 11
_PAUSE_S = 0.005
"""Between two looks: the resolution of the figures."""

_TIMEOUT_S = 60.0


def drawn(chance: np.random.Generator, ids: Sequence[str]) -> str:
    """Return one of many ids, each as likely; numpy's own choice would copy them all."""
    return ids[int(chance.integers(len(ids)))]


async def post_steadily(session: aiohttp.ClientSession, user_ids: list[str], item_ids: list[str]) -> None:
    """Post events of random users on random items at the rate, until cancelled."""
    chance = np.random.default_rng(SEED)
    due = time.monotonic()
    while True:
        event = {"user_id": drawn(chance, user_ids), "item_id": drawn(chance, item_ids)}
        async with session.post("/v1/events", json=event) as answer:
            answer.raise_for_status()
        due += 1 / EVENTS_PER_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def recommended(session: aiohttp.ClientSession, user_id: str) -> list[str]:
    """Return the ids of a user's list."""
    async with session.get("/v1/recommendations", params={"user_id": user_id, "k": "10"}) as answer:
        answer.raise_for_status()
        return [item["item_id"] for item in (await answer.json())["items"]]


async def probe(session: aiohttp.ClientSession, user_id: str) -> tuple[float, float]:
    """Return the seconds until the list answered an event, and until the user's state was published."""
    before = await recommended(session, user_id)
    started = time.monotonic()
    event = {"user_id": user_id, "item_id": before[0]}
    async with session.post("/v1/events", json=event) as answer:
        answer.raise_for_status()
    until_list = await change_of(session, user_id, before, started)
    return until_list, await publication_of(session, user_id, before[0], started)


async def publication_of(session: aiohttp.ClientSession, user_id: str, item_id: str, started: float) -> float:
    """Return the seconds from `started` until the user's document holds a choice."""
    while time.monotonic() - started < _TIMEOUT_S:
        async with session.get(f"/v1/users/{user_id}") as answer:
            answer.raise_for_status()
            if item_id in (await answer.json())["recent"]:
                return time.monotonic() - started
        await asyncio.sleep(_PAUSE_S)
    raise RuntimeError(f"the choice of user {user_id} was not published within {_TIMEOUT_S} s")


async def change_of(session: aiohttp.ClientSession, user_id: str, before: list[str], started: float) -> float:
    """Return the seconds from `started` until the list is another one, without its first item."""
    while time.monotonic() - started < _TIMEOUT_S:
        after = await recommended(session, user_id)
        if after != before and before[0] not in after:
            return time.monotonic() - started
        await asyncio.sleep(_PAUSE_S)
    raise RuntimeError(f"the list of user {user_id} did not change within {_TIMEOUT_S} s")


async def empty_request(session: aiohttp.ClientSession) -> float:
    """Return the seconds that the same server takes to say that it lives."""
    started = time.monotonic()
    async with session.get("/health/live") as answer:
        await answer.read()
        answer.raise_for_status()
    return time.monotonic() - started


async def measure(
    port: int, user_ids: list[str], item_ids: list[str], n_probes: int = N_PROBES, minutes: float = 0.0
) -> dict[str, Any]:
    """Probe one user after the other, for so many minutes at least, while the stream runs."""
    end = time.monotonic() + 60 * minutes
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        stream = asyncio.create_task(post_steadily(session, user_ids, item_ids))
        chance = np.random.default_rng(SEED + 1)
        waits, published, empty = list[float](), list[float](), list[float]()
        while len(waits) < n_probes or time.monotonic() < end:
            empty.append(await empty_request(session))
            until_list, until_published = await probe(session, drawn(chance, user_ids))
            waits.append(until_list)
            published.append(until_published)
            await asyncio.sleep(0.05)
            if stream.done():
                stream.result()
        stream.cancel()
    p50, p99 = np.percentile(np.array(waits) * 1000, [50, 99])
    published_p50, published_p99 = np.percentile(np.array(published) * 1000, [50, 99])
    return {
        "events_per_s": EVENTS_PER_S,
        "n_probes": len(waits),
        "p50_ms": p50,
        "p99_ms": p99,
        "max_ms": max(waits) * 1000,
        "published_p50_ms": published_p50,
        "published_p99_ms": published_p99,
        "empty_request_ms_p50": float(np.median(empty)) * 1000,
    }


JsonPath = Annotated[Path, typer.Option("--json", help="Where the figures go.")]


def train(locations: LocationSettings) -> None:
    """Train on the first half of MovieLens-100K."""
    history = ["initial_training.py", "--dataset", "ml-100k", "--until-fraction", "0.5"]
    subprocess.run([sys.executable, *history], env=environment_of(locations), check=True)


def draw(locations: LocationSettings, n_users: int) -> None:
    """Write a generation of so many users and a tenth as many items, in a process of its own."""
    process = multiprocessing.get_context("spawn").Process(
        target=prepare, args=(locations, n_users, n_users // 10), kwargs={"is_shaped": True}
    )
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"the generation could not be written: exit code {process.exitcode}")


def measured(n_probes: int = N_PROBES, minutes: float = 0.0, n_users: int = 0) -> dict[str, Any]:
    """Train, or draw a generation of so many users, start the three processes, and measure."""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        index_port, port = free_port(), free_port()
        locations = locations_in(Path(directory), index_port)
        environment = environment_of(locations)
        if n_users:
            draw(locations, n_users)
        else:
            train(locations)
        ids = locations.artifacts_dir / (locations.artifacts_dir / "CURRENT").read_text().strip()
        stack.enter_context(served(["-c", "python:faiss_server.gunicorn_settings"], index_port, environment))
        worker = ["-k", "uvicorn_worker.UvicornWorker", "recommender_server.asgi:app"]
        stack.enter_context(served(worker, port, environment))
        trainer = stack.enter_context(
            subprocess.Popen([sys.executable, "incremental_training.py"], env=environment)
        )
        stack.callback(trainer.terminate)
        user_ids, item_ids = (json.loads((ids / f"{role}_ids.json").read_text()) for role in ("user", "item"))
        return asyncio.run(measure(port, user_ids, item_ids, n_probes, minutes))


def main(
    json_path: JsonPath = Path("benchmarks/results/freshness.json"),
    minutes: Annotated[float, typer.Option(min=0, help="Probe for so long at least.")] = 0.0,
    users: Annotated[
        int, typer.Option(min=0, help="Drawn ones, and a tenth as many items, instead of MovieLens-100K.")
    ] = 0,
) -> None:
    """Measure and print."""
    results = measured(minutes=minutes, n_users=users)
    published = ("published p50 ms", "published p99 ms")
    table = Table("events/s", "probes", "p50 ms", "p99 ms", "max ms", *published, "empty request ms")
    table.add_row(*(f"{value:,.1f}" for value in results.values()))
    Console().print(table)
    print("at most 30 ms (p50), 100 ms (p99) and 500 ms wanted")
    results_file.write(json_path, results)


if __name__ == "__main__":
    typer.run(main)
