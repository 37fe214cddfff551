"""Address of Redis, limits of time, and translation of its driver's errors."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from redis import BlockingConnectionPool, Connection
from redis._parsers import _RESP2Parser
from redis.backoff import ExponentialWithJitterBackoff
from redis.connection import parse_url
from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthorizationError,
    ClusterCrossSlotError,
    ClusterDownError,
    MasterDownError,
    NoPermissionError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.retry import Retry

from streamrec import tls_files
from streamrec.adapters.redis.kinds import is_of_wrong_kind
from streamrec.errors import ConfigurationError, Damaged, InvalidInput, StreamrecError, Unavailable
from streamrec.redaction import shown_url
from streamrec.tls_files import TlsFile, TlsFiles

DEFAULT_PREFIX = "streamrec"

N_CONNECTIONS = 32
"""Of one process; more callers than this wait for one another."""

N_RETRIES = 2
"""A connection that Redis closed is opened again at once; one that can't be is the caller's to wait for."""

OPTIONS: dict[str, Any] = {
    "socket_connect_timeout": 2.0,
    "socket_timeout": 2.0,
    "health_check_interval": 30,
    "socket_keepalive": True,
    # Whoever reaches a replica has been left behind by a fail-over: a new connection leads to the new master.
    "retry_on_error": [ReadOnlyError, MasterDownError],
    # What every Redis speaks; the driver's own greeting and its notices of maintenance need newer ones.
    "protocol": 2,
    "driver_info": None,
}
"""For every connection; the URL may say otherwise."""

_REFUSED = (AuthenticationError, AuthorizationError, NoPermissionError)

_OF_CLUSTERS = (AskError, ClusterCrossSlotError, ClusterDownError, TryAgainError)

_WRONG: Mapping[str, str] = MappingProxyType(
    {
        "unknown command": "what listens there lacks Redis' own commands: a Sentinel? Name the Redis itself",
        "DB index is out of range": "Redis has no database of this number; correct it, 0 is always there",
    }
)
"""Complaints of Redis that do not pass, and what a person should do."""

_PROBES = ("probe:a", "probe:b")
"""Keys of two slots: only a Redis that is no cluster reads both in one command."""

_OF_THE_POOL = ("max_connections", "timeout")


class RedisAddress(NamedTuple):
    """A checked URL without our own part of it, and what every key begins with."""

    url: str
    prefix: str

    def key(self, name: str) -> str:
        """Return a key or a channel in our part of the names."""
        return f"{self.prefix}:{name}"

    def probes(self) -> list[str]:
        """Return keys that nobody writes; what reads all of them at once is a Redis of the right kind."""
        return [self.key(name) for name in _PROBES]


def blocking_pool(address: RedisAddress) -> BlockingConnectionPool:
    """Return connections for who waits for their answers.

    With hiredis the driver takes TLS 1.3's session tickets for an answer that nobody read, and refuses the
    connection: these parse in Python, for little is read through them.
    """
    return BlockingConnectionPool.from_url(
        address.url,
        retry=Retry(ExponentialWithJitterBackoff(base=0.01, cap=0.1), N_RETRIES),
        max_connections=N_CONNECTIONS,
        timeout=2.0,
        parser_class=_RESP2Parser,
        **OPTIONS,
    )


def address_of(url: str) -> RedisAddress:
    """Check a ``redis://[[user]:password@]host[:port][/db][?prefix=name&option=value...]`` URL.

    >>> address = address_of("redis://127.0.0.1:6379/0?prefix=films")
    >>> address.url, address.key("counters")
    ('redis://127.0.0.1:6379/0', 'films:counters')

    Raises
    ------
    ConfigurationError
        When it is none, or holds an option that the driver does not know.
    """
    try:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
        tls_files.check(_files_of(query), f"STREAMREC_CACHE_URL {shown_url(url)}")
        prefix = query.pop("prefix", DEFAULT_PREFIX).removesuffix(":")
        plain = urlunsplit(parts._replace(query=urlencode(query)))
        _check(plain, parts.path.strip("/"))
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"STREAMREC_CACHE_URL {shown_url(url)} is not of the form redis://[:password@]host/0: {error}"
        ) from error
    return RedisAddress(plain, prefix)


def _files_of(query: Mapping[str, str]) -> TlsFiles:
    names = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
    authorities, certificate, key = (TlsFile(name, query[name]) if name in query else None for name in names)
    return TlsFiles(authorities, None, certificate, key, query.get("ssl_password"))


def _check(url: str, database: str) -> None:
    if database and not database.isdecimal():
        raise ValueError(f"the database {database!r} is no number")
    options: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
    connection_class = options.pop("connection_class", Connection)
    for name in _OF_THE_POOL:
        options.pop(name, None)
    connection_class(**(OPTIONS | options))


@contextmanager
def translated_errors(address: RedisAddress) -> Iterator[None]:
    """Turn the driver's errors into ours, with the URL and what to do."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise InvalidInput(f"Redis can't hold this: {error}") from error
    except (RedisError, OSError) as error:
        raise _translated(error, shown_url(address.url)) from error


def _translated(error: Exception, url: str) -> StreamrecError:
    if is_of_wrong_kind(error):
        return Damaged(
            f"{url}: a key of ours holds a value of another kind: if another program uses our keys, "
            "name another ?prefix="
        )
    reason = str(error).partition("\n")[0] or type(error).__name__
    wrong = _what_is_wrong(error, reason)
    if wrong is not None:
        return ConfigurationError(f"STREAMREC_CACHE_URL {url}: {wrong}")
    return Unavailable(f"{url}: {reason}")


def _what_is_wrong(error: Exception, reason: str) -> str | None:
    """Return what a person must correct; None when waiting may help."""
    if isinstance(error, _REFUSED):
        return f"Redis refused us: {reason}; correct user and password"
    if isinstance(error, _OF_CLUSTERS) and not isinstance(error, MasterDownError):
        return f"Redis is in cluster mode ({reason}), which is not supported: name one that is not"
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return f"its certificate is not trusted ({reason}); name who vouches for it in ssl_ca_certs"
    if isinstance(error, ResponseError):
        return next((said for words, said in _WRONG.items() if words in reason), None)
    return None
