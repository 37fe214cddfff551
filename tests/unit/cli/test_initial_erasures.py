"""A new generation learns nothing from before an erasure, and carries out no order a second time."""

import asyncio
import sqlite3
import time
from contextlib import closing

import numpy as np
import pytest

from streamrec.adapters.files.snapshots import current_generation, read_snapshot
from streamrec.adapters.opening import open_event_source, open_store
from streamrec.cli.retraining.joined_history import history_of_stream
from streamrec.cli.training.initial import train
from streamrec.cli.training.initial_history import history_of
from streamrec.datasets.open_dataset import open_dataset
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.item import Item
from streamrec.learning.initial.fit import FitOptions
from streamrec.ports import COMMANDS, INTERACTIONS, ITEM_VECTORS, Message
from streamrec.settings.processes import LocationSettings
from streamrec.wire import Command, encode_command, encode_event
from tests.erasure_system import ErasureSystem

CROWD = [(f"v{n % 12}", f"i{n % 7}") for n in range(120)]


@pytest.fixture
def system(own_system: ErasureSystem) -> ErasureSystem:
    return own_system


def train_from_stream(system: ErasureSystem) -> None:
    train(history_of_stream(LocationSettings()), FitOptions(max_epochs=1), None)
    generation = current_generation(system.folder)
    assert generation is not None
    system.generation = generation


def order(system: ErasureSystem, name: str, key: str, at: float) -> None:
    """Append a command as a version before did."""
    command = encode_command(Command(name, at, "recommender"))  # type: ignore[arg-type]  # of the names
    system.sink.append(COMMANDS, [Message(key, command.replace(b',"is_marked":false', b""))])


def put_item(system: ErasureSystem, item_id: str) -> None:
    async def put() -> None:
        store = open_store(system.store_url)
        await store.put_items([Item(item_id)])
        await store.aclose()

    asyncio.run(put())


def test_a_generation_of_the_stream_has_who_came_back_and_none_of_the_erased(system: ErasureSystem) -> None:
    system.send(*CROWD, ("u", "i1"), ("w", "i1"))
    system.erase("u", "w", "never seen")
    system.send(("u", "i2"), ("u", "i3"))
    train_from_stream(system)
    snapshot = read_snapshot(system.folder, system.generation)
    assert {"u", "w"} & set(snapshot.users.ids) == {"u"}
    assert system.published("u", "w", "v1") == {"u": 2, "v1": 10}
    system.start()
    assert system.step() == 0, "nothing is left to be read, and no command to be carried out"
    system.send(("w", "i4"))
    system.catch_up()
    learned = system.learned()
    assert (learned["u"], learned["w"], learned["v1"]) == (2, 1, 10)


def test_an_erasure_while_the_generation_is_trained_counts(system: ErasureSystem) -> None:
    system.send(*CROWD, ("u", "i1"))
    history = history_of_stream(LocationSettings())
    system.erase("u")
    system.send(("u", "i2"))
    train(history, FitOptions(max_epochs=1), None)
    assert system.published("u", "v1") == {"v1": 10}
    system.generation = str(current_generation(system.folder))
    system.start()
    system.catch_up()
    assert system.published("u") == {"u": 1}


def test_erasures_of_a_version_before_are_carried_out_once(system: ErasureSystem) -> None:
    system.send(*CROWD, ("u", "i1"), ("w", "i1"))
    now = time.time()  # the log's own times say what came before
    order(system, "user_erased", "u", now)
    order(system, "user_erased", "w", now)
    system.send(("u", "i2"))
    for _ in range(2):  # whoever came back is there in the next generation, too
        train_from_stream(system)
        system.start()
        system.catch_up()
        learned = system.learned()
        assert (learned.get("u"), learned.get("w")) == (1, None)
        system.stop()


def test_an_item_that_was_created_again_is_not_reported_as_deleted(system: ErasureSystem) -> None:
    system.send(*CROWD)
    order(system, "item_deleted", "i1", 1.0)
    order(system, "item_changed", "i1", 2.0)
    order(system, "item_deleted", "i2", 3.0)
    order(system, "item_deleted", "i3", 4.0)
    put_item(system, "i1")
    put_item(system, "i3")  # its command is still to come
    train_from_stream(system)
    snapshot = read_snapshot(system.folder, system.generation)
    assert set(snapshot.items.ids) == {f"i{n}" for n in range(7)} - {"i2"}
    assert np.isfinite(snapshot.items.vectors).all()
    system.start()
    system.step()
    changes = open_event_source(f"sqlite:///{system.folder}/changelog.db", [ITEM_VECTORS], "test")
    assert changes.poll(100, 0.0) == []
    changes.close()
    assert system.opened.context.state.deleted_items == {"i2"}


def test_a_file_teaches_nothing_of_before_an_erasure(system: ErasureSystem) -> None:
    system.erase("v1")
    later = time.time() + 1000
    events = [Interaction(user, item, 1.0 + n) for n, (user, item) in enumerate(CROWD)]
    events += [Interaction("v1", "i1", later), Interaction("v2", "i1", later)]
    file = system.folder / "events.jsonl"
    file.write_bytes(b"\n".join(map(encode_event, events)))
    train(history_of(open_dataset(file), 1.0), FitOptions(max_epochs=1), None)
    assert system.published("v1", "v2") == {"v1": 1, "v2": 11}


def test_logs_that_begin_late_are_learned_from_where_they_begin(system: ErasureSystem) -> None:
    order(system, "item_deleted", "i1", 1.0)
    system.send(("old", "i1"), *CROWD)
    with closing(sqlite3.connect(system.folder / "events.db")) as events, events:
        events.execute(f'DELETE FROM "log_{INTERACTIONS}" WHERE position = 1')
        events.execute(f'DELETE FROM "log_{COMMANDS}"')
    train_from_stream(system)
    system.start()
    system.catch_up()
    assert system.learned() == {f"v{n}": 10 for n in range(12)}
