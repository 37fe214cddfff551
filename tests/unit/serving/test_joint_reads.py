"""What is read together with what others want in the same turn."""

import asyncio

import pytest
import structlog

from streamrec.errors import Unavailable
from streamrec.serving.sources.joint_reads import JointReads


class Reader:
    """A reader that notes what it was asked for, and by whom."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.requests: list[str | None] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.problem: Exception | None = None

    async def read(self, keys: list[str]) -> dict[str, int]:
        self.asked.append(keys)
        self.requests.append(structlog.contextvars.get_contextvars().get("request_id"))
        await self.go_on.wait()
        if self.problem is not None:
            raise self.problem
        return {key: len(key) for key in keys}


async def asking(joint: JointReads[str, dict[str, int]], request_id: str, *keys: str) -> dict[str, int]:
    structlog.contextvars.bind_contextvars(request_id=request_id)
    return await joint.of(keys)


async def test_what_is_wanted_in_one_turn_is_read_at_once_by_the_ids_of_all() -> None:
    reader = Reader()
    joint = JointReads(reader.read)
    some = [asyncio.create_task(asking(joint, name, name, "both")) for name in ("a", "b")]
    assert await asyncio.gather(*some) == [{"a": 1, "both": 4, "b": 1}] * 2
    assert reader.asked == [["a", "both", "b"]]
    assert reader.requests == ["a,b"]
    await asyncio.create_task(asking(joint, "c", "c"))
    assert (reader.asked[1:], reader.requests[1:]) == ([["c"]], ["c"])


async def test_what_is_wanted_while_others_are_read_is_read_beside_it() -> None:
    reader = Reader()
    joint = JointReads(reader.read)
    reader.go_on.clear()
    first = asyncio.create_task(joint.of(["a"]))
    for _ in range(3):
        await asyncio.sleep(0)
    second = asyncio.create_task(joint.of(["b"]))
    for _ in range(3):
        await asyncio.sleep(0)
    assert reader.asked == [["a"], ["b"]]
    reader.go_on.set()
    assert await asyncio.gather(first, second) == [{"a": 1}, {"b": 1}]


async def test_who_gives_up_does_not_end_it_for_the_others() -> None:
    reader = Reader()
    joint = JointReads(reader.read)
    first, second = asyncio.create_task(joint.of(["a"])), asyncio.create_task(joint.of(["b"]))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == {"a": 1, "b": 1}


async def test_a_failure_is_told_to_all_and_ends_with_the_reading() -> None:
    reader = Reader()
    joint = JointReads(reader.read)
    reader.problem = Unavailable("away")
    found = await asyncio.gather(joint.of(["a"]), joint.of(["b"]), return_exceptions=True)
    assert [type(one) for one in found] == [Unavailable, Unavailable]
    reader.problem = None
    assert await joint.of(["c"]) == {"c": 1}


@pytest.mark.parametrize("n_turns", [0, 2])
async def test_others_have_further_turns_where_that_is_wanted(n_turns: int) -> None:
    reader = Reader()
    joint = JointReads(reader.read, n_turns)
    first = asyncio.create_task(joint.of(["a"]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second = asyncio.create_task(joint.of(["b"]))
    await asyncio.gather(first, second)
    assert reader.asked == ([["a", "b"]] if n_turns else [["a"], ["b"]])
