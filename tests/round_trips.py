"""Counting how many round trips a task makes one after the other, to real servers."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_GATHERING_S = 0.1
"""Questions within this of one another are side by side; a task takes far less between two of them."""


class Rounds:
    """Holds every question back until no further one comes, and then lets all pass together: a round.

    A task that asks side by side needs one round for all; one that asks in sequence a round for each.
    """

    def __init__(self) -> None:
        self.n_rounds = 0
        self._held: list[asyncio.Event] = []
        self._news = asyncio.Event()
        self._is_open = True

    async def pass_through(self) -> None:
        """Wait for the round that this question goes with."""
        if self._is_open:
            return
        held = asyncio.Event()
        self._held.append(held)
        self._news.set()
        await held.wait()

    async def count(self, work: Awaitable[T]) -> tuple[T, int]:
        """Do the work; return its result, and the number of rounds that it needed."""
        self.n_rounds, self._is_open = 0, False
        releasing = asyncio.create_task(self._release_for_ever())
        try:
            return await work, self.n_rounds
        finally:
            releasing.cancel()
            self._is_open = True
            self._release()

    async def _release_for_ever(self) -> None:
        while True:
            await self._news.wait()
            await self._release_when_quiet()

    async def _release_when_quiet(self) -> None:
        n_held = -1
        while n_held != len(self._held):
            n_held = len(self._held)
            await asyncio.sleep(_GATHERING_S)
        self.n_rounds += 1
        self._release()

    def _release(self) -> None:
        held, self._held = self._held, []
        self._news.clear()
        for event in held:
            event.set()


class Proxy:
    """A door to a server of this machine, through which questions go in rounds and answers at once."""

    def __init__(self, port: int, rounds: Rounds) -> None:
        self._target = port
        self._rounds = rounds
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)

        async def at_once() -> None:
            return

        try:
            questions = asyncio.create_task(_pump(reader, far_writer, self._rounds.pass_through))
            answers = asyncio.create_task(_pump(far_reader, writer, at_once))
            try:
                await asyncio.wait([questions, answers], return_when=asyncio.FIRST_COMPLETED)
            finally:
                questions.cancel()
                answers.cancel()
                await asyncio.gather(questions, answers, return_exceptions=True)
        finally:
            for end in (writer, far_writer):
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, before: Callable[[], Awaitable[None]]
) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(1 << 20):
            await before()
            writer.write(chunk)
            await writer.drain()
