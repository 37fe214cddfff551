"""Work on own files: looking at them and training, each in a process of its own."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from recommender_server.own_data.schemas import LiveModel
from streamrec.datasets.workspace import Found, ToldFile, TrainingJob, TrainingStatus, Workspace
from streamrec.errors import InvalidInput, Unavailable

INSPECTION_S = 120.0
"""Looking at ten files takes seconds; one that takes longer is not looked at."""

_BEGINNING_S = 120.0
"""The process writes its first word once it has read its programs."""

_LOOK_S = 0.1
_ENDING_S = 10.0
_N_WORDS = 500


class Tools(NamedTuple):
    """Means of this installation for own files.

    Attributes
    ----------
    folder
        Of the workspace.
    command
        Starts a command for it, whose name and folder follow.
    missing
        Modules that are not installed, and without which nothing of this can be done.
    read_live
        Returns the live generation; None: there is none.
    """

    folder: Path
    command: Sequence[str]
    missing: Sequence[str]
    read_live: Callable[[], LiveModel | None]
    max_bytes: int


class OwnFiles:
    """A workspace, and the processes that work in it: one that looks and one that trains at a time.

    A training belongs to the service that started it, and ends with it.
    """

    def __init__(self, tools: Tools) -> None:
        self.workspace = Workspace(tools.folder)
        self._command = [*tools.command]
        self._looking = asyncio.Lock()
        self._starting = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    async def inspect(self, told: list[ToldFile]) -> Found:
        """Look at the files, and return what was found.

        Raises
        ------
        InvalidInput
            When there are none, or one trains with them.
        Unavailable
            When the process that looks fails.
        """
        async with self._looking:
            await asyncio.to_thread(self.refuse_while_training)
            if not self.workspace.names():
                raise InvalidInput("there is no file to look at: upload one")
            await asyncio.to_thread(self._begin_inspection, told)
            looking = await asyncio.create_subprocess_exec(
                *self._command,
                "inspect",
                str(self.workspace.folder),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
            words = await _words_of(looking)
            if (found := await asyncio.to_thread(self.workspace.found)) is None:
                raise Unavailable(f"the files could not be looked at: {words or 'their reader was killed'}")
            return found

    async def train(self, job: TrainingJob) -> TrainingStatus:
        """Start a training; return how it goes once it has begun.

        Raises
        ------
        InvalidInput
            When one runs already, or nothing says yet how the files are read.
        Unavailable
            When it does not begin.
        """
        async with self._starting:
            await self._let_end()
            await asyncio.to_thread(self.refuse_while_training)
            found = await asyncio.to_thread(self.workspace.found)
            if found is None or found.config is None:
                raise InvalidInput("look at the files first, and mend what is wrong with them")
            if not any(file.kind == "events" for file in found.files):
                raise InvalidInput("the files hold items alone: upload one of events")
            before = await asyncio.to_thread(self.workspace.training)
            process = await self._started(job)
            for _ in range(int(_BEGINNING_S / _LOOK_S)):
                status = await asyncio.to_thread(self.workspace.training)
                if status is not None and status != before:
                    return status
                if process.returncode is not None:
                    break
                await asyncio.sleep(_LOOK_S)
            await _end(process)  # or it would begin later, for nobody
            raise Unavailable(f"the training did not begin: {_end_of(self.workspace.log)}")

    async def cancel(self) -> bool:
        """End the training that runs, whoever started it; return whether there was one."""
        status = await asyncio.to_thread(self.workspace.training)
        if status is None or status.state != "running":
            return False
        with suppress(ProcessLookupError):
            os.kill(status.pid, signal.SIGTERM)
        for _ in range(int(_ENDING_S / _LOOK_S)):
            if not await asyncio.to_thread(self.workspace.is_training):
                return True
            await asyncio.sleep(_LOOK_S)
        with suppress(ProcessLookupError):
            os.kill(status.pid, signal.SIGKILL)
        return True

    def refuse_while_training(self) -> None:
        """Return unless a training needs what is here.

        Raises
        ------
        InvalidInput
            When one does.
        """
        if self.workspace.is_training():
            raise InvalidInput("a training runs: wait for its end, or cancel it")

    async def aclose(self) -> None:
        """End the training that this service started."""
        if self._process is not None:
            await _end(self._process)

    async def _let_end(self) -> None:
        """Wait for a process of ours whose training has ended: it takes a moment to leave."""
        status = await asyncio.to_thread(self.workspace.training)
        if self._process is not None and status is not None and status.state != "running":
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), _ENDING_S)

    def _begin_inspection(self, told: list[ToldFile]) -> None:
        try:
            self.workspace.write_told(told)
            self.workspace.forget_findings()
        except OSError as error:
            raise Unavailable(f"{self.workspace.folder} can't be written: {error.strerror}") from error

    async def _started(self, job: TrainingJob) -> asyncio.subprocess.Process:
        with self.workspace.log.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                "train",
                str(self.workspace.folder),
                stdin=asyncio.subprocess.PIPE,  # it ends when this closes, as it does when we are killed
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is ours to pass on
            )
        self._process = process
        if process.stdin is not None:
            process.stdin.write(msgspec.json.encode(job) + b"\n")
        return process


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process that may have ended: asked first, then killed."""
    for end in (process.terminate, process.kill):
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            end()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _ENDING_S)


async def _words_of(process: asyncio.subprocess.Process) -> str:
    """Return the last line of a process that writes few, once it has ended."""
    try:
        _, written = await asyncio.wait_for(process.communicate(), INSPECTION_S)
    except TimeoutError:
        return f"it took longer than {INSPECTION_S:g} s"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _last_line(written.decode("utf-8", "replace"))


def _end_of(log: Path) -> str:
    try:
        return _last_line(log.read_text("utf-8", "replace"))
    except OSError as error:
        return str(error)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:_N_WORDS] if lines else ""
