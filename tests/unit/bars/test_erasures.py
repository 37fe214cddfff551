"""Bars that are made of the log again hold nothing of users who were erased in it."""

import asyncio
from pathlib import Path

import pytest

from streamrec.bars.context import CHECKPOINT_FILE
from streamrec.domain.bars.bar import Bar
from streamrec.markers import ErasureMarker, encode_marker
from streamrec.ports import INTERACTIONS, Message
from streamrec.telemetry import NullMetrics
from tests.bars_world import BarsWorld, tick

MARKER = encode_marker(ErasureMarker("user_erased", 0.0, "test"))


@pytest.fixture
def world(tmp_path: Path) -> BarsWorld:
    return BarsWorld(tmp_path)


def erase(world: BarsWorld, user_id: str) -> None:
    mark = world.sink.mark(INTERACTIONS, Message(user_id, MARKER))
    asyncio.run(world.store.note_erasure(user_id, mark, 0.0))


def test_what_is_read_again_holds_no_erased_user(world: BarsWorld) -> None:
    world.send(tick("a", 60, 1, user_id="u"), tick("a", 61, 5, user_id="v"))
    world.run()
    assert world.bars("a") == [Bar(60, 1.0, 5.0, 1.0, 5.0, 2, 6.0)]
    erase(world, "u")
    world.send(tick("a", 62, 3, user_id="u"))
    world.run()
    both = Bar(60, 1.0, 5.0, 1.0, 3.0, 3, 9.0)
    assert world.bars("a") == [both], "bars name nobody: what they hold stays until it is too old"
    (world.folder / CHECKPOINT_FILE).unlink()
    world.run()
    assert world.bars("a") == [Bar(60, 5.0, 5.0, 3.0, 3.0, 2, 8.0)]


class Counts(NullMetrics):
    """Keeps the last figure of each counter."""

    def __init__(self) -> None:
        self.last: dict[str, int] = {}

    def count(self, name: str, n: int = 1) -> None:
        self.last[name] = n


def test_a_marker_is_no_malformed_record(tmp_path: Path) -> None:
    metrics = Counts()
    world = BarsWorld(tmp_path, metrics)
    erase(world, "u")
    world.send(tick("a", 60, 1))
    world.run()
    assert metrics.last["history.records"] == 2
    assert metrics.last.get("history.ignored.malformed", 0) == 0
