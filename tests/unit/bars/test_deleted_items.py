"""Bars of deleted items leave the cache, and no late tick brings them back."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from streamrec.bars.checkpoint import BarsCheckpoint
from streamrec.bars.context import CHECKPOINT_FILE
from streamrec.domain.bars.bar import Bar
from streamrec.domain.bars.minute_table import MinuteTable, Ticks
from streamrec.errors import Unavailable
from streamrec.ports import COMMANDS
from tests.bars_world import BarsWorld, tick


@pytest.fixture
def world(tmp_path: Path) -> BarsWorld:
    return BarsWorld(tmp_path)


def test_bars_of_a_deleted_item_leave_the_cache_and_stay_away(world: BarsWorld) -> None:
    world.send(tick("a", 60, 1), tick("b", 60, 2))
    world.run()
    world.command("item_deleted", "a")
    world.run()
    assert world.bars("a") is None
    assert world.bars("b") is not None
    world.send(tick("a", 61, 3), tick("b", 61, 3))  # was under way, and read after a restart
    world.run()
    assert world.bars("a") is None
    assert world.bars("b") == [Bar(60, 2.0, 3.0, 2.0, 3.0, 2, 5.0)]


def test_an_item_that_is_created_again_begins_with_no_bars(world: BarsWorld) -> None:
    world.send(tick("a", 60, 1))
    world.run()
    world.command("item_deleted", "a")
    world.command("item_changed", "a")
    world.send(tick("a", 70, 9))
    world.run()
    assert world.bars("a") == [Bar(60, 9.0, 9.0, 9.0, 9.0, 1, 9.0)]


def test_a_cache_that_is_away_forgets_the_deleted_after_a_restart(world: BarsWorld) -> None:
    class Away:
        def __getattr__(self, name: str) -> object:
            return getattr(world.cache, name)

        def publish_bars(self, _update: object) -> None:
            raise Unavailable("away")

    world.send(tick("a", 60, 1))
    world.run()
    world.command("item_deleted", "a")
    world.publisher = Away()  # type: ignore[assignment]
    world.run()
    assert world.bars("a") is not None
    world.publisher = world.cache
    world.run()
    assert world.bars("a") is None


def test_what_a_crash_left_published_leaves_the_cache_with_its_item(world: BarsWorld) -> None:
    world.send(tick("b", 60, 1))
    world.run()
    checkpoint = (world.folder / CHECKPOINT_FILE).read_bytes()
    world.send(tick("a", 60, 1))
    world.run()
    assert world.bars("a") is not None
    # The process was killed between publishing and its checkpoint; its successor reads all in one batch.
    (world.folder / CHECKPOINT_FILE).write_bytes(checkpoint)
    world.command("item_deleted", "a")
    world.run()
    assert world.bars("a") is None
    assert world.bars("b") is not None


def test_a_checkpoint_of_a_version_before_goes_on_behind_the_commands(world: BarsWorld) -> None:
    world.command("item_deleted", "a")
    world.command("item_changed", "a")  # it was created again, long ago
    world.send(tick("a", 60, 1))
    world.run()
    path = world.folder / CHECKPOINT_FILE
    as_before(path)
    world.run()
    assert world.bars("a") == [Bar(60, 1.0, 1.0, 1.0, 1.0, 1, 1.0)]
    assert BarsCheckpoint(path).next_offsets()[COMMANDS] == {0: 2}


def as_before(path: Path) -> None:
    """Make of a checkpoint one that knows nothing of commands."""
    with np.load(path) as file:
        arrays = dict(file)
    about = msgspec.json.decode(arrays["about"].tobytes())
    del about["deleted"], about["next_offsets"][COMMANDS]
    np.savez(path, **arrays | {"about": np.frombuffer(msgspec.json.encode(about), np.uint8)})


def test_forgetting_frees_rows_and_tells_which() -> None:
    table = MinuteTable(5, max_items=3)
    ones = np.ones(2)
    table.add(Ticks(["a", "b"], ones, ones, ones))
    assert table.forget(["nobody", "b", "b"]) == [(1, "b")]
    assert len(table.cells_in_use(np.array([1]))) == 0
    table.add(Ticks(["c"], ones[:1], ones[:1], ones[:1]))
    assert table.ids.by_row() == ["a", "c"]
