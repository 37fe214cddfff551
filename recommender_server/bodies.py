"""Reading JSON bodies: they become typed values, or a problem answer."""

from collections.abc import Collection
from typing import TypeVar

import falcon
import falcon.asgi
import msgspec

from streamrec.envelopes import envelope_of
from streamrec.payload import DAMAGE, damaged, refuse_double_keys
from streamrec.web.bodies import BodyReader

T = TypeVar("T")

_WELL_IN_A_BODY = ("array", "no_object", "text", "packed")
"""Kinds of envelopes that a body may have, or about which it has words of its own."""


async def body_of(
    req: falcon.asgi.Request,
    reader: BodyReader,
    decoder: msgspec.json.Decoder[T],
    single_keys: Collection[str],
) -> T:
    """Read a JSON body.

    Parameters
    ----------
    single_keys
        Keys that must not stand twice in an object.

    Raises
    ------
    falcon.HTTPError
        What the reader raises; 400 for what is not JSON; 422 for JSON that does not fit.
    InvalidEvent
        When one of the `single_keys` stands twice in an object.
    """
    payload = (await reader.read(req)).payload
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
