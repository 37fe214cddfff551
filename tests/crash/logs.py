"""Fixed logs, and generations to start from."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import numpy as np

from streamrec.adapters.files.roles import set_challenger
from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.opening import open_event_sink, open_store
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.item import Item
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import COMMANDS, INTERACTIONS, EventSink, Message, Snapshot, VectorTable
from streamrec.serving.catalog import Catalog
from streamrec.serving.guard import Guard
from streamrec.serving.item_reader import ItemReader
from streamrec.serving.users.accepted import AcceptedChoices
from streamrec.settings.processes import LearningSettings, TrainerSettings
from streamrec.telemetry import NullMetrics
from streamrec.wire import Command, encode_command, encode_event
from tests.crash.places import Places

OLD, NEW = "old", "new"

_DIMENSIONS = {OLD: 8, NEW: 4}

ERASED, DELETED = "u3", "i5"

_TYPES = (*["view"] * 10, *["purchase"] * 6, "impression", "dislike", "retract", "less")


def stream(n: int, seed: int = 1) -> list[Interaction]:
    """Return events without values among 40 users and 60 items; every tenth comes twice."""
    chance = random.Random(seed)
    events: list[Interaction] = []
    for number in range(n):
        user, item = chance.randrange(40), int(chance.paretovariate(0.7)) % 60
        at = 1.6e9 + 5.0 * number
        events.append(
            Interaction(f"u{user}", f"i{item}", at, chance.choice(_TYPES), None, f"{seed}:{number}")
        )
        if number % 10 == 9:
            events.append(chance.choice(events))
    return events


def ticks(n: int) -> list[Interaction]:
    """Return such events with values whose sums are rounded."""
    chance = random.Random(2)
    return [
        msgspec.structs.replace(event, type="trade", value=chance.uniform(-50.0, 100.0))
        for event in stream(n)
    ]


def prepare_generations(places: Places) -> None:
    """Make a live generation and a challenger that know nothing."""
    for slot, (generation, dimension) in enumerate(_DIMENSIONS.items()):
        nothing = VectorTable([], np.zeros((0, dimension + 1), np.float32))
        write_snapshot(places.artifacts, Snapshot(generation, nothing, nothing, {}, 1.0, {}))
        state = TrainerState(generation, LearningSettings(embedding_dim=dimension), TrainerSettings())
        state.changelog_slot = slot
        Checkpoints(places.artifacts, generation).write(state, {}, token=0)
    set_current(places.artifacts, OLD)
    set_challenger(places.artifacts, NEW)


def send_all(places: Places, n: int = 180) -> None:
    """Write a log of all that a trainer reads: events, garbage, a catalogue, an erasure, a promotion."""
    sink, events = open_event_sink(places.events), stream(n)
    put_items(places)
    send(sink, events[: n // 3])
    erase(places, ERASED)
    send(sink, events[n // 3 : n // 2])
    delete(places, DELETED)
    sink.append(COMMANDS, [Message("", encode_command(Command("promote", 100.0, "test")))])
    send(sink, events[n // 2 :])
    sink.close()


def send(sink: EventSink, events: Sequence[Interaction]) -> None:
    """Append events, and what is none in their midst."""
    messages = [Message(event.user_id, encode_event(event)) for event in events]
    messages.insert(len(messages) // 2, Message("garbage", b"not an event"))
    sink.append(INTERACTIONS, messages)


def send_ticks(places: Places, n: int = 240) -> None:
    """Write a log of all that keepers of bars read: ticks, garbage, a catalogue, an erasure, a deletion."""
    sink, events = open_event_sink(places.events), ticks(n)
    put_items(places)
    send(sink, events[: n // 3])
    erase(places, ERASED)
    send(sink, events[n // 3 : 2 * n // 3])
    delete(places, DELETED)
    send(sink, events[2 * n // 3 :])
    sink.close()


def put_items(places: Places) -> None:
    """Write items' metadata."""
    items = [
        Item(f"i{number}", title=f"Item {number}", categories=(f"c{number % 4}",)) for number in range(30)
    ]
    asyncio.run(_change(places, lambda catalog: catalog.put_items(items)))


def erase(places: Places, user_id: str) -> None:
    """Erase a user as the recommender does."""
    asyncio.run(_change(places, lambda catalog: catalog.erase_user(user_id)))


def delete(places: Places, item_id: str) -> None:
    """Delete an item as the recommender does."""
    asyncio.run(_change(places, lambda catalog: catalog.delete_item(item_id)))


async def _change(places: Places, change: Callable[[Catalog], Awaitable[None]]) -> None:
    store, sink = open_store(places.store), open_event_sink(places.events)
    guard = Guard("any", 5.0, NullMetrics())
    reader = ItemReader(MemoryCache(), guard, store, guard, NullMetrics())
    await change(Catalog(store, reader, sink, AcceptedChoices()))
    await store.aclose()
    sink.close()
