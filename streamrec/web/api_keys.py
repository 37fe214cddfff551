"""API keys, and the requests that bring them."""

import hashlib
from functools import partial
from pathlib import Path

import falcon
import falcon.asgi

from streamrec.ports import Metrics
from streamrec.settings.key_file import KeyFile, KeyLine, Scope
from streamrec.telemetry import NullMetrics

EVERYTHING = frozenset(Scope)
NOTHING: frozenset[Scope] = frozenset()

_NO_METRICS = NullMetrics()


class ApiKeys:
    """Keys that open the API, and what each opens, from a file as `keys_in` reads it.

    The file may change at any time; a damaged one counts as it was before.

    Parameters
    ----------
    metrics, service
        Counts as ``<service>.keys_files_damaged`` how often the file could not be read any more.
    """

    def __init__(self, path: Path, metrics: Metrics = _NO_METRICS, service: str = "recommender") -> None:
        self._file = KeyFile(path, partial(metrics.count, f"{service}.keys_files_damaged"))
        self._lines: tuple[KeyLine, ...] = ()
        # By digest: looking one up takes as long for a near miss as for any other.
        self._named: dict[bytes, frozenset[Scope]] = {}

    def scopes_of(self, key: str | None, unnamed: frozenset[Scope] = EVERYTHING) -> frozenset[Scope]:
        """Return what a key opens; nothing: it is none of these.

        Parameters
        ----------
        unnamed
            Scopes of keys whose lines name none.
        """
        lines = self._file.lines()
        if lines is not self._lines:
            self._lines, self._named = lines, _by_digest(lines)
        named = None if key is None else self._named.get(_digest(key))
        return NOTHING if named is None else named or unnamed


def _by_digest(lines: tuple[KeyLine, ...]) -> dict[bytes, frozenset[Scope]]:
    """Return the scopes of each key: of one that stands there more than once, all that its lines name."""
    found: dict[bytes, frozenset[Scope]] = {}
    for line in lines:
        scopes = EVERYTHING if Scope.ADMIN in line.scopes else line.scopes
        found[_digest(line.key)] = found.get(_digest(line.key), NOTHING) | scopes
    return found


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="replace")).digest()


def key_of(req: falcon.asgi.Request) -> str | None:
    """Return the key that a request brings; None: it brings none."""
    key = req.get_header("X-API-Key")
    if key is None:
        scheme, _, token = (req.auth or "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None
    return key


def no_key() -> falcon.HTTPUnauthorized:
    """Return the refusal of a request that brings no valid key."""
    words = "send a valid key as X-API-Key or Authorization: Bearer"
    return falcon.HTTPUnauthorized(description=words, challenges=["Bearer"])
