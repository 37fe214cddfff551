"""Ids in paths and queries of requests, by the rule for ids everywhere."""

from urllib.parse import unquote

from streamrec.domain.events.values import id_of
from streamrec.errors import InvalidEvent, InvalidInput


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
    return checked_id("the id in the path", text)


def checked_id(field: str, text: str) -> str:
    """Return an id that a request names.

    Parameters
    ----------
    field
        Where it stands, for the message.

    Raises
    ------
    InvalidInput
        When it is none: a request that asks for it is wrong, and brings no event.
    """
    try:
        return id_of(field, text)
    except InvalidEvent as error:
        raise InvalidInput(str(error)) from error


def checked_ids(field: str, texts: list[str]) -> dict[str, None]:
    """Return ids that a request lists, each once and in their order, as keys.

    Raises
    ------
    InvalidInput
        When one is none.
    """
    return dict.fromkeys(checked_id(field, text) for text in texts)
