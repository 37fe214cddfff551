"""Query strings: they become typed values, or a problem answer."""

import re
from typing import TypeVar
from urllib.parse import unquote_to_bytes

import falcon
import msgspec

from streamrec.errors import InvalidInput

T = TypeVar("T")

_UNKNOWN_FIELD = re.compile("Object contains unknown field `(.*)`", re.DOTALL)


def query_of(req: falcon.Request, schema: type[T], lists: tuple[str, ...] = ()) -> T:
    """Read the query string as `schema`; parameters named in `lists` may be repeated.

    Raises
    ------
    InvalidInput
        Naming the parameter that does not fit or is not known.
    """
    _check_encoding(req.query_string)
    given: dict[str, str | list[str]] = dict(req.params)
    for name in lists:
        value = given.get(name)
        if isinstance(value, str):
            given[name] = [value]
    try:
        return msgspec.convert(given, schema, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidInput(_about_parameter(str(error))) from error


def _check_encoding(query_string: str) -> None:
    """Refuse escaped bytes that are not UTF-8: replaced by a question mark they would name somebody else.

    >>> _check_encoding("user_id=na%C3%AFve")
    """
    if "%" not in query_string:
        return
    for pair in query_string.split("&"):
        name, _, value = pair.partition("=")
        try:
            unquote_to_bytes(name).decode()
            unquote_to_bytes(value).decode()
        except UnicodeDecodeError:
            raise InvalidInput(
                f"query parameter {name[:80]!r}: not UTF-8 once its %-escapes are decoded"
            ) from None


def _about_parameter(message: str) -> str:
    """Reword a complaint about the query as one about a parameter.

    >>> _about_parameter("Expected `int` >= 1 - at `$.k`")
    "query parameter 'k': expected `int` >= 1"
    >>> _about_parameter("Expected `float`, got `str` - at `$.diversity`")
    "query parameter 'diversity': expected `float`"
    >>> _about_parameter("Object contains unknown field `user`")
    "there is no query parameter 'user'"
    """
    if unknown := _UNKNOWN_FIELD.fullmatch(message):
        return f"there is no query parameter {unknown[1][:80]!r}"
    complaint, _, path = message.partition(" - at ")
    complaint = complaint.removesuffix(", got `str`")  # every parameter is text
    return f"query parameter {path.strip('`').removeprefix('$.')!r}: {complaint[:1].lower()}{complaint[1:]}"
