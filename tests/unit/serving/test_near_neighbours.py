from collections.abc import Sequence
from pathlib import Path

import pytest

from streamrec.adapters.redis.values import encode
from streamrec.adapters.sqlite.cache import SqliteCache
from streamrec.adapters.sqlite.cache_publisher import SqliteCachePublisher
from streamrec.errors import Damaged, Unavailable
from streamrec.ports import Neighbours
from streamrec.serving.sources.near_neighbours import TOO_OLD_S, DecodedNeighbours, NearNeighbours
from tests.builders import SteppingClock, near


class Far:
    """A cache that notes what it is asked for."""

    def __init__(self) -> None:
        self.stored = {"a": near(("b", 0.5, 2.0, 0.0)), "b": near(("a", 0.5, 2.0, 0.0))}
        self.asked: list[list[str]] = []
        self.is_down = False

    async def read(self, item_ids: Sequence[str]) -> dict[str, Neighbours]:
        if self.is_down:
            raise Unavailable("down")
        self.asked.append(list(item_ids))
        return {item_id: self.stored[item_id] for item_id in item_ids if item_id in self.stored}


async def test_only_what_is_not_at_hand_is_asked_for() -> None:
    far, clock = Far(), SteppingClock()
    copies = NearNeighbours(far.read, clock)
    assert await copies.neighbours(["a", "none"]) == {"a": far.stored["a"]}
    assert await copies.neighbours(["none", "b", "a"]) == far.stored
    assert far.asked == [["a", "none"], ["b"]]


async def test_a_change_is_seen_within_a_second() -> None:
    far, clock = Far(), SteppingClock()
    copies = NearNeighbours(far.read, clock)
    await copies.neighbours(["a", "none"])
    far.stored = {"none": near(("a", 0.1, 1.0, 0.0))}
    clock.now += TOO_OLD_S - 0.01
    assert set(await copies.neighbours(["a", "none"])) == {"a"}
    clock.now += 0.01
    assert await copies.neighbours(["a", "none"]) == far.stored


async def test_the_number_of_copies_is_bounded() -> None:
    far = Far()
    copies = NearNeighbours(far.read, SteppingClock(), max_items=2)
    for item_id in ("a", "b", "a", "c", "a", "b"):
        await copies.neighbours([item_id])
    assert far.asked == [["a"], ["b"], ["c"], ["b"]]


async def test_copies_answer_while_the_cache_is_away() -> None:
    far = Far()
    copies = NearNeighbours(far.read, SteppingClock())
    await copies.neighbours(["a"])
    far.is_down = True
    assert await copies.neighbours(["a"]) == {"a": far.stored["a"]}
    with pytest.raises(Unavailable):
        await copies.neighbours(["a", "b"])


async def test_a_server_over_a_file_keeps_copies_too(tmp_path: Path) -> None:
    publisher, server = SqliteCachePublisher(tmp_path / "c.db"), SqliteCache(tmp_path / "c.db")
    old, new = near(("b", 0.5, 1.0, 0.0)), near(("c", 0.5, 1.0, 0.0))
    publisher.publish_neighbours({"a": old})
    assert await server.neighbours(["a"]) == {"a": old}
    publisher.publish_neighbours({"a": new, "b": new})
    assert await server.neighbours(["a", "b"]) == {"a": old, "b": new}
    publisher.close()
    await server.aclose()


def test_what_another_program_wrote_is_left_out_and_told() -> None:
    good = near(("b", 0.5, 1.0, 0.0))
    values = [encode(good), b"no json", b'[["b"], ["x"], [1], [1]]', b"\xff"]
    with pytest.raises(Damaged, match="3 in all") as caught:
        DecodedNeighbours().of(zip("abcd", values, strict=True))
    assert caught.value.rest == {"a": good}


def test_what_is_written_as_before_is_not_decoded_again() -> None:
    decoded, clean = DecodedNeighbours(max_items=2), encode(near(("b", 0.5, 1.0, 0.0)))
    (first,) = decoded.of([("a", clean)]).values()
    assert decoded.of([("a", bytes(bytearray(clean)))])["a"] is first
    changed = near(("c", 0.5, 1.0, 0.0))
    assert decoded.of([("a", encode(changed))]) == {"a": changed}
    assert decoded.of([("a", clean)]) == {"a": first}
    decoded.of([("b", clean), ("c", clean)])
    assert decoded.of([("a", clean)])["a"] is not first
