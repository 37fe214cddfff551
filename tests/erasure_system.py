"""A system on real logs and stores, without processes: events, erasures, and trainers that are crashed."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

from streamrec.adapters.files.roles import SnapshotRoles
from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.opening import open_event_sink, open_event_source, open_store, open_trainer_store
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.content_index import ContentIndex
from streamrec.errors import InvalidInput
from streamrec.learning.initial.fit import FitOptions
from streamrec.learning.initial.past import events_of, read_commands
from streamrec.learning.initial.release import Release, Start, release, train_initially
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import COMMANDS, INTERACTIONS, Message, n_between
from streamrec.process.erasures import open_erasures
from streamrec.process.lease import LeaseKeeper
from streamrec.process.stop import StopRequest
from streamrec.promotion.roles import HeldRole
from streamrec.publishing.publisher import Sinks
from streamrec.serving.catalog import Catalog
from streamrec.serving.guard import Guard
from streamrec.serving.item_reader import ItemReader
from streamrec.serving.users.accepted import AcceptedChoices
from streamrec.settings.processes import TrainerSettings
from streamrec.telemetry import NullMetrics
from streamrec.trainer.opening import OpenTrainer, open_trainer
from streamrec.trainer.trainer_process import Start as Place
from streamrec.trainer.trainer_process import TrainerProcess
from streamrec.wire import encode_event
from tests.builders import GENERATION, LEARNING, WEIGHTS, SteppingClock


class ErasureSystem:
    """Logs and a document store at URLs, a recommender's part in erasing, and one trainer at a time.

    Attributes
    ----------
    opened
        The trainer that runs.
    """

    def __init__(self, folder: Path, events_url: str = "", store_url: str = "") -> None:
        self.folder = folder
        self.events_url = events_url or f"sqlite:///{folder}/events.db"
        self.store_url = store_url or f"sqlite:///{folder}/store.db"
        self.generation = GENERATION
        self.clock = SteppingClock()
        self.metrics = NullMetrics()
        self.sink = open_event_sink(self.events_url)
        self.vectors = open_event_sink(f"sqlite:///{folder}/changelog.db")
        self.store = open_trainer_store(self.store_url)
        self.n_sent = 0
        self.opened: OpenTrainer
        self._close: list[Any] = []
        fresh = TrainerState(GENERATION, LEARNING, TrainerSettings())
        Checkpoints(folder, GENERATION).write(fresh, {}, token=0)

    def send(self, *pairs: tuple[str, str]) -> None:
        """Append an event of each (user, item), with an event id of its own."""
        events = [
            Interaction(user, item, 100.0 + self.n_sent + n, event_id=f"{self.n_sent + n}")
            for n, (user, item) in enumerate(pairs)
        ]
        self.n_sent += len(pairs)
        self.sink.append(INTERACTIONS, [Message(event.user_id, encode_event(event)) for event in events])

    def erase(self, *user_ids: str) -> None:
        """Erase users as the recommender does."""
        asyncio.run(self._erase(user_ids))

    async def _erase(self, user_ids: tuple[str, ...]) -> None:
        store = open_store(self.store_url)
        guard = Guard("any", 5.0, self.metrics)
        reader = ItemReader(MemoryCache(), guard, store, guard, self.metrics)
        catalog = Catalog(store, reader, self.sink, AcceptedChoices())
        for user_id in user_ids:
            await catalog.erase_user(user_id)
        await store.aclose()

    def process(self, start: Place = "checkpoint") -> TrainerProcess:
        """Return what a trainer's composition root would hand over."""
        return TrainerProcess(
            open_source=lambda group: open_event_source(self.events_url, [COMMANDS, INTERACTIONS], group),
            sinks=Sinks(self.sink, self.vectors, self.store, MemoryCache()),
            metrics=self.metrics,
            artifacts_dir=self.folder,
            roles=SnapshotRoles(self.folder),
            learning=LEARNING,
            settings=TrainerSettings(checkpoint_interval_s=1e9, status_interval_s=1e9),
            start=start,
            stop=StopRequest(),
            clock=self.clock,
        )

    def start(self, start: Place = "checkpoint") -> None:
        """Start a trainer from the newest checkpoint; it has read nothing then."""
        process = self.process(start)
        lease = LeaseKeeper(self.store, "trainer", f"owner {self.clock.now}", 1e9, self.clock)
        assert lease.wait(lambda: False, self._pass_time)
        source = process.open_source("trainer")
        held = HeldRole("champion", self.generation, lease)
        self.opened = open_trainer(process, held, source, start=start)
        self._close = [self.opened.context, source]
        self._lease, self._source = lease, source

    def _pass_time(self, duration_s: float) -> None:
        self.clock.now += max(duration_s, 1e9)

    def step(self) -> int:
        """Do a round and wait until what it published is out."""
        self.clock.now += 1.0
        n_records = self.opened.loop.step()
        self.opened.context.publisher.drain()
        return n_records

    def catch_up(self) -> None:
        """Read all that the log holds, and publish it."""
        ends = self._source.end_offsets()
        while n_between(self._source.next_offsets(), ends):
            self.step()
        self.step()

    def opened_source_partitions(self) -> list[int]:
        """Return the partitions of the interactions."""
        return sorted(self._source.end_offsets()[INTERACTIONS])

    def crash(self) -> None:
        """End the trainer without a checkpoint."""
        for part in self._close:
            part.close()
        self._close = []
        self._lease.release()

    def stop(self) -> None:
        """End the trainer with a checkpoint."""
        self.opened.loop.checkpoint()
        self.crash()

    def begin_generation(self) -> None:
        """Learn a new generation from the stream, which the next trainer goes on with; none of no events."""
        state = TrainerState(f"g{self.clock.now}", LEARNING, TrainerSettings())
        commands = read_commands(open_event_source(self.events_url, [COMMANDS], "training"))
        source = open_event_source(self.events_url, [INTERACTIONS], "training")
        ends = source.end_offsets()
        erasures = open_erasures(self.store, source, self.clock)
        events = events_of(source, ends, erasures.void, commands.erased_at)
        rules = LearningRules(WEIGHTS, False, ContentIndex())
        try:
            start = Start(events, rules, FitOptions(max_epochs=1))
            history, _ = train_initially(state, start, lambda *_: None)
        except InvalidInput:
            return
        state.log = erasures.log
        lease = LeaseKeeper(self.store, "initial-training", "one", 1e12, self.clock)
        lease.acquire()
        to = Release(
            store=self.store,
            cache=MemoryCache(),
            checkpoints=Checkpoints(self.folder, state.generation),
            lease=lease,
            write_snapshot=lambda _snapshot: None,
            announce=lambda _generation: None,
            changelog_offsets={},
            stream_offsets=ends | commands.next_offsets,
            provenance={},
            created_at=self.clock.now,
        )
        release(state, history, to, lambda *_: None)
        self.generation = state.generation

    def close(self) -> None:
        """Release the connections."""
        if self._close:
            self.crash()
        for part in (self.sink, self.vectors, self.store):
            part.close()

    def learned(self) -> dict[str, int]:
        """Return how many events the trainer holds of each user."""
        state = self.opened.context.state
        return {
            user_id: int(state.users.n_events[row])
            for row, user_id in enumerate(state.user_ids.by_row())
            if user_id is not None
        }

    def published(self, *user_ids: str) -> dict[str, int]:
        """Return how many events the documents of these users hold; those without one are left out."""
        return asyncio.run(self._published(user_ids))

    async def _published(self, user_ids: tuple[str, ...]) -> dict[str, int]:
        store = open_store(self.store_url)
        found = await store.get_users(user_ids)
        seen = {user_id: await store.seen_items(user_id, 100) for user_id in user_ids}
        await store.aclose()
        states = {user_id: one.state.n_events for user_id, one in found.items() if one.state is not None}
        assert states.keys() == {user_id for user_id, item_ids in seen.items() if item_ids}
        return states


def counted(*pairs: tuple[str, str]) -> dict[str, int]:
    """Return how many events these are by user."""
    return dict(Counter(user for user, _ in pairs))
