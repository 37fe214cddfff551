"""Reads of several answers in one turn of the event loop, made as one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import structlog

K = TypeVar("K")
R = TypeVar("R")

_REQUEST = "request_id"


class JointReads(Generic[K, R]):
    """Reads together what is wanted in the turn in which the first asks; a quiet process waits for nobody.

    A round trip costs more of a server's time than what is in it, and those who are answered together, by
    an index or after a pause, ask together again. What is read goes by the ids of all requests.

    Parameters
    ----------
    read
        Reads all of some keys.
    n_turns
        Further turns that others have to say what they want.
    """

    def __init__(self, read: Callable[[list[K]], Awaitable[R]], n_turns: int = 0) -> None:
        self._read = read
        self._n_turns = n_turns
        self._wanted: dict[K, None] = {}
        self._requests: dict[str, None] = {}
        self._reading: asyncio.Task[R] | None = None

    async def of(self, keys: Sequence[K]) -> R:
        """Return what was read of these, and of those that others wanted."""
        self._wanted.update(dict.fromkeys(keys))
        request_id = structlog.contextvars.get_contextvars().get(_REQUEST)
        if request_id is not None:
            self._requests[str(request_id)] = None
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_wanted())
            self._reading.add_done_callback(_heard)
        # Who gives up does not end it for the others.
        return await asyncio.shield(self._reading)

    async def _read_wanted(self) -> R:
        for _ in range(self._n_turns):
            await asyncio.sleep(0)
        wanted, requests = list(self._wanted), ",".join(self._requests)
        self._wanted, self._requests, self._reading = {}, {}, None
        if requests:
            structlog.contextvars.bind_contextvars(**{_REQUEST: requests})
        return await self._read(wanted)


def _heard(reading: "asyncio.Task[R]") -> None:
    """Take note of a failure: all who wanted to know may have given up, and then it would be logged."""
    if not reading.cancelled():
        reading.exception()
