"""Files of API keys, which may be changed while they are in use."""

import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from streamrec.errors import ConfigurationError
from streamrec.log_limits import warn_seldom


class Scope(StrEnum):
    """Part of the API that a key opens; `ADMIN` opens the others as well."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class KeyLine(NamedTuple):
    """Key in a file.

    Attributes
    ----------
    number
        Of its line, from 1.
    scopes
        Those that the line names; empty: it names none, and the setting of the file says what the key opens.
    """

    number: int
    key: str
    scopes: frozenset[Scope] = frozenset()


def keys_in(path: Path) -> list[KeyLine]:
    """Return the keys in a file: one a line, with the scopes behind it where it has some.

    Empty lines and lines that start with ``#`` don't count. Words that are no scopes belong to the key.

    Raises
    ------
    ConfigurationError
        When the file can't be read, or holds no keys or something else than keys. The message names the line,
        and never the key.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigurationError(f"the file of API keys {path} can't be read: {reason}") from error
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    keys = [_key_in(line, number, path) for number, line in lines if line and not line.startswith("#")]
    if not keys:
        raise ConfigurationError(
            f"the file of API keys {path} holds none: write one a line, such as `openssl rand -hex 24` makes"
        )
    return keys


def _key_in(line: str, number: int, path: Path) -> KeyLine:
    if not (line.isascii() and all(map(str.isprintable, line.split()))):
        raise ConfigurationError(
            f"the key in line {number} of {path} is not printable ASCII: no request can hold it"
        )
    key, *words = line.split()
    known = [word for word in words if word in frozenset(Scope)]
    if not known:
        return KeyLine(number, line)
    if len(known) < len(words):
        raise ConfigurationError(
            f"line {number} of {path} has words behind the key beside the scopes {', '.join(Scope)}"
        )
    return KeyLine(number, key, frozenset(map(Scope, known)))


class KeyFile:
    """Keys of a file, read again when it changes.

    While it can't be read the keys of the last good reading stay: an edit that goes wrong locks nobody out.
    Until there was one there are no keys.

    Parameters
    ----------
    path
        The file.
    on_damage
        Called when a file that could be read can't be any more.
    """

    def __init__(self, path: Path, on_damage: Callable[[], None] = lambda: None) -> None:
        self.path = path
        self._on_damage = on_damage
        self._version: tuple[int, ...] | None = None
        self._lines: tuple[KeyLine, ...] = ()
        self._is_damaged = False

    def lines(self) -> tuple[KeyLine, ...]:
        """Return the keys; the same object for as long as the file stays as it is."""
        version = _version_of(self.path)
        if version is None or version != self._version:
            self._read(version)
        return self._lines

    def first(self) -> str | None:
        """Return the key that somebody who asks a service sends; None while there are none."""
        return next((line.key for line in self.lines()), None)

    def _read(self, version: tuple[int, ...] | None) -> None:
        try:
            self._lines = tuple(keys_in(self.path))
        except ConfigurationError as error:
            # The next look tries again: what was wrong may be with this machine, and not with the file.
            self._version = None
            if not self._is_damaged:
                self._is_damaged = True
                self._on_damage()
            about, n_kept = str(self.path), len(self._lines)
            warn_seldom("keys_file_damaged", about=about, path=about, error=str(error), n_keys_kept=n_kept)
        else:
            self._version, self._is_damaged = version, False


def _version_of(path: Path) -> tuple[int, ...] | None:
    """Return what changes with the content of a file; None where that can't be told."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size
