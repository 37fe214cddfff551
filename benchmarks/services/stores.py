"""MongoDB and Redis through the ports, beside the bare drivers, on real servers of this machine.

``python -m benchmarks.services.stores --json FILE``

Figures: users (each with one sight) published a second, by batch, and the processor time of a user here and
in MongoDB; milliseconds of a profile; of reading items and rankings. Every ratio is of one run, in turns.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import pymongo
import typer
from pymongo.database import Database
from rich.console import Console
from rich.table import Table

from benchmarks import results_file
from benchmarks.services.stores_cache import measure_cache, timed
from benchmarks.services.stores_layouts import Documents, measure_layouts, sights_of
from benchmarks.services.stores_metadata import measure_first_sights
from streamrec.adapters.mongo.connection import address_of
from streamrec.adapters.opening import open_store, open_trainer_store
from streamrec.cli.launch.local_servers import MONGODB, REDIS, LocalServer
from streamrec.domain.users.user import UserState
from streamrec.ports import TrainerStore, UserUpdates

BATCHES = (1, 16, 128, 1024)
N_USERS = 20_000
N_TURNS = 3
SIDE_BY_SIDE = 16

_VECTOR = bytes(4 * 65)
_RECENT = tuple(f"item-{number}" for number in range(50))
_NOW = 1.7e9

Result = dict[str, Any]
Publish = Callable[[UserUpdates], None]


def updates_of(n: int, start: int) -> UserUpdates:
    """Return `n` states as the trainer has them, each with one sight."""
    user_ids = [f"user-{(start + number) * 7919 % N_USERS}" for number in range(n)]
    states = [
        UserState(
            user_id,
            generation="g1",
            vector=_VECTOR,
            recent=_RECENT,
            disliked=(),
            n_events=17,
            updated_at=_NOW + start,
        )
        for user_id in user_ids
    ]
    return UserUpdates(states, [(user_id, f"item-{start % 997}", _NOW + start) for user_id in user_ids])


def publish_bare(database: Database[Documents], updates: UserUpdates) -> None:
    """Write the same as the port does, without its fences, checks and errors."""
    fields = ("generation", "vector", "recent", "disliked", "n_events", "updated_at")
    database["users"].bulk_write(
        [
            pymongo.UpdateOne(
                {"_id": state.user_id}, {"$set": {name: getattr(state, name) for name in fields}}, upsert=True
            )
            for state in updates.states
        ],
        ordered=False,
    )
    database["seen"].insert_many(sights_of(updates), ordered=False)


class Meter:
    """Adds up what a way of publishing costs.

    Parameters
    ----------
    database
        Of a server that tells its own processor time.
    """

    def __init__(self, database: Database[Documents]) -> None:
        self._database = database
        self.rates: list[float] = []
        self.client_us: list[float] = []
        self.server_us: list[float] = []

    def measure(self, publish: Publish, batches: Sequence[UserUpdates]) -> None:
        """Publish all batches, and note the costs of a user."""
        n = sum(len(batch.states) for batch in batches)
        started, client, server = time.perf_counter(), time.process_time(), self._server_us()
        for batch in batches:
            publish(batch)
        self.rates.append(n / (time.perf_counter() - started))
        self.client_us.append((time.process_time() - client) * 1e6 / n)
        self.server_us.append((self._server_us() - server) / n)

    def figures(self) -> dict[str, float]:
        """Return the medians."""
        return {
            "users_per_s": statistics.median(self.rates),
            "client_us_per_user": statistics.median(self.client_us),
            "server_us_per_user": statistics.median(self.server_us),
        }

    def _server_us(self) -> float:
        used = self._database.command("serverStatus")["extra_info"]
        return float(used["user_time_us"] + used["system_time_us"])


def measure_publishing(url: str) -> list[Result]:
    """Publish batches of several sizes: through the port, bare, and through the port without the majority."""
    results = []
    with pymongo.MongoClient[Documents](f"{url}/bare", w="majority", journal=True) as client:
        bare = client["bare"]
        port, quick = open_trainer_store(f"{url}/port"), open_trainer_store(f"{url}/quick?w=1")
        ways = {
            "port": publisher(port),
            "bare": lambda updates: publish_bare(bare, updates),
            "port_w1": publisher(quick),
        }
        for n in BATCHES:
            n_batches = max(5, min(150, 6_000 // n))
            meters = {name: Meter(bare) for name in ways}
            for turn in range(N_TURNS):
                start = (turn + 1) * 10_000_000 + n * 100_000
                for name, publish in ways.items():
                    batches = [updates_of(n, start + number * n) for number in range(n_batches)]
                    meters[name].measure(publish, batches)
            figures = {name: meter.figures() for name, meter in meters.items()}
            ratio = figures["port"]["users_per_s"] / figures["bare"]["users_per_s"]
            results.append({"batch": n, **figures, "ratio": ratio})
        port.close()
        quick.close()
    return results


def publisher(store: TrainerStore) -> Publish:
    """Return a function that publishes under a lease of its own."""
    lease = store.acquire("trainer", "benchmark", 1e6, _NOW)
    if lease is None:
        raise SystemExit("somebody else holds the lease")
    return lambda updates: store.publish_users(updates, lease)


async def measure_profiles(url: str) -> list[Result]:
    """Read profiles of users who saw few items and many."""
    trainer, server = open_trainer_store(f"{url}/profiles"), open_store(f"{url}/profiles")
    publish = publisher(trainer)
    results = []
    for n_seen in (50, 2000):
        user_ids = [f"user-{n_seen}-{number}" for number in range(20)]
        seen = [(id_, f"item-{number}", _NOW + number) for id_ in user_ids for number in range(n_seen + 500)]
        publish(UserUpdates([UserState(id_, "g1", _VECTOR, _RECENT) for id_ in user_ids], seen))
        for n_tasks in (1, SIDE_BY_SIDE):
            figures = await timed(profile_reader(server.get_profile, user_ids, n_seen), n_tasks)
            results.append({"n_seen": n_seen, "side_by_side": n_tasks, **figures})
    trainer.close()
    await server.aclose()
    return results


def profile_reader(
    read: Callable[[str, int], Awaitable[object]], user_ids: Sequence[str], n_seen: int
) -> Callable[[int], Awaitable[object]]:
    """Return a function that reads the profile of one user after the other."""
    return lambda number: read(user_ids[number % len(user_ids)], n_seen)


def show(result: Result) -> None:
    """Print the figures as tables."""
    console = Console()
    table = Table("users in a batch", "way", "users/s", "us here", "us in MongoDB", title="Publishing")
    for row in result["publishing"]:
        for way in ("port", "bare", "port_w1"):
            table.add_row(str(row["batch"]), way, *(f"{figure:,.0f}" for figure in row[way].values()))
    console.print(table)
    table = Table("seen items read", "side by side", "p50 ms", "p99 ms", "per s", title="Profiles")
    for row in result["profiles"]:
        figures = (f"{row['p50_ms']:.2f}", f"{row['p99_ms']:.2f}", f"{row['per_s']:,.0f}")
        table.add_row(str(row["n_seen"]), str(row["side_by_side"]), *figures)
    console.print(table)
    table = Table("read from the cache", "way", "p50 ms", "p99 ms", title="Cache")
    for what in ("items_14", "items_100", "ranking_100"):
        for way, figures in result["cache"][what].items():
            table.add_row(what, way, f"{figures['p50_ms']:.3f}", f"{figures['p99_ms']:.3f}")
    console.print(table)
    console.print(f"a status of 10,000 ranked items: {result['cache']['publish_10000_ranked_ms_p50']:.1f} ms")
    console.print("sights, a second:", result["seen_layouts"])
    console.print("share of a fresh process's answers that waited for metadata, by thousands:")
    console.print(result["answers_that_waited_for_metadata"])


def main(
    json_path: Annotated[Path | None, typer.Option("--json", help="Where the figures go.")] = None,
) -> None:
    """Start both servers, measure, stop them."""
    with tempfile.TemporaryDirectory() as folder:
        mongo, cache = LocalServer(MONGODB, Path(folder)).start(), LocalServer(REDIS, Path(folder)).start()
        try:
            result: Result = {
                "publishing": measure_publishing(mongo.url),
                "seen_layouts": measure_layouts(address_of(mongo.url).url),
                "profiles": asyncio.run(measure_profiles(mongo.url)),
                "cache": asyncio.run(measure_cache(f"{cache.url}/0")),
                "answers_that_waited_for_metadata": {
                    n_items: asyncio.run(measure_first_sights(f"{cache.url}/0", n_items))
                    for n_items in (1_700, 20_000)
                },
            }
        finally:
            mongo.stop()
            cache.stop()
    show(result)
    results_file.write(json_path, result)


if __name__ == "__main__":
    typer.run(main)
