"""API keys from a file, read again when it changes."""

import hashlib
import os
from pathlib import Path

import structlog

_log = structlog.get_logger()


class ApiKeys:
    """The keys that may use the API: one a line; empty lines and lines that start with ``#`` don't count.

    While the file can't be read nobody may use the API: a key that was taken away must not live on.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._version: tuple[int, int, int] | None = None
        # Digests: looking one up takes as long for a near miss as for any other.
        self._digests: frozenset[bytes] = frozenset()

    def allow(self, key: str | None) -> bool:
        """Return whether this is one of the keys."""
        self._refresh()
        return key is not None and _digest(key) in self._digests

    def _refresh(self) -> None:
        try:
            status = os.stat(self._path)
            version = (status.st_ino, status.st_mtime_ns, status.st_size)
            if version == self._version:
                return
            lines = (line.strip() for line in self._path.read_text("utf-8-sig").splitlines())
            self._digests = frozenset(_digest(line) for line in lines if line and not line.startswith("#"))
            self._version = version
        except (OSError, UnicodeDecodeError) as error:
            if self._digests or self._version is None:
                _log.error("api_keys_unreadable", path=str(self._path), error=str(error))
            self._digests, self._version = frozenset(), (0, 0, 0)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="replace")).digest()
