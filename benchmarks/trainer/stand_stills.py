"""Times for which one piece of work stops the trainer's loop, by cause, at 1,000,000 users and 100,000 items.

A state of that size is made up, not learned; then each piece is done on this thread some times. Figures: the
longest of them in milliseconds.
"""

import gc
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks import results_file
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.items.item import Item
from streamrec.learning.absorb import absorb, processor_time
from streamrec.learning.learner import use_one_thread
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.categories import ItemCategories
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.process.batch_size import BatchSize
from streamrec.publishing.neighbour_views import published_neighbours
from streamrec.publishing.views import item_vectors, rankings, state_gauges, user_states
from streamrec.settings.garbage import leave_out_what_stays
from streamrec.settings.processes import LearningSettings, TrainerSettings

N_CATEGORIES = 50
N_PAST_EVENTS_PER_USER = 10
BATCH = 1024
SEED = 7
N_TIMES = 3
"""Of each piece that can be done again and again."""

JsonPath = Annotated[Path | None, typer.Option("--json", help="Where the figures go.")]


class System:
    """A state of the wanted size, and what it is learned with."""

    def __init__(self, n_users: int, n_items: int) -> None:
        self.rng = np.random.default_rng(SEED)
        self.settings = TrainerSettings(max_users=2 * n_users)
        self.state = TrainerState("g1", LearningSettings(), self.settings)
        items = [Item(f"item-{n}", categories=(f"category-{n % N_CATEGORIES}",)) for n in range(n_items)]
        self.categories = ItemCategories(items, self.settings.content_fields)
        self.rules = LearningRules(
            EventWeights(self.settings.event_weights, self.settings.default_event_weight),
            self.settings.value_weight,
            self.categories.contents,
            self.categories.labels,
        )
        self._time = 1.7e9
        self.n_new = 0
        self.batch_size = BatchSize(BATCH, self.settings.round_s, processor_time)
        self._fill(n_users, n_items)

    def _fill(self, n_users: int, n_items: int) -> None:
        state = self.state
        state.item_ids.rows_of([f"item-{n}" for n in range(n_items)], add=True)
        users = state.user_ids.rows_of([f"user-{n}" for n in range(n_users)], add=True)
        for turn in range(N_PAST_EVENTS_PER_USER):
            chosen = self.drawn_items(n_users)
            times = np.full(n_users, self._time + turn * 3600)
            state.learner.remember(users, chosen, times)
            state.users.count(users, times)
        state.user_categories.count(users, [("category-1", "category-2")] * n_users, np.full(n_users, np.nan))
        state.user_shares.of(users, np.full(n_users, self._time))
        state.touched.users.touch(users)
        state.dirty_users.settle(n_users)
        for _ in range(200):
            self.absorb(self.events(BATCH))

    def drawn_items(self, n: int) -> NDArray[np.int64]:
        """Return (n,) items by a power law."""
        return (len(self.state.item_ids) * self.rng.random(n) ** 3).astype(np.int64)

    def events(self, n: int, *, n_new: int = 0) -> list[Interaction]:
        """Return events, of which the first few are of new users."""
        users = [f"user-{row}" for row in self.rng.integers(0, 1_000, n)]
        users[:n_new] = [f"new-{self.n_new + number}" for number in range(n_new)]
        self.n_new += n_new
        self._time += 1.0
        items = self.drawn_items(n).tolist()
        return [
            Interaction(user, f"item-{item}", self._time) for user, item in zip(users, items, strict=True)
        ]

    def absorb(self, events: list[Interaction]) -> None:
        """Learn events as the loop does."""
        self.batch_size.began()
        absorb(self.state, events, self.rules, self._time)
        self.batch_size.ended(len(events))


class StandStills:
    """Longest time of each cause, and longest of the processor: a busy machine changes that less."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}
        self.cpu_ms: dict[str, float] = {}

    @contextmanager
    def of(self, cause: str) -> Iterator[None]:
        """Time a piece of work; the longest one of a cause counts."""
        started, started_cpu = time.perf_counter(), time.thread_time()
        yield
        took_s = {"ms": time.perf_counter() - started, "cpu_ms": time.thread_time() - started_cpu}
        for name, longest in (("ms", self.ms), ("cpu_ms", self.cpu_ms)):
            longest[cause] = max(longest.get(cause, 0.0), took_s[name] * 1000)


def measure(system: System, folder: Path) -> StandStills:
    """Do each piece; return the longest times, in milliseconds."""
    stills = StandStills()
    state = system.state
    _learn(system, stills)
    _forget(system, stills)
    all_items = np.arange(state.item_ids.n_rows)
    for _ in range(N_TIMES):
        with stills.of("publication of 2,000 items"):
            state.dirty_items.mark(all_items, 1.0)
            item_vectors(state, state.dirty_items.take(2_000))
        state.dirty_neighbours.mark(all_items, 1.0)
        with stills.of("publication of neighbours"):
            rows = state.dirty_neighbours.take(system.settings.covisitation.max_published_items)
            published_neighbours(state, rows, system.settings.covisitation.n_published)
        with stills.of("publication of 1,024 users"):
            user_states(state, system.rng.integers(0, len(state.user_ids), BATCH))
        with stills.of("status"):
            state_gauges(state, 1.0)
            rankings(state, system.categories.in_turn())
        with stills.of("collection of garbage"):
            gc.collect()
    _checkpoint(system, stills, Checkpoints(folder, "g1", most_at_once=0))
    return stills


def _checkpoint(system: System, stills: StandStills, checkpoints: Checkpoints) -> None:
    """Write checkpoints, and learn beside them."""
    for number in range(N_TIMES):
        started = time.perf_counter()
        with stills.of("checkpoint: begun"):
            beside = checkpoints.begin(system.state, {"interactions": {0: number}}, 1)
        assert beside is not None, "another process writes checkpoints on Linux alone"
        system.batch_size.begin_small()
        while not beside.is_written():
            events = system.events(system.batch_size.n)
            with stills.of("a round of events beside a checkpoint"):
                system.absorb(events)
        with stills.of("checkpoint: put in place"):
            beside.put_in_place()
        print(f"checkpoint {number}: {time.perf_counter() - started:.1f} s")


def _learn(system: System, stills: StandStills) -> None:
    """Learn enough new users for each table to grow; a batch without any is beside it."""
    for _ in range(20):
        events = system.events(system.batch_size.n)
        with stills.of("a round of events of known users"):
            system.absorb(events)
    n_wanted = system.n_new + len(system.state.user_ids) // 8
    while system.n_new < n_wanted:
        events = system.events(system.batch_size.n, n_new=system.batch_size.n)
        with stills.of("a round of events of new users"):
            system.absorb(events)


def _forget(system: System, stills: StandStills) -> None:
    """Delete items and erase users; learn from those that get their rows."""
    state = system.state
    forgetting: dict[str, Callable[[int], object]] = {
        "deletion of an item": lambda n: state.forget_items([f"item-{n}"]),
        "erasure of a user": lambda n: state.forget_users([f"user-{n}"]),
    }
    for cause, forget in forgetting.items():
        for number in range(1_000, 1_000 + N_TIMES):
            with stills.of(cause):
                forget(number)
            events = system.events(system.batch_size.n, n_new=2)
            events[0] = Interaction(events[0].user_id, f"another-{cause}-{number}", events[0].timestamp)
            with stills.of(f"a round of events after {cause}"):
                system.absorb(events)
    is_more = True
    while is_more:
        with stills.of("a part of the tables gone through after deletions"):
            is_more = state.sweep()


def main(
    json_path: JsonPath = None,
    n_users: Annotated[int, typer.Option("--users", min=1)] = 1_000_000,
    n_items: Annotated[int, typer.Option("--items", min=1)] = 100_000,
) -> None:
    """Measure each cause, and write down the longest times."""
    use_one_thread()
    with tempfile.TemporaryDirectory() as directory:
        measure(System(3_000, 2_000), Path(directory))  # loads what is compiled
    system = System(n_users, n_items)
    leave_out_what_stays()
    with tempfile.TemporaryDirectory() as directory:
        stills = measure(system, Path(directory))
    table = Table("what stops the loop", "longest, ms", "of the processor")
    for cause, ms in sorted(stills.cpu_ms.items(), key=lambda entry: -entry[1]):
        table.add_row(cause, f"{stills.ms[cause]:,.1f}", f"{ms:,.1f}")
    Console().print(table)
    results_file.write(
        json_path,
        {
            "n_users": n_users,
            "n_items": n_items,
            "longest_ms": stills.ms,
            "longest_cpu_ms": stills.cpu_ms,
        },
    )


if __name__ == "__main__":
    typer.run(main)
