"""Reading requests: path, query and body become typed values, or a problem answer."""

import re
from typing import TypeVar
from urllib.parse import unquote

import falcon
import falcon.asgi
import msgspec

from streamrec.domain.interaction import MAX_ID_BYTES
from streamrec.errors import InvalidInput

T = TypeVar("T")

JSON = "application/json"

_UNKNOWN_FIELD = re.compile("Object contains unknown field `(.*)`", re.DOTALL)


def query_of(req: falcon.asgi.Request, schema: type[T], lists: tuple[str, ...] = ()) -> T:
    """Read the query string as `schema`; parameters named in `lists` may be repeated.

    Raises
    ------
    InvalidInput
        Naming the parameter that does not fit or is not known.
    """
    given: dict[str, str | list[str]] = dict(req.params)
    for name in lists:
        value = given.get(name)
        if isinstance(value, str):
            given[name] = [value]
    try:
        return msgspec.convert(given, schema, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidInput(_about_parameter(str(error))) from error


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
    complaint, _, place = message.partition(" - at ")
    complaint = complaint.removesuffix(", got `str`")  # every parameter is text
    return f"query parameter {place.strip('`').removeprefix('$.')!r}: {complaint[:1].lower()}{complaint[1:]}"


def id_in_path(segment: str) -> str:
    """Decode an id from its percent-encoded path segment.

    >>> id_in_path("a%2Fb")
    'a/b'

    Raises
    ------
    InvalidInput
        When it is not an id.
    """
    try:
        text = unquote(segment, errors="strict")
    except UnicodeDecodeError:
        raise InvalidInput("the id in the path is not UTF-8") from None
    return checked_id(text)


def checked_id(text: str) -> str:
    """Return an id that has 1 to 256 bytes.

    Raises
    ------
    InvalidInput
        When it is too short or too long, or not Unicode text.
    """
    if not 0 < len(text) <= MAX_ID_BYTES:
        raise InvalidInput(f"an id has 1 to {MAX_ID_BYTES} bytes; this one has {len(text)} characters")
    if not text.isascii():
        try:
            n_bytes = len(text.encode())
        except UnicodeEncodeError:
            raise InvalidInput("an id is Unicode text; this one is not") from None
        if n_bytes > MAX_ID_BYTES:
            raise InvalidInput(f"an id has 1 to {MAX_ID_BYTES} bytes; this one has {n_bytes}")
    return text


async def body_of(req: falcon.asgi.Request, decoder: msgspec.json.Decoder[T], max_bytes: int) -> T:
    """Read a JSON body.

    Raises
    ------
    falcon.HTTPError
        413 for a body that is too large, 415 for one that does not claim to be JSON, 400 for one that is
        not, 422 for JSON that does not fit.
    """
    media_type = (req.content_type or "").partition(";")[0].strip().lower()
    if media_type != JSON:
        raise falcon.HTTPUnsupportedMediaType(description=f"send {JSON}, not {media_type[:80] or 'nothing'}")
    if (req.content_length or 0) > max_bytes:
        raise _too_large(max_bytes)
    payload = await _read(req, max_bytes)
    try:
        return decoder.decode(payload)
    except msgspec.ValidationError as error:
        raise falcon.HTTPUnprocessableEntity(description=str(error)) from error
    except RecursionError as error:
        raise falcon.HTTPBadRequest(description="the body is nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise falcon.HTTPBadRequest(description=f"the body is not JSON: {error}") from error


async def _read(req: falcon.asgi.Request, max_bytes: int) -> bytes:
    """Read until the end, or until the body turns out longer than its sender said."""
    chunks: list[bytes] = []
    n_bytes = 0
    while chunk := await req.stream.read(max_bytes + 1 - n_bytes):
        chunks.append(chunk)
        n_bytes += len(chunk)
        if n_bytes > max_bytes:
            raise _too_large(max_bytes)
    return b"".join(chunks)


def _too_large(max_bytes: int) -> falcon.HTTPContentTooLarge:
    return falcon.HTTPContentTooLarge(description=f"a body has at most {max_bytes} bytes")
