"""Two generations over one stream, in memory but for their artifacts, and trainers of them in threads."""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np

from streamrec.adapters.files.roles import SnapshotRoles, set_challenger
from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink, MemoryEventSource
from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.generations.roles import PromotionName, Role, Roles
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import COMMANDS, INTERACTIONS, IndexLookup, Message, Metrics, Snapshot, VectorTable
from streamrec.process.status import TrainerStatus
from streamrec.process.stop import StopRequest
from streamrec.publishing.publisher import Sinks
from streamrec.settings.processes import LearningSettings, TrainerSettings
from streamrec.telemetry import NullMetrics
from streamrec.trainer.run import run_trainer
from streamrec.trainer.trainer_process import TrainerProcess
from streamrec.wire import Command, encode_command, encode_event

OLD, NEW = "old", "new"
DIMENSIONS = {OLD: 8, NEW: 4}
SETTINGS = TrainerSettings(
    lease_duration_s=6.0,
    status_interval_s=0.02,
    checkpoint_interval_s=0.2,
    poll_timeout_s=0.01,
    evaluations_per_s=1000.0,
)

_PATIENCE_S = 120.0


def eventually(is_true: Callable[[], bool]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + _PATIENCE_S
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class TrainerThread:
    """A trainer's process, as a thread."""

    def __init__(self, process: TrainerProcess) -> None:
        self.stop = process.stop
        self.status = process.status
        self._failures: list[BaseException] = []
        self._process = process
        self._thread = Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            run_trainer(self._process)
        except BaseException as error:
            self._failures.append(error)
            raise

    def is_at(self, role: Role, generation: str) -> bool:
        """Return whether it trains this generation in this role."""
        status = self.status
        return (status.state, status.role, status.generation) == ("training", role, generation)

    def end(self) -> None:
        """Stop in good order."""
        self.stop.is_stopping.set()
        self._thread.join(_PATIENCE_S)
        assert not self._thread.is_alive()
        assert self._failures == []


class TwoGenerations:
    """`OLD` is live and `NEW` its challenger; neither has learned anything yet."""

    def __init__(self, folder: Path, metrics: Metrics | None = None) -> None:
        self.folder = folder
        self.metrics = metrics or NullMetrics()
        self.index: IndexLookup | None = None
        self.log = MemoryEventLog()
        self.sink = MemoryEventSink(self.log)
        self.store = MemoryStore()
        self.cache = MemoryCache()
        self.record = SnapshotRoles(folder)
        for slot, (generation, dimension) in enumerate(DIMENSIONS.items()):
            nothing = VectorTable([], np.zeros((0, dimension + 1), np.float32))
            write_snapshot(folder, Snapshot(generation, nothing, nothing, {}, 1.0, {}))
            state = TrainerState(generation, LearningSettings(embedding_dim=dimension), SETTINGS)
            state.changelog_slot = slot
            Checkpoints(folder, generation).write(state, {}, token=0)
        set_current(folder, OLD)
        set_challenger(folder, NEW)

    @property
    def roles(self) -> Roles:
        """Who is what."""
        return self.record.read()

    def send(self, *pairs: tuple[str, str]) -> None:
        """Append events of (user_id, item_id) pairs."""
        now = time.time()
        payloads = [encode_event(Interaction(user_id, item_id, now)) for user_id, item_id in pairs]
        self.sink.append(INTERACTIONS, [Message("key", payload) for payload in payloads])

    def command(self, name: PromotionName, generation: str = "") -> None:
        """Append a command."""
        command = Command(name, time.time(), "test")
        self.sink.append(COMMANDS, [Message(generation, encode_command(command))])

    def start(self, role: Role, owner: str, **changes: Any) -> TrainerThread:
        """Start a trainer that prefers a role."""
        process = TrainerProcess(
            open_source=lambda group: MemoryEventSource(self.log, [COMMANDS, INTERACTIONS], group),
            sinks=Sinks(self.sink, self.sink, self.store, self.cache),
            metrics=self.metrics,
            artifacts_dir=self.folder,
            roles=self.record,
            learning=LearningSettings(),
            settings=SETTINGS,
            start="checkpoint",
            stop=StopRequest(),
            clock=time.time,
            status=TrainerStatus(),
            owner=owner,
            index=self.index,
            role=role,
        )
        return TrainerThread(process if not changes else TrainerProcess(**{**vars(process), **changes}))
