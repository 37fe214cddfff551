"""Ids in paths and queries of requests, by the rule for ids everywhere."""

from urllib.parse import unquote

from streamrec.domain.events.interaction import MAX_ID_BYTES
from streamrec.domain.events.values import NULL_ID, id_of
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
    return dict.fromkeys(texts if _are_plain(texts) else (checked_id(field, text) for text in texts))


def _are_plain(texts: list[str]) -> bool:
    r"""Return whether all are ids beyond doubt: a thousand of them are looked at together.

    >>> _are_plain(["a", "b" * 256]), _are_plain(["a", ""]), _are_plain(["b" * 257]), _are_plain(["é"])
    (True, False, False, False)
    >>> _are_plain(["a", r"\N"]), _are_plain([])
    (False, True)
    """
    lengths = set(map(len, texts))
    is_bounded = not lengths or (min(lengths) > 0 and max(lengths) <= MAX_ID_BYTES)
    return is_bounded and NULL_ID not in texts and "".join(texts).isascii()
