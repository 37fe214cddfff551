"""Loads generations aside and swaps them in, with what keeps them in step."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from faiss_server.background import Repeated
from faiss_server.changes import ChangeApplier
from faiss_server.follower import ChangelogFollower, stand_at
from faiss_server.generations import Generation, Generations
from streamrec.adapters.faiss_index import FaissIndex
from streamrec.adapters.faiss_rows import are_acceptable
from streamrec.adapters.snapshot_directory import current_generation, read_snapshot
from streamrec.adapters.snapshot_roles import SnapshotRoles
from streamrec.errors import StreamrecError
from streamrec.ports import COMMANDS, ITEM_VECTORS, EventSource, Metrics, Snapshot
from streamrec.telemetry import timed

_POLL_TIMEOUT_S = 0.1
_N_SAMPLE_USERS = 256

_log = structlog.get_logger()

OpenSource = Callable[[str], EventSource]
"""Opens a reader of a topic."""


class GenerationLoader:
    """Follows `CURRENT` and `CHALLENGER`.

    A new live name is loaded beside the old index, and answers once it has caught up; a challenger is kept in
    step beside it.
    """

    def __init__(
        self,
        artifacts_dir: Path,
        generations: Generations,
        open_source: OpenSource,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self._artifacts_dir = artifacts_dir
        self._roles = SnapshotRoles(artifacts_dir)
        self._generations = generations
        self._open_source = open_source
        self._metrics = metrics
        self._clock = clock
        self._threads: dict[str, Repeated] = {}

    def step(self) -> None:
        """Look at `CURRENT` and `CHALLENGER`; load and swap when they name others than before.

        Raises
        ------
        CorruptArtifact, UnknownId, InvalidInput, Unavailable
            When a generation can't be loaded; those before go on answering.
        """
        roles = self._roles.read()
        # While users are being moved, the live name is still the old one's.
        live = current_generation(self._artifacts_dir)
        if live is None:
            return
        if live != next((generation.name for generation in self._generations.served), None):
            self._swap(self._loaded(live))
        beside = next((name for name in (roles.champion, roles.challenger) if name not in (None, live)), None)
        known = self._generations.challenger
        if beside != (known.name if known is not None else None):
            self._close(self._generations.make_challenger(None if beside is None else self._loaded(beside)))

    def _loaded(self, name: str) -> Generation:
        """Return a generation; one that is served already was kept in step, and needs no loading."""
        for generation in self._generations.served:
            if generation.name == name:
                return generation
        try:
            with timed(self._metrics, "index.load"):
                return self._load(name)
        except StreamrecError:
            self._metrics.count("index.load_failures")
            raise

    def maintain(self) -> None:
        """Let the indexes adapt to their size."""
        for generation in self._generations.served:
            generation.index.maintain()
        for current in self._generations.served[:1]:
            self._tell(current)

    def close(self) -> None:
        """Stop following."""
        for name in list(self._threads):
            self._stop(name)

    def _load(self, name: str) -> Generation:
        snapshot = read_snapshot(self._artifacts_dir, name)
        _log.info("loading", generation=name, n_items=len(snapshot.items.ids))
        index = FaissIndex(snapshot.items.vectors.shape[1], _sample_of_users(snapshot))
        index.upsert(snapshot.items.ids, snapshot.items.vectors)
        index.maintain()
        follower = self._follow(snapshot, index)
        self._threads[name] = Repeated(
            f"follow-{name}", lambda: follower.step(_POLL_TIMEOUT_S), on_problem=follower.note_problem
        )
        return Generation(name, index, follower)

    def _follow(self, snapshot: Snapshot, index: FaissIndex) -> ChangelogFollower:
        """Return a follower that has caught up with the logs."""
        sources = [self._open_source(topic) for topic in (ITEM_VECTORS, COMMANDS)]
        try:
            for source in sources:
                stand_at(source, snapshot.next_offsets)
            applier = ChangeApplier(index, snapshot.generation, snapshot.created_at, self._metrics)
            follower = ChangelogFollower(applier, sources[0], sources[1], self._metrics, self._clock)
            while not follower.is_caught_up:
                follower.step(_POLL_TIMEOUT_S)
        except BaseException:
            for source in sources:
                source.close()
            raise
        return follower

    def _swap(self, generation: Generation) -> None:
        gone = self._generations.make_current(generation)
        self._metrics.count("index.swaps")
        _log.info("serving", generation=generation.name, n_items=len(generation.index))
        self._close(gone)

    def _close(self, gone: Iterable[Generation]) -> None:
        for other in gone:
            self._stop(other.name)
            if other.follower is not None:
                other.follower.close()

    def _tell(self, current: Generation) -> None:
        stats = current.index.stats()
        self._metrics.gauge("index.n_items", stats.n_items)
        self._metrics.gauge("index.recall_at_10", stats.recall_at_10)
        followed = current.follower.stats() if current.follower is not None else None
        if followed is not None and followed.staleness_s is not None:
            self._metrics.gauge("index.staleness_s", followed.staleness_s)

    def _stop(self, name: str) -> None:
        thread = self._threads.pop(name, None)
        if thread is not None:
            thread.stop()


def _sample_of_users(snapshot: Snapshot) -> NDArray[np.float32]:
    """Return vectors of some users, spread over all; recall is measured with them until somebody asks."""
    n_users = len(snapshot.users.ids)
    rows = np.unique(np.linspace(0, max(0, n_users - 1), min(n_users, _N_SAMPLE_USERS)).astype(np.int64))
    sample: NDArray[np.float32] = np.array(snapshot.users.vectors[rows])
    return sample[are_acceptable(sample)]
