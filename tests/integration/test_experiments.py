"""Two processes over one store: both hear of a stop."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streamrec.adapters.opening import open_store
from streamrec.domain.experiments.definition import Experiment, Variant
from streamrec.serving.experiments.editor import ExperimentEditor
from streamrec.serving.experiments.running import READ_EVERY_S


async def no_challenger() -> str | None:
    return None


PROCESS = """
import asyncio, sys
from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.opening import open_store
from streamrec.serving.experiments.challenger import ServedChallenger, guarded_users
from streamrec.serving.experiments.running import RunningExperiments
from streamrec.serving.guard import Guard
from streamrec.serving.sources.learned_blend import LearnedBlend
from streamrec.telemetry import NullMetrics

async def main():
    store, cache, metrics = open_store(sys.argv[1]), MemoryCache(), NullMetrics()
    guard = Guard("store", 5.0, metrics)
    users = guarded_users(store, guard)
    challenger = ServedChallenger(cache, guard, users, LearnedBlend(cache, guard), metrics)
    running = RunningExperiments(store, guard, challenger, metrics)
    running.start()
    for is_wanted in (True, False):
        while bool(running.assigner().assigned("u", {})) != is_wanted:
            await asyncio.sleep(0.01)
        print(running.assigner().assigned("u", {})[0].variant if is_wanted else "stopped", flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("kind", ["sqlite", "mongodb"])
async def test_a_stop_reaches_every_process(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/store.db" if kind == "sqlite" else request.getfixturevalue("mongo_url")
    store = open_store(url)
    editor = ExperimentEditor(store, no_challenger)
    variants = (Variant("a"), Variant("b"))
    await editor.put(Experiment("x", 1, variants, "a", "ctr", state="running"), after=0)
    processes = [
        subprocess.Popen([sys.executable, "-c", PROCESS, url], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        first = await asyncio.gather(*(asyncio.to_thread(said, one) for one in processes))
        assert first[0] == first[1]
        assert first[0] in ("a", "b")
        stopped_at = time.monotonic()
        await editor.stop("x", "enough")
        assert await asyncio.gather(*(asyncio.to_thread(said, one) for one in processes)) == ["stopped"] * 2
        assert time.monotonic() - stopped_at < 60, "on a machine that does little else, within a second"
        assert READ_EVERY_S <= 0.5
    finally:
        for one in processes:
            one.kill()
            one.wait()
            if one.stdout is not None:
                one.stdout.close()
        await store.aclose()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()
