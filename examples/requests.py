"""Request bodies in the examples' apps, and answers to what the product refuses."""

from typing import Any, NoReturn, TypeVar

import falcon
import msgspec

from streamrec.client import InvalidRequest, RecommenderError

_MAX_BODY_BYTES = 10_000

T = TypeVar("T")


def body_of(req: falcon.Request, decoder: msgspec.json.Decoder[T]) -> T:
    """Return the decoded body.

    Raises
    ------
    falcon.HTTPBadRequest
        When it does not fit, with the reason.
    falcon.HTTPContentTooLarge
        When it is too long to be read.
    """
    content = req.bounded_stream.read(_MAX_BODY_BYTES + 1)
    if len(content) > _MAX_BODY_BYTES:
        raise falcon.HTTPContentTooLarge(description=f"at most {_MAX_BODY_BYTES:,} bytes are read")
    try:
        return decoder.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise falcon.HTTPBadRequest(description=str(error)) from error


def answer_as_product(
    _req: falcon.Request, _resp: falcon.Response, error: RecommenderError, _params: dict[str, Any]
) -> NoReturn:
    """Answer as the product did: it too says 4xx of what was asked wrongly, 503 of what it can't do now."""
    is_unanswered = not isinstance(error, InvalidRequest)
    otherwise = falcon.HTTP_SERVICE_UNAVAILABLE if is_unanswered else falcon.HTTP_BAD_REQUEST
    raise falcon.HTTPError(error.status or otherwise, description=error.detail) from error
