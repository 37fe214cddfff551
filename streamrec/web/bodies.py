"""Reading bodies: checked before they are held, and unpacked, within a bound."""

import codecs
import zlib
from collections.abc import Collection
from typing import NamedTuple

import falcon
import falcon.asgi

JSON = "application/json"

_GZIP = zlib.MAX_WBITS | 16
"""Tells zlib that its input has a gzip header."""

_WRONG_MARKS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


class Body(NamedTuple):
    """A body as it was meant, and its media type."""

    media_type: str
    payload: bytes


class BodyReader:
    """Reads bodies of some media types and of up to `max_bytes`: JSON, unless others are named."""

    def __init__(self, max_bytes: int, media_types: Collection[str] = (JSON,)) -> None:
        self._max_bytes = max_bytes
        self._media_types = tuple(media_types)

    async def read(self, req: falcon.asgi.Request) -> Body:
        """Read the body of a request.

        Raises
        ------
        falcon.HTTPError
            413 for a body that is too large, packed or unpacked; 415 for one of another media type, or
            encoded in another way than by gzip; 400 for one that is not the gzip or the UTF-8 that it claims.
        """
        media_type, is_packed = self._check_head(req)
        chunks: list[bytes] = []
        room = self._max_bytes + 1
        while room and (chunk := await req.stream.read(room)):
            chunks.append(chunk)
            room -= len(chunk)
        return self._as_meant(media_type, b"".join(chunks), is_packed=is_packed)

    def _check_head(self, req: falcon.asgi.Request) -> tuple[str, bool]:
        """Return the media type, and whether the body is packed; refuse what need not be read at all."""
        media_type = (req.content_type or "").partition(";")[0].strip().lower()
        if media_type not in self._media_types:
            raise falcon.HTTPUnsupportedMediaType(
                description=f"send {' or '.join(self._media_types)}, not {media_type[:80] or 'nothing'}",
                headers={"Accept": ", ".join(self._media_types)},
            )
        if (req.content_length or 0) > self._max_bytes:
            raise _too_large(self._max_bytes)
        return media_type, _is_gzip(req.get_header("Content-Encoding") or "")

    def _as_meant(self, media_type: str, sent: bytes, *, is_packed: bool) -> Body:
        if len(sent) > self._max_bytes:
            raise _too_large(self._max_bytes)
        payload = _unpacked(sent, self._max_bytes) if is_packed else sent
        return Body(media_type, _without_mark(payload) if media_type == JSON else payload)


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


def _too_large(max_bytes: int) -> falcon.HTTPContentTooLarge:
    return falcon.HTTPContentTooLarge(description=f"a body has at most {max_bytes} bytes")
