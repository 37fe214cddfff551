"""API keys from a file, read again when it changes."""

import hashlib
import os
from pathlib import Path

import structlog

from streamrec.settings.key_file import keys_in

_log = structlog.get_logger()


class ApiKeys:
    """The keys that may use the API, from a file as `keys_in` reads it.

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
            self._digests = frozenset(_digest(key) for _line, key in keys_in(self._path))
            self._version = version
        except (OSError, UnicodeDecodeError) as error:
            if self._digests or self._version is None:
                _log.error("api_keys_unreadable", path=str(self._path), error=str(error))
            self._digests, self._version = frozenset(), (0, 0, 0)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="replace")).digest()
