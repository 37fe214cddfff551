import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator

import pytest

from streamrec.settings import garbage


class Node:
    """Names itself by `to`, if it is so set."""

    to: "Node | None" = None


@pytest.fixture(autouse=True)
def _usual_collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def ring() -> "weakref.ReferenceType[Node]":
    """Make garbage that only the collector finds."""
    node = Node()
    node.to = node
    return weakref.ref(node)


def test_a_look_at_the_young_finds_their_garbage_and_leaves_out_what_stays() -> None:
    garbage.look_at_all()
    made, stays = ring(), [Node() for _ in range(1000)]
    n_before = gc.get_freeze_count()
    garbage.look_at_young()
    assert made() is None
    assert gc.get_freeze_count() >= n_before + len(stays)
    assert not any(looked_at is stays[0] for looked_at in gc.get_objects())


def test_what_came_to_name_itself_alone_later_goes_with_a_look_at_all() -> None:
    node = Node()
    node.to = node
    there = weakref.ref(node)
    garbage.look_at_young()
    del node
    garbage.look_at_young()
    assert there() is not None  # left out
    garbage.look_at_all()
    assert there() is None


def test_what_is_left_out_goes_when_nobody_names_it() -> None:
    node = Node()
    there = weakref.ref(node)
    garbage.look_at_young()
    del node
    assert there() is None


def test_a_server_never_looks_at_all_objects_by_itself() -> None:
    program = """
import gc, time
from streamrec.settings import garbage
garbage._LOOKS_AT_YOUNG_EVERY_S = 0.01
garbage.look_beside_answers()
n_before = gc.get_stats()[2]["collections"]
kept = []
until = time.monotonic() + 60
while gc.get_freeze_count() < 300_000 and time.monotonic() < until:
    kept.append([[n] for n in range(1000)])
assert gc.get_freeze_count() >= 300_000
assert gc.get_stats()[2]["collections"] == n_before
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
