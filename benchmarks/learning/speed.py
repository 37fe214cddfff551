"""Learning alone, beside three bare torch loops, and its cost by the number of known users.

One thread, in seconds of processor time, so that other processes do not count; the contestants take turns
within one run, because the machine's speed changes by the minute.
The learner does all it does in the stream (remembers, samples, masks known positives, decays), with its
default settings; the bare loops are given their negatives. With each event it learns some past ones again:
these are lessons, too, of which the bare loops have one an event.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray

from benchmarks import results_file
from benchmarks.learning.loops import LOOPS
from streamrec.learning.learner import Learner
from streamrec.settings.processes import LearningSettings

BATCH = 1024
N_NEGATIVES = 5
N_USERS, MANY_USERS, N_ITEMS = 10_000, 1_000_000, 10_000
N_BATCHES = 20

Rows = NDArray[np.int64]
Contestant = Callable[[Rows, Rows], None]


def main(
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Turns that each contestant takes.")] = 9,
) -> None:
    """Measure events learned per second."""
    torch.set_num_threads(1)
    dim = LearningSettings().embedding_dim
    bare = bare_loops(dim)
    contestants = {
        **bare,
        "learner": learner_of(N_USERS, LearningSettings()),
        "learner, 5 negatives": learner_of(N_USERS, LearningSettings(n_negatives=N_NEGATIVES)),
        "learner, 1,000,000 users": learner_of(MANY_USERS, LearningSettings()),
    }
    speeds = race(contestants, rounds)
    fastest = max(speeds[name] for name in bare)
    growth = speeds["learner"] / speeds["learner, 1,000,000 users"]
    n_lessons = 1 + LearningSettings().n_replayed
    results = {
        "events_per_s": speeds,
        "ratio_to_fastest_bare_loop": {name: speed / fastest for name, speed in speeds.items()},
        "n_lessons_of_an_event": n_lessons,
        "ratio_of_lessons_to_fastest_bare_loop": n_lessons * speeds["learner, 5 negatives"] / fastest,
        "cost_of_1000000_users_over_10000": growth,
        "n_negatives": {"bare loops": N_NEGATIVES, "learner": LearningSettings().n_negatives},
    }
    for name, speed in speeds.items():
        print(f"{name:28} {speed:>10,.0f} events/s   {speed / fastest:5.2f} of the fastest bare loop")
    n_learned = n_lessons * speeds["learner, 5 negatives"]
    print(f"{'lessons, 5 negatives':28} {n_learned:>10,.0f} a second {n_learned / fastest:7.2f}")
    print(f"cost of an event, 1,000,000 known users over 10,000: {growth:.2f}")
    results_file.write(json, results)


def race(contestants: dict[str, Contestant], rounds: int) -> dict[str, float]:
    """Return each one's median speed over all turns, in events per second; the first turn only warms up."""
    random = np.random.default_rng(1)
    durations: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds + 1):
        for name, contestant in contestants.items():
            n_users = MANY_USERS if "1,000,000" in name else N_USERS
            users = random.integers(0, n_users, (N_BATCHES, BATCH))
            # Squaring makes some items popular.
            items = (N_ITEMS * random.random((N_BATCHES, BATCH)) ** 2).astype(np.int64)
            start = time.process_time()
            for user_rows, item_rows in zip(users, items, strict=True):
                contestant(user_rows, item_rows)
            durations[name].append(time.process_time() - start)
    return {name: N_BATCHES * BATCH / statistics.median(times[1:]) for name, times in durations.items()}


def bare_loops(dim: int) -> dict[str, Contestant]:
    """Return the bare loops by name."""
    return {name: _bare(build(N_USERS, N_ITEMS, dim)) for name, build in LOOPS.items()}


def _bare(step: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], None]) -> Contestant:
    def run(user_rows: Rows, item_rows: Rows) -> None:
        negatives = torch.randint(N_ITEMS, (len(item_rows), N_NEGATIVES))
        step(torch.from_numpy(user_rows), torch.from_numpy(item_rows), negatives)

    return run


def learner_of(n_users: int, settings: LearningSettings) -> Contestant:
    """Return the learner, which remembers so many users."""
    learner = Learner(settings)
    learner.remember(np.arange(n_users), np.arange(n_users) % N_ITEMS, np.zeros(n_users))
    weights, times = np.ones(BATCH, np.float32), np.arange(BATCH, dtype=np.float64)

    def run(user_rows: Rows, item_rows: Rows) -> None:
        learner.learn(user_rows, item_rows, weights, times)

    return run


if __name__ == "__main__":
    typer.run(main)
