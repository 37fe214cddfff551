"""Redaction: no line of the log may hold a password or a key, whatever was handed to the logger."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from structlog.typing import EventDict, WrappedLogger

HIDDEN = "***"

_LONGEST_PATH = 300

_SECRET_NAME = re.compile(r"password|passwd|secret|authorization|api[-_]?key$", re.IGNORECASE)

_SECRET_HEADER = re.compile(
    r"""((?:x-api-key|authorization)['"]?\s*[:=,]\s*(?:b?['"])?)"""  # a header's name, as it may be written
    r"""(bearer\s+|basic\s+)?[^\s'",)]+""",
    re.IGNORECASE,
)

# To the last @: a password that is not percent-encoded may hold any character. Digits up to a slash are a
# port.
_PASSWORD = re.compile(r"(?<=://)(?!\[[0-9a-fA-F:.]+\])([^\s/?#:@]*):(?!\d+(?:[/?#\s]|$))\S*@")
_PASSWORD_IN_QUERY = re.compile(r"([?&][a-z_.]*(?:password|secret|token)[a-z_.]*)=[^&#\s]*", re.IGNORECASE)


def shown_url(url: str) -> str:
    """Return a URL as people and logs may see it: without its password.

    >>> shown_url("mongodb://me:p%40ss@db.example/streamrec?ssl_password=x&w=1")
    'mongodb://me:***@db.example/streamrec?ssl_password=***&w=1'
    >>> shown_url("sqlite:///var/store.db")
    'sqlite:///var/store.db'
    >>> shown_url("redis://:a:b/c@d@cache.example:6379/0")
    'redis://:***@cache.example:6379/0'
    >>> shown_url("http://127.0.0.1:8100/v1/items/a@b")
    'http://127.0.0.1:8100/v1/items/a@b'
    >>> shown_url("redis://[::1]:6379/0?client_name=a@b"), shown_url("redis://:pw@[::1]:6379")
    ('redis://[::1]:6379/0?client_name=a@b', 'redis://:***@[::1]:6379')
    """
    return _PASSWORD_IN_QUERY.sub(r"\1=***", _PASSWORD.sub(r"\1:***@", url))


_USER_IN_PATH = re.compile(r"(/v1/users/)[^/?]+")


def shown_path(path: str) -> str:
    """Return a request's path as logs may see it: decoded, cut, and without a user's id.

    Users can be erased, lines that were written can't.

    >>> shown_path("/v1/items/a%2Fb"), shown_path("/v1/users/a%2Fb/similar")
    ('/v1/items/a/b', '/v1/users/***/similar')
    """
    return unquote(_USER_IN_PATH.sub(rf"\1{HIDDEN}", path)[:_LONGEST_PATH], errors="replace")


def without_user(text: str, path: str) -> str:
    """Return what is said of a request without the user's id that its path holds.

    >>> without_user("there is no user 'a/b'", "/v1/users/a%2Fb")
    "there is no user '***'"
    """
    found = _USER_IN_PATH.search(path)
    return text.replace(unquote(found[0].removeprefix(found[1])), HIDDEN) if found else text


def redacted_text(text: str) -> str:
    """Return a text without the passwords of URLs in it, and without keys in headers.

    >>> redacted_text("no answer from redis://:pw@cache:6379/0")
    'no answer from redis://:***@cache:6379/0'
    >>> redacted_text("headers: {'Authorization': 'Bearer abc', 'X-API-Key': 'def', 'Accept': '*/*'}")
    "headers: {'Authorization': 'Bearer ***', 'X-API-Key': '***', 'Accept': '*/*'}"
    """
    # Most lines hold neither; finding that out takes a tenth of what the expressions take.
    if "://" in text:
        text = shown_url(text)
    if _SECRET_HEADER.search(text):
        text = _SECRET_HEADER.sub(rf"\1\2{HIDDEN}", text)
    return text


def redacted(value: Any) -> Any:  # noqa: ANN401  # whatever somebody logs
    """Return a value as it may be logged: plain data, without secrets."""
    if isinstance(value, str):
        return redacted_text(value)
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        return {
            str(name): HIDDEN if _SECRET_NAME.search(str(name)) and member is not None else redacted(member)
            for name, member in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(member) for member in value]
    return redacted_text(value.decode(errors="replace") if isinstance(value, bytes) else str(value))


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Redact a line of the log; a structlog processor, the last before rendering."""
    cleaned: EventDict = redacted(event)
    return cleaned
