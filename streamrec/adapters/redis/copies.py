"""Backups of a Redis database: our keys, in Redis' own serialization."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from redis import Redis
from redis.exceptions import ResponseError

from streamrec.adapters.redis.connection import RedisAddress, address_of, blocking_pool, translated_errors
from streamrec.durable_files import written
from streamrec.errors import Conflict
from streamrec.frames import frames_in, write_frame
from streamrec.log_limits import warn_seldom
from streamrec.ports.copies import Counts
from streamrec.redaction import shown_url
from streamrec.traces import Trace

_FILE = "keys"
_AT_ONCE = 500

_OF_USERS = frozenset({b"steps", b"steps-users", b"steps-refused"})
"""First parts of the names of keys whose ids are users' alone."""


class _Entry(msgspec.Struct, frozen=True, array_like=True):
    """A key without the prefix, and its value as `DUMP` gives it.

    Attributes
    ----------
    expires_at
        Unix seconds; None: never.
    """

    name: bytes
    value: bytes
    expires_at: float | None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Entry).decode


class RedisCopies:
    """Implements `Copies`. What expires meanwhile is left out: a cache loses nothing by that."""

    def __init__(self, address: RedisAddress) -> None:
        self._address = address
        self._prefix = address.key("").encode()
        self._redis = Redis.from_pool(blocking_pool(address))

    def copy_to(self, folder: Path) -> Counts:
        """Write all keys with our prefix."""
        n_keys = 0
        with translated_errors(self._address), written(folder / _FILE) as file:
            for key in self._keys():
                value: Any = self._redis.dump(key)
                left_ms: Any = self._redis.pttl(key)
                if value is not None and left_ms != -2:
                    write_frame(file, _encode(_Entry(key[len(self._prefix) :], value, _expiry(left_ms))))
                    n_keys += 1
        return {"keys": n_keys}

    def _keys(self) -> Iterator[bytes]:
        """Yield our keys, each once."""
        yield from dict.fromkeys(self._redis.scan_iter(match=self._address.key("*"), count=_AT_ONCE))

    def check_free(self, *, overwrite: bool) -> None:
        """Look whether there is a key with our prefix."""
        with translated_errors(self._address):
            if not overwrite and next(self._keys(), None) is not None:
                raise Conflict(f"{shown_url(self._address.url)} has keys of ours already")

    def restore_from(self, folder: Path) -> Counts:
        """Replace all keys with our prefix; what an older Redis can't read is left out, with a warning."""
        n_keys, now = 0, time.time()
        with translated_errors(self._address):
            for key in list(self._keys()):
                self._redis.delete(key)
            for entry in map(_decode, frames_in(folder / _FILE)):
                left_ms = 0 if entry.expires_at is None else round((entry.expires_at - now) * 1000)
                if left_ms < 0:
                    continue
                try:
                    self._redis.restore(self._prefix + entry.name, left_ms, entry.value, replace=True)
                except ResponseError as error:
                    warn_seldom("cache_key_not_restored", error=str(error))
                else:
                    n_keys += 1
        return {"keys": n_keys}

    def rename_log(self, before: str, after: str) -> None:
        """Return: nothing here goes by offsets."""

    def traces_of(self, trace: Trace) -> Counts:
        """Return the keys that name a user, or hold what does, by the first part of their names."""
        counts: dict[str, int] = {}
        with translated_errors(self._address):
            for key in self._keys():
                kind, _, id_ = key[len(self._prefix) :].partition(b":")
                name, is_searched = kind.decode(errors="replace"), not trace.is_of_item or kind in _OF_USERS
                is_found = is_searched and (id_ == trace.raw or any(map(trace.is_in, self._values(key))))
                counts[name] = counts.get(name, 0) + is_found
        return counts

    def _values(self, key: bytes) -> Iterator[bytes]:
        """Yield all that stands under a key, whatever its kind."""
        redis: Any = self._redis
        kind = redis.type(key)
        if kind == b"string":
            found = [redis.get(key)]
        elif kind == b"zset":
            found = redis.zrange(key, 0, -1)
        elif kind == b"hash":
            found = [one for pair in redis.hgetall(key).items() for one in pair]
        else:
            found = redis.smembers(key) if kind == b"set" else []
        yield from (one for one in found if one is not None)

    def scrub(self) -> bool:
        """Return False: what Redis' own files hold of deleted keys goes when it writes them anew."""
        return False

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()


def _expiry(left_ms: int) -> float | None:
    return None if left_ms < 0 else time.time() + left_ms / 1000


def open_copies(url: str) -> RedisCopies:
    """Open a database by its URL."""
    return RedisCopies(address_of(url))
