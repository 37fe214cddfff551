"""A request to the recommender, as a value: what is asked, and which type the answer has."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from streamrec.client.errors import Unsendable

T = TypeVar("T")

Id = str | int
"""An id of a user or an item: 1 to 256 bytes of UTF-8. Numbers are read as the text of their digits."""

JSON = "application/json"
OCTETS = "application/octet-stream"

Parameter = str | int | float | bool | Collection[Id] | None

NO_IDS: Mapping[str, str] = {}

_DOTS = {".": "%2E", "..": "%2E%2E"}
"""Segments that proxies and browsers would take out of a path."""


class Call(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One request.

    Attributes
    ----------
    method, path
        As the OpenAPI document names the operation, ids still as ``{user_id}``.
    answer
        Type of the answer; None where it is empty.
    ids
        What stands in the path.
    query
        Parameters, those that may be repeated several times.
    body, content_type
        Sent with the request, and its media type.
    answered_too
        Statuses beside 2xx whose body is of the type `answer`.
    is_repeatable
        Whether it does the same when it is sent again because no answer came.
    """

    method: str
    path: str
    answer: Any = None
    ids: Mapping[str, str] = {}
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    content_type: str = JSON
    is_repeatable: bool = True
    answered_too: tuple[int, ...] = ()

    @property
    def target(self) -> str:
        """Path and query as they are sent, behind the root path."""
        path = self.path
        for name, id_ in self.ids.items():
            path = path.replace(f"{{{name}}}", segment_of(id_))
        return f"{path}?{urlencode(self.query, quote_via=quote)}" if self.query else path

    def at(self, parameter: str, place: str) -> "Call[T]":
        """Return the same question about the page that a parameter names the place of."""
        others = tuple((name, text) for name, text in self.query if name != parameter)
        return msgspec.structs.replace(self, query=(*others, (parameter, place)))

    def decode(self, content: bytes) -> T:
        """Read the body of an answer.

        Raises
        ------
        Unsendable
            When it is none of the type.
        """
        decoded: T = None if self.answer is None else _decoder(self.answer)(content)  # type: ignore[assignment]
        return decoded


@lru_cache(maxsize=64)
def _decoder(answer: Any) -> Callable[[bytes], Any]:  # noqa: ANN401 (a type form)
    return msgspec.json.Decoder(answer).decode


def id_text(name: str, id_: Id | float) -> str:
    """Return an id as text.

    Raises
    ------
    Unsendable
        When it can't be one.

    >>> id_text("user_id", 7), id_text("user_id", 7.0), id_text("user_id", "a/b")
    ('7', '7', 'a/b')
    """
    if isinstance(id_, float):  # so a column of a table is read that has empty cells
        if not id_.is_integer():
            raise Unsendable(f"{name} is the number {id_}; an id is a text or a whole number")
        id_ = int(id_)
    text = str(id_)
    if not text:
        raise Unsendable(f"{name} is empty")
    return _utf8(name, text)


def _utf8(name: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Unsendable(f"{name} can't be written as UTF-8: {error}") from error
    return text


def segment_of(id_: str) -> str:
    """Return an id as one segment of a path.

    >>> segment_of("a/b %é"), segment_of("..")
    ('a%2Fb%20%25%C3%A9', '%2E%2E')
    """
    return _DOTS.get(id_) or quote(id_, safe="")


def query_of(**parameters: Parameter) -> tuple[tuple[str, str], ...]:
    """Return parameters as they are sent; those that are None are left out.

    Raises
    ------
    Unsendable
        When an id is none, or a text can't be written as UTF-8.

    >>> query_of(k=5, user_id=None, category=["Drama", "War"], explain=True)
    (('k', '5'), ('category', 'Drama'), ('category', 'War'), ('explain', 'true'))
    """
    pairs: list[tuple[str, str]] = []
    for name, value in parameters.items():
        if value is None:
            continue
        if isinstance(value, Collection) and not isinstance(value, str):
            pairs += [(name, id_text(name, one)) for one in value]
        elif name.endswith("_id"):
            pairs.append((name, id_text(name, value)))
        else:
            pairs.append((name, _utf8(name, str(value).lower() if isinstance(value, bool) else str(value))))
    return tuple(pairs)


def question(
    path: str, answer: type[T], /, ids: Mapping[str, str] = NO_IDS, **parameters: Parameter
) -> Call[T]:
    """Return a request that asks, and changes nothing."""
    return Call(method="GET", path=path, answer=answer, ids=ids, query=query_of(**parameters))


def fields_of(kind: str, record: msgspec.Struct | Mapping[str, Any], *ids: str) -> dict[str, Any]:
    """Return what a record holds, with its ids as texts; empty cells of a table count as not given.

    Raises
    ------
    Unsendable
        When it lacks one of these ids, or has one that is none.

    >>> fields_of("item", {"item_id": 7, "title": float("nan"), "kind": "film"}, "item_id")
    {'item_id': '7', 'kind': 'film'}
    """
    given = msgspec.structs.asdict(record) if isinstance(record, msgspec.Struct) else record
    fields = {name: value for name, value in given.items() if not is_missing(value)}
    for name in ids:
        if name not in fields:
            raise Unsendable(f"an {kind} needs {name}; this one is {dict(given)!r:.200}")
        fields[name] = id_text(name, fields[name])
    return fields


def present(**fields: object) -> dict[str, object]:
    """Return the fields of a body that were given."""
    return {name: value for name, value in fields.items() if value is not None}


def encoded(body: object) -> bytes:
    r"""Write a body as JSON; numbers of numpy and times of pandas are taken for what they are.

    Raises
    ------
    Unsendable
        When something in it has no form in JSON.

    >>> encoded({"user_id": "é", "value": float("nan")})
    b'{"user_id":"\xc3\xa9","value":null}'
    """
    try:
        return msgspec.json.encode(body, enc_hook=_plain)
    except (TypeError, UnicodeEncodeError, RecursionError) as error:
        raise Unsendable(f"this can't be written as JSON: {error}") from error


def _plain(value: Any) -> object:  # noqa: ANN401 (whatever msgspec does not know)
    """Return the plain value that a scalar or an array of another library stands for."""
    if is_missing(value):
        return None
    if isinstance(value, datetime):  # pandas' own kind of it
        return value.isoformat()
    if type(value).__name__ == "datetime64":  # whose plain value may be a number of nanoseconds
        return str(value)
    if callable(getattr(value, "tolist", None)):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def is_missing(value: object) -> bool:
    """Return whether a cell of a table is empty: None, NaN, and pandas' NaT and NA.

    >>> is_missing(None), is_missing(float("nan")), is_missing(0.0), is_missing("")
    (True, True, False, False)
    """
    if value is None or type(value).__name__ == "NAType":
        return True
    return isinstance(value, float | datetime) and value != value  # noqa: PLR0124 (NaN and NaT alone differ)
