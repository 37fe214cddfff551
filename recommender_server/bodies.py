"""Reading bodies: JSON, as it is or packed by gzip, becomes a typed value, or a problem answer."""

import codecs
import zlib
from collections.abc import Collection
from typing import TypeVar

import falcon
import falcon.asgi
import msgspec

from streamrec.envelopes import envelope_of
from streamrec.payload import DAMAGE, damaged, refuse_double_keys

T = TypeVar("T")

JSON = "application/json"

_GZIP = zlib.MAX_WBITS | 16
"""Tells zlib that its input has a gzip header."""

_WELL_IN_A_BODY = ("array", "no_object", "text", "packed")
"""Kinds of envelopes that a body may have, or about which it has words of its own."""

_WRONG_MARKS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


async def body_of(
    req: falcon.asgi.Request,
    decoder: msgspec.json.Decoder[T],
    max_bytes: int,
    single_keys: Collection[str] = (),
) -> T:
    """Read a JSON body.

    Parameters
    ----------
    single_keys
        Keys that must not stand twice in an object.

    Raises
    ------
    falcon.HTTPError
        413 for a body that is too large, packed or unpacked; 415 for one that does not claim to be JSON, or
        is encoded in another way than by gzip; 400 for one that is not what it claims; 422 for JSON that
        does not fit.
    InvalidEvent
        When one of the `single_keys` stands twice in an object.
    """
    media_type = (req.content_type or "").partition(";")[0].strip().lower()
    if media_type != JSON:
        raise falcon.HTTPUnsupportedMediaType(description=f"send {JSON}, not {media_type[:80] or 'nothing'}")
    if (req.content_length or 0) > max_bytes:
        raise _too_large(max_bytes)
    is_packed = _is_gzip(req.get_header("Content-Encoding") or "")
    payload = await _read(req, max_bytes)
    if is_packed:
        payload = _unpacked(payload, max_bytes)
    payload = _without_mark(payload)
    try:
        body = decoder.decode(payload)
    except DAMAGE as error:
        reason = damaged(error)
        said = _words_for(payload) or str(reason)
        if reason.fits_format:
            raise falcon.HTTPUnprocessableEntity(description=said) from error
        raise falcon.HTTPBadRequest(description=f"the body is not JSON: {said}") from error
    refuse_double_keys(payload, single_keys, n_objects=len(body) if isinstance(body, list) else 1)
    return body


def _words_for(payload: bytes) -> str | None:
    """Return what stands around what should have been sent, if that is what is wrong with it."""
    envelope = envelope_of(payload)
    return None if envelope is None or envelope.reason in _WELL_IN_A_BODY else envelope.words


def _is_gzip(encoding: str) -> bool:
    """Return whether a body is packed by gzip, or else not at all."""
    encoding = encoding.strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise falcon.HTTPUnsupportedMediaType(
            description=f"Content-Encoding {encoding[:80]!r} is not read; send gzip or none",
            headers={"Accept-Encoding": "gzip"},
        )
    return encoding in ("gzip", "x-gzip")


def _unpacked(payload: bytes, max_bytes: int) -> bytes:
    """Unpack gzip, one member after another, up to a bound: a kilobyte may stand for a gigabyte."""
    parts: list[bytes] = []
    room = max_bytes + 1
    while payload:
        inflater = zlib.decompressobj(_GZIP)
        try:
            part = inflater.decompress(payload, room)
        except zlib.error as error:
            raise falcon.HTTPBadRequest(description=f"the body is not gzip, as it claims: {error}") from error
        parts.append(part)
        room -= len(part)
        if room <= 0:
            raise _too_large(max_bytes)
        if not inflater.eof:
            raise falcon.HTTPBadRequest(description="the body is gzip that breaks off")
        payload = inflater.unused_data
    return b"".join(parts)


def _without_mark(payload: bytes) -> bytes:
    r"""Pass over a byte order mark of UTF-8 (RFC 8259, section 8.1, allows it).

    >>> _without_mark(b"\xef\xbb\xbf{}")
    b'{}'
    """
    if (name := _WRONG_MARKS.get(payload[:2])) is not None:
        raise falcon.HTTPBadRequest(
            description=f"the body begins with the byte order mark of {name}; send UTF-8"
        )
    return payload.removeprefix(codecs.BOM_UTF8)


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
