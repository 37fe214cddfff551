"""Uploads: streamed to a folder within a bound, whole or not there."""

import asyncio
import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import falcon
import falcon.asgi

from streamrec.datasets.file_options import CONFIG_NAME
from streamrec.datasets.workspace import Workspace
from streamrec.durable_files import sync
from streamrec.errors import InvalidInput

MAX_FILES = 10

_LONGEST_NAME = 100
_WRITTEN_BYTES = 1_000_000
"""Gathered before a thread writes them: a hop for each chunk of the network would take longer."""

_FREE_BYTES = 50_000_000
"""Left on the disk: the logs and the stores are perhaps on the same one."""

_LEFTOVER_S = 3600.0


def name_of(given: str) -> str:
    r"""Return the name that a file has here: the end of a path, of letters that need no quoting.

    Raises
    ------
    InvalidInput
        When nothing of it is left.

    >>> name_of("C:\\Daten\\Käufe 2024.csv.gz"), name_of("../../etc/passwd")
    ('K_ufe_2024.csv.gz', 'passwd')
    """
    last = re.split(r"[\\/]", given)[-1]
    kept = re.sub(r"[^A-Za-z0-9._-]+", "_", last).lstrip(".")[-_LONGEST_NAME:].lstrip("._-")
    if not re.search(r"[A-Za-z0-9]", kept) or kept == CONFIG_NAME:
        raise InvalidInput(f"a file can't be called {given[:100]!r} here: letters and an ending such as .csv")
    return kept


class Uploads:
    """The files of a workspace; of each name there is one.

    Parameters
    ----------
    max_bytes
        Of all of them together; 0: none are taken.
    """

    def __init__(self, workspace: Workspace, max_bytes: int) -> None:
        self._workspace = workspace
        self.max_bytes = max_bytes

    def sizes(self) -> dict[str, int]:
        """Return how many bytes each file has."""
        sizes: dict[str, int] = {}
        for name in self._workspace.names():
            with suppress(FileNotFoundError):  # gone since it was listed
                sizes[name] = (self._workspace.files / name).stat().st_size
        return sizes

    async def take(self, name: str, req: falcon.asgi.Request) -> int:
        """Write a request's body to the file of a name; return its bytes.

        Raises
        ------
        falcon.HTTPError
            411 without its length; 413 when there is no room for it within the bound, 507 on the disk; 400
            when it breaks off.
        """
        if (wanted := req.content_length) is None:
            # Of a body in chunks nobody can tell whether it is whole once its sender is gone.
            raise falcon.HTTPLengthRequired(description="send the file with its Content-Length")
        path = self._workspace.files / name
        unfinished = path.with_name(f".{os.getpid()}-{time.monotonic_ns()}.upload")
        try:
            room = await asyncio.to_thread(self._room_for, name)
            if wanted > room:
                raise self._too_large()
            n_bytes = await self._written(unfinished, req, room)
            if n_bytes < wanted:
                raise falcon.HTTPBadRequest(description=f"the upload broke off after {n_bytes} bytes")
            if not n_bytes:
                raise falcon.HTTPBadRequest(description="the file is empty")
            await asyncio.to_thread(self._put_in_place, unfinished, path)
        except OSError as error:
            raise _no_room(str(error.strerror or error)) from error
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
        return n_bytes

    def remove(self, name: str) -> bool:
        """Remove a file; return whether there was one."""
        if name not in self._workspace.names():
            return False
        self._workspace.forget_findings()
        (self._workspace.files / name).unlink(missing_ok=True)
        return True

    async def _written(self, path: Path, req: falcon.asgi.Request, room: int) -> int:
        n_bytes, gathered = 0, bytearray()
        with path.open("wb") as file:
            async for chunk in req.stream:
                n_bytes += len(chunk)
                if n_bytes > room:
                    raise self._too_large()
                gathered += chunk
                if len(gathered) >= _WRITTEN_BYTES:
                    await asyncio.to_thread(file.write, bytes(gathered))
                    gathered.clear()
            await asyncio.to_thread(_end, file, bytes(gathered))
        return n_bytes

    def _room_for(self, name: str) -> int:
        """Return how many bytes a file may have; remove what uploads left that were killed."""
        self._workspace.files.mkdir(parents=True, exist_ok=True)
        for leftover in self._workspace.files.glob(".*.upload"):
            with suppress(FileNotFoundError):
                if time.time() - leftover.stat().st_mtime > _LEFTOVER_S:
                    leftover.unlink()
        sizes = self.sizes()
        if name not in sizes and len(sizes) >= MAX_FILES:
            raise InvalidInput(f"there are {MAX_FILES} files: remove one, or put several into one")
        within = self.max_bytes - sum(size for other, size in sizes.items() if other != name)
        free = shutil.disk_usage(self._workspace.files).free - _FREE_BYTES
        if free < 0:
            raise _no_room("the disk is nearly full")
        return max(0, min(within, free))

    def _put_in_place(self, unfinished: Path, path: Path) -> None:
        self._workspace.forget_findings()
        unfinished.replace(path)
        sync(path.parent)

    def _too_large(self) -> falcon.HTTPContentTooLarge:
        words = (
            f"all files together have at most {self.max_bytes:,} bytes (STREAMREC_SERVER_MAX_UPLOAD_BYTES)"
        )
        return falcon.HTTPContentTooLarge(description=words)


def _end(file: BinaryIO, rest: bytes) -> None:
    file.write(rest)
    file.flush()
    os.fsync(file.fileno())


def _no_room(why: str) -> falcon.HTTPInsufficientStorage:
    return falcon.HTTPInsufficientStorage(description=f"the file can't be written: {why}")
