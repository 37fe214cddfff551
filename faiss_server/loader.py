"""Loads generations aside and swaps them in, with what keeps them in step."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from faiss_server.background import Repeated
from faiss_server.changes import ChangeApplier
from faiss_server.follower import ChangelogFollower, stand_at
from faiss_server.generations import Followed, Generation, Generations
from faiss_server.kinds import ITEMS, USERS, Kind
from streamrec.adapters.faiss.index import FaissIndex
from streamrec.adapters.faiss.rows import are_acceptable
from streamrec.adapters.files.roles import CHANGELOG_SLOT, SnapshotRoles
from streamrec.adapters.files.snapshots import current_generation, list_generations, read_snapshot
from streamrec.errors import CorruptArtifact, InvalidInput, StreamrecError, UnknownId
from streamrec.ports import COMMANDS, EventSource, Metrics, Snapshot
from streamrec.telemetry import timed

_POLL_TIMEOUT_S = 0.1
_N_SAMPLE_USERS = 256
_USERS_AT_ONCE = 10_000

_log = structlog.get_logger()

OpenSource = Callable[[str], EventSource]
"""Opens a reader of a topic."""


class GenerationLoader:
    """Follows `CURRENT` and `CHALLENGER`.

    A new live name is loaded beside the old index, and answers once it has caught up; a challenger is kept in
    step beside it.

    Parameters
    ----------
    with_users
        Whether users are indexed beside items: so many bytes as their vectors have, for every generation.
    """

    def __init__(
        self,
        artifacts_dir: Path,
        generations: Generations,
        open_source: OpenSource,
        metrics: Metrics,
        clock: Callable[[], float],
        *,
        with_users: bool = True,
    ) -> None:
        self._artifacts_dir = artifacts_dir
        self._roles = SnapshotRoles(artifacts_dir)
        self._generations = generations
        self._open_source = open_source
        self._metrics = metrics
        self._clock = clock
        self._with_users = with_users
        self._threads: dict[str, list[Repeated]] = {}

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
            self._take_live(live)
        beside = next((name for name in (roles.champion, roles.challenger) if name not in (None, live)), None)
        known = self._generations.challenger
        if beside != (known.name if known is not None else None):
            self._close(self._generations.make_challenger(None if beside is None else self._loaded(beside)))

    def _take_live(self, live: str) -> None:
        try:
            self._swap(self._loaded(live))
        except (CorruptArtifact, InvalidInput, UnknownId):
            if not self._generations.served:
                self._fall_back(live)
            raise

    def _fall_back(self, live: str) -> None:
        """Let the newest other generation that can be loaded answer until the live one can: better than none.

        It follows the changelog as any. Who asks for the live one by its name is told that it is missing.
        """
        for name in reversed(list_generations(self._artifacts_dir)):
            if name != live:
                with suppress(CorruptArtifact, InvalidInput, UnknownId):
                    self._swap(self._loaded(name))
                    _log.error("previous_generation_answers", generation=name, instead_of=live)
                    return

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
            for part in generation.parts.values():
                part.index.maintain()
        for current in self._generations.served[:1]:
            self._tell(current)

    def close(self) -> None:
        """Stop following."""
        for name in list(self._threads):
            self._stop(name)

    def _load(self, name: str) -> Generation:
        snapshot = read_snapshot(self._artifacts_dir, name)
        _log.info("loading", generation=name, n_items=len(snapshot.items.ids))
        with ExitStack() as opened:
            users = self._load_users(snapshot) if self._with_users else None
            if users is not None:
                opened.callback(users[1].close)
            # Items last: lists begin with those of this moment, however long users took.
            index = FaissIndex(snapshot.items.vectors.shape[1], _sample_of_users(snapshot))
            index.upsert(snapshot.items.ids, snapshot.items.vectors)
            index.maintain()
            follower = self._follow(snapshot, index, ITEMS)
            opened.pop_all()
        followers = [follower] if users is None else [follower, users[1]]
        self._threads[name] = [
            Repeated(f"follow-{name}", partial(one.step, _POLL_TIMEOUT_S), on_problem=one.note_problem)
            for one in followers
        ]
        return Generation(name, index, follower, None if users is None else Followed(*users))

    def _load_users(self, snapshot: Snapshot) -> tuple[FaissIndex, ChangelogFollower]:
        """Return the index of users, in step with the logs.

        It is not tuned to its size before it answers, as that of items is: nobody's list waits for it.
        """
        index = FaissIndex(snapshot.users.vectors.shape[1])
        for ids, vectors in _vectors_of_users(snapshot):
            index.upsert(ids, USERS.indexed(vectors))
        return index, self._follow(snapshot, index, USERS)

    def _follow(self, snapshot: Snapshot, index: FaissIndex, kind: Kind) -> ChangelogFollower:
        """Return a follower that has caught up with the logs."""
        sources = [self._open_source(topic) for topic in (kind.topic, COMMANDS)]
        try:
            stand_at(sources[0], snapshot.next_offsets)
            is_at_offset = stand_at(sources[1], snapshot.next_offsets)
            # Where the snapshot knows its offset in the commands, all that is read came after it, whatever
            # the clocks say; of a log that is read from its beginning they alone can tell.
            is_known = is_at_offset and bool(snapshot.next_offsets.get(COMMANDS))
            since = float("-inf") if is_known else snapshot.created_at
            slot = int(snapshot.provenance.get(CHANGELOG_SLOT, 0))
            applier = ChangeApplier(
                index,
                generation=snapshot.generation,
                created_at=since,
                metrics=self._metrics,
                kind=kind,
                slot=slot,
            )
            follower = ChangelogFollower(
                applier,
                vectors=sources[0],
                commands=sources[1],
                metrics=self._metrics,
                clock=self._clock,
                kind=kind,
            )
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
        _log.info("serving", generation=generation.name, n_items=len(generation.index_of(ITEMS)))
        self._close(gone)

    def _close(self, gone: Iterable[Generation]) -> None:
        for other in gone:
            self._stop(other.name)
            for part in other.parts.values():
                if part.follower is not None:
                    part.follower.close()

    def _tell(self, current: Generation) -> None:
        for kind, part in current.parts.items():
            stats = part.index.stats()
            self._metrics.gauge(f"{kind.metrics}.{kind.number}", stats.n_vectors)
            self._metrics.gauge(f"{kind.metrics}.recall_at_10", stats.recall_at_10)
            followed = part.follower.stats() if part.follower is not None else None
            if followed is not None and followed.staleness_s is not None:
                self._metrics.gauge(f"{kind.metrics}.staleness_s", followed.staleness_s)

    def _stop(self, name: str) -> None:
        for thread in self._threads.pop(name, []):
            thread.stop()


def _sample_of_users(snapshot: Snapshot) -> NDArray[np.float32]:
    """Return vectors of some users, spread over all; recall is measured with them until somebody asks."""
    n_users = len(snapshot.users.ids)
    rows = np.unique(np.linspace(0, max(0, n_users - 1), min(n_users, _N_SAMPLE_USERS)).astype(np.int64))
    sample: NDArray[np.float32] = np.array(snapshot.users.vectors[rows])
    return sample[are_acceptable(sample)]


def _vectors_of_users(snapshot: Snapshot) -> Iterator[tuple[Sequence[str], NDArray[np.float32]]]:
    """Yield ids and vectors, some at a time: the file of all of them is not read into memory at once.

    Users who chose nothing are similar to nobody; a snapshot from before users were indexed has none at all.
    """
    ids, table = snapshot.users.ids, snapshot.similarity_vectors
    if table is None:
        return
    for start in range(0, len(ids), _USERS_AT_ONCE):
        vectors: NDArray[np.float32] = np.array(table[start : start + _USERS_AT_ONCE])
        rows = np.flatnonzero(are_acceptable(vectors) & vectors.any(axis=1))
        yield [ids[start + row] for row in rows.tolist()], vectors[rows]
