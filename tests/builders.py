"""Things that many tests need, built with defaults that do not matter to them."""

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.memory.events import MemoryEventLog, MemoryEventSink, MemoryEventSource
from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.rows.id_map import IdMap
from streamrec.domain.rows.item_numbers import ItemNumbers
from streamrec.learning.commands import commands_read
from streamrec.learning.item_starts import follow_chosen
from streamrec.learning.reverts import Reverts
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.categories import ItemCategories
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import (
    COMMANDS,
    INTERACTIONS,
    ITEM_VECTORS,
    EventSource,
    IndexLookup,
    Lease,
    Message,
    Metrics,
    Neighbours,
    Record,
)
from streamrec.process.erasures import open_erasures
from streamrec.process.lease import LeaseKeeper
from streamrec.process.scoped_metrics import metrics_of
from streamrec.process.stop import StopRequest
from streamrec.publishing.publisher import Changelog, Publisher, Sinks
from streamrec.serving.catalog import Catalog
from streamrec.serving.guard import Guard
from streamrec.serving.item_reader import ItemReader
from streamrec.serving.users.accepted import AcceptedChoices
from streamrec.settings.processes import LearningSettings, TrainerSettings
from streamrec.shadow.live_index import LiveIndex
from streamrec.telemetry import NullMetrics
from streamrec.trainer.context import TrainerContext
from streamrec.trainer.opening import loop_over
from streamrec.wire import Command, VectorRecord, decode_vector, encode_command

GENERATION = "g1"

LEARNING = LearningSettings(embedding_dim=8, least_drift=0.0)
"""Every move is published, however small: what is published is what the state holds."""

WEIGHTS = EventWeights({"impression": 0.0, "dislike": -1.0})

FIRST_LEASE = Lease("trainer", "a test", token=1, expires_at=1e12)
"""Older than any that a process takes: what is written under it, any trainer may go on from."""


class SteppingClock:
    """Unix seconds that a test moves."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class World:
    """Logs, stores and a trainer over them, all in memory but for the checkpoints.

    A second trainer over the same world is what a restart is.

    Attributes
    ----------
    source
        What trainers read, if it is not the log in memory.
    """

    def __init__(
        self, folder: Path, metrics: Metrics | None = None, learning: LearningSettings = LEARNING
    ) -> None:
        self.folder, self.learning = folder, learning
        self.metrics = metrics or NullMetrics()
        self.index: IndexLookup | None = None
        self.source: EventSource | None = None
        self.log = MemoryEventLog()
        self.sink = MemoryEventSink(self.log)
        self.store = MemoryStore()
        self.cache = MemoryCache()
        self.clock = SteppingClock()
        self.checkpoints = Checkpoints(folder, GENERATION)

    def send(self, *events: dict[str, Any] | bytes) -> None:
        """Append events, or what is none, to the stream."""
        payloads = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]
        self.sink.append(INTERACTIONS, [Message("key", payload) for payload in payloads])

    def command(self, name: Any, key: str) -> None:
        """Append a command."""
        self.sink.append(COMMANDS, [Message(key, encode_command(Command(name, 1.0, "test")))])

    def erase(self, user_id: str) -> None:
        """Erase a user as the recommender does."""
        guard = Guard("any", 1.0, self.metrics)
        reader = ItemReader(self.cache, guard, self.store, guard, self.metrics)
        asyncio.run(Catalog(self.store, reader, self.sink, AcceptedChoices()).erase_user(user_id))

    def trainer(
        self, owner: str = "one", *, is_restored: bool = False, is_new_log: bool = False, **settings: Any
    ) -> "RunningTrainer":
        """Start a trainer that holds the lease; however slow the machine, a step takes in what there is."""
        of_test = TrainerSettings(**({"round_s": 60.0} | settings))
        return RunningTrainer(self, owner, is_restored, is_new_log, of_test)

    def records(self, topic: str) -> list[Record]:
        """Return what stands in a topic."""
        return self.log.records.get(topic, [])

    def published_vectors(self) -> dict[str, VectorRecord]:
        """Return the last record of each item in the changelog."""
        return {
            record.key: decode_vector(record.value)
            for record in self.records(ITEM_VECTORS)
            if record.value is not None
        }


class RunningTrainer:
    """A trainer over a world, moved step by step."""

    def __init__(
        self, world: World, owner: str, is_restored: bool, is_new_log: bool, settings: TrainerSettings
    ) -> None:
        self.world = world
        metrics = metrics_of("champion", world.metrics)
        self.state = TrainerState(GENERATION, world.learning, settings)
        in_memory = MemoryEventSource(world.log, [COMMANDS, INTERACTIONS], "trainer")
        self.source: EventSource = world.source or in_memory
        if is_restored:
            self.source.seek(world.checkpoints.restore_newest(self.state))
        self.stop = StopRequest()
        self.lease = LeaseKeeper(world.store, "trainer", owner, settings.lease_duration_s, world.clock)
        assert self.lease.wait(lambda: False, self._pass_time)
        self.publisher = Publisher(
            Sinks(world.sink, world.sink, world.store, world.cache),
            Changelog(GENERATION, 0, partial(commands_read, self.source)),
            lambda: self.lease.lease,
            metrics,
            self.stop.is_giving_up,
        )
        live_index = None
        if world.index is not None:
            live_index = LiveIndex(world.index, 1.0, metrics, world.clock)
        categories = ItemCategories(world.store.read_items(), settings.content_fields)
        follow_chosen(self.state, categories.contents)
        self.context = TrainerContext(
            source=self.source,
            erasures=open_erasures(world.store, self.source, world.clock),
            repeats=self.state.repeats,
            lease=self.lease,
            metrics=metrics,
            clock=world.clock,
            stop=self.stop,
            state=self.state,
            categories=categories,
            rules=LearningRules(
                settings.weights, settings.value_weight, categories.contents, categories.labels
            ),
            settings=settings,
            store=world.store,
            publisher=self.publisher,
            checkpoints=world.checkpoints,
            reverts=Reverts(),
            live_index=live_index,
            is_new_log=is_new_log,
        )
        self.loop = loop_over(self.context)

    def _pass_time(self, duration_s: float) -> None:
        self.world.clock.now += duration_s

    def step(self, n: int = 1) -> None:
        """Do `n` rounds, a second apart, and wait until what they published is out."""
        for _ in range(n):
            self.world.clock.now += 1.0
            self.loop.step()
        self.publisher.drain()

    def finish(self) -> None:
        """Stop in good order."""
        self.stop.is_stopping.set()
        self.loop.run()
        self.context.close()
        self.lease.release()


def events(*pairs: tuple[str, str], **fields: Any) -> Sequence[dict[str, Any]]:
    """Return events of (user_id, item_id) pairs, a second apart."""
    return [
        {"user_id": user_id, "item_id": item_id, "timestamp": 100.0 + number, **fields}
        for number, (user_id, item_id) in enumerate(pairs)
    ]


def numbered(n_items: int) -> ItemNumbers:
    """Return a numbering of items "0", "1" and so on: the number of each is what it is called."""
    return ItemNumbers(IdMap(map(str, range(n_items))))


def proposal(numbers: Sequence[int], scores: Sequence[float], *, is_logit: bool = False) -> Proposal:
    """Return what a source proposes, best first."""
    return Proposal(np.array(numbers, np.int64), np.array(scores, np.float64), is_logit)


def near(*entries: tuple[str, float, float, float]) -> Neighbours:
    """Return neighbours from (id, similarity, support, follows), nearest first."""
    columns: list[Any] = [list(column) for column in zip(*entries, strict=True)]
    return Neighbours(*columns)
