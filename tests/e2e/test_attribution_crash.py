"""kill -9 at any moment: the counts of an experiment are those of a run that nobody disturbed."""

import asyncio
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import msgspec

from streamrec.adapters.sqlite.events import SqliteEventSink, SqliteEventSource
from streamrec.adapters.sqlite.store import SqliteStore
from streamrec.adapters.sqlite.trainer_store import SqliteTrainerStore
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.experiments.definition import Experiment, Variant
from streamrec.domain.experiments.exposure import Exposure, encode_exposure
from streamrec.domain.experiments.report import ExperimentResults
from streamrec.ports import COMMANDS, IMPRESSIONS, INTERACTIONS, Message
from streamrec.wire import encode_event
from tests.e2e.processes import eventually

N_KILLS = 4
N_ROUNDS = 40
N_USERS = 40
OUTCOME_S = 1.0

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["streamrec.cli.training.attribution", "streamrec.experiments.results"])

DEFINITION = Experiment(
    "x",
    version=1,
    variants=(Variant("a"), Variant("b")),
    control="a",
    primary="ctr",
    state="running",
    window_s=2.0,
    outcome_s=OUTCOME_S,
)


def round_of(number: int, chance: random.Random) -> tuple[list[Message], list[Message]]:
    """Return some lists and some events of now; some of them twice."""
    now = time.time()
    lists, events = [], []
    for at in range(20):
        user = chance.randrange(N_USERS)
        exposure = Exposure(
            f"r{number}:{at}",
            f"u{user}",
            now - chance.random() / 20,
            [f"i{item}" for item in chance.sample(range(9), 3)],
            experiments=[("x", 1, "ab"[user % 2])],
        )
        lists += [Message(exposure.user_id, encode_exposure(exposure))] * chance.choice([1, 1, 1, 2])
        for click in range(2):
            user_id, item_id = f"u{chance.randrange(N_USERS)}", f"i{chance.randrange(9)}"
            event = Interaction(user_id, item_id, now, "view", 1.0, f"{number}:{at}:{click}")
            events += [Message(user_id, encode_event(event))] * chance.choice([1, 1, 1, 2])
    return lists, events


def keep(variables: dict[str, str]) -> None:
    os.environ.update(variables)
    from streamrec.cli.training.attribution import attribution

    attribution()


def started(folder: Path) -> ForkServerProcess:
    variables = {
        "STREAMREC_EVENTS_URL": f"sqlite:///{folder}/events.db",
        "STREAMREC_STORE_URL": f"sqlite:///{folder}/store.db",
        "STREAMREC_ARTIFACTS_DIR": f"{folder}/artifacts",
        "STREAMREC_ATTRIBUTION_SETTLE_S": "0.5",
        "STREAMREC_ATTRIBUTION_MAX_BATCH": "60",
        "STREAMREC_ATTRIBUTION_CHECKPOINT_INTERVAL_S": "0.05",
        "STREAMREC_ATTRIBUTION_RESULTS_INTERVAL_S": "0.1",
        "STREAMREC_ATTRIBUTION_LEASE_DURATION_S": "0.2",
        "STREAMREC_LOG_LEVEL": "ERROR",
    }
    process = processes.Process(target=keep, args=(variables,))
    process.start()
    return process


def end(process: ForkServerProcess, number: signal.Signals) -> None:
    assert process.pid is not None
    os.kill(process.pid, number)
    process.join(60)


def define(folder: Path) -> None:
    with closing(SqliteTrainerStore(folder / "store.db")) as store:
        store.replace_experiment(DEFINITION, 0)


def results(folder: Path) -> ExperimentResults | None:
    async def read() -> bytes | None:
        store = SqliteStore(folder / "store.db")
        try:
            return await store.get_results("x")
        finally:
            await store.aclose()

    written = asyncio.run(read())
    return None if written is None else msgspec.json.decode(written, type=ExperimentResults)


def is_complete(folder: Path) -> bool:
    """Return whether all users are done: the last of them was shown a list after everything else happened."""
    found = results(folder)
    n_done = 0 if found is None else sum(one.metrics["ctr"].n for one in found.variants if one.metrics)
    return n_done == N_USERS + 1


def test_counts_survive_kills(tmp_path: Path) -> None:
    killed, steady = tmp_path / "killed", tmp_path / "steady"
    killed.mkdir()
    define(killed)
    sink = SqliteEventSink(killed / "events.db")
    source = SqliteEventSource(killed / "events.db", [COMMANDS, INTERACTIONS, IMPRESSIONS], "attribution")
    chance = random.Random(2)
    process = started(killed)
    for number in range(N_ROUNDS):
        lists, events = round_of(number, chance)
        first, second = ((IMPRESSIONS, lists), (INTERACTIONS, events))[:: chance.choice([1, -1])]
        sink.append(*first)
        time.sleep(chance.uniform(0.0, 0.06))
        sink.append(*second)
        if number % (N_ROUNDS // N_KILLS) == 3:
            before = source.committed()
            if chance.random() < 0.5:
                eventually(lambda: source.committed() != before)  # noqa: B023  # asked before the next round
            end(process, signal.SIGKILL)
            process = started(killed)
    last = Exposure("last", "last", time.time(), ["i"], experiments=[("x", 1, "a")])
    sink.append(IMPRESSIONS, [Message("last", encode_exposure(last))])
    sink.close()
    eventually(lambda: source.committed() == source.end_offsets() and is_complete(killed))
    end(process, signal.SIGTERM)
    assert process.exitcode == 0
    source.close()

    steady.mkdir()
    define(steady)
    with closing(sqlite3.connect(killed / "events.db")) as connection:
        connection.execute("DELETE FROM committed")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(killed / "events.db", steady / "events.db")
    process = started(steady)
    eventually(lambda: is_complete(steady))
    end(process, signal.SIGTERM)
    one, other = results(killed), results(steady)
    assert one is not None
    assert other is not None
    assert one.variants == other.variants
    assert (one.users, one.exposures, one.funnel) == (other.users, other.exposures, other.funnel)
    assert (one.users, one.exposures, one.n_multiple_exposed) == (N_USERS + 1, 20 * N_ROUNDS + 1, 0)
    assert sum(funnel.clicks for funnel in one.funnel.values()) > 100
