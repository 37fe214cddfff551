"""Cursor for paging: the items shown so far, small enough to go with the next request.

Nothing is kept on a server: any replica gives the next page, and gives what is best *then*, while the model
learns. So a cursor can't be a position; it names what was shown, by hashes of 32 bits. Of 1,000,000 items
.2 share a hash with one of 1,000 shown and are passed over.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable

import msgspec

from streamrec.errors import InvalidInput

MAX_SHOWN = 1000
"""Items on all pages of one reader together; the cursor is 5,356 characters long then."""

MAX_CURSOR_LENGTH = 5400

_VERSION = b"\x01"
_QUESTION_BYTES = 8
_CHECK_BYTES = 8
_HASH_BYTES = 4
_HEAD_BYTES = len(_VERSION) + _QUESTION_BYTES + _CHECK_BYTES


class Shown(msgspec.Struct, frozen=True):
    """Items that the pages so far have shown, in answer to one question.

    Attributes
    ----------
    question
        Hash of the request's parameters: a cursor continues the question that it began with, no other.
    hashes
        Of the ids shown, first page first; 4 bytes each.

    >>> first = Shown.nothing("user=u")
    >>> second = first.after(["a", "b"])
    >>> second.without(["a", "c"]), second.n_left
    (['c'], 998)
    >>> Shown.read(second.cursor(), "user=u") == second
    True
    """

    question: bytes
    hashes: tuple[bytes, ...] = ()

    @classmethod
    def nothing(cls, question: str) -> "Shown":
        """Return the state before the first page."""
        return cls(hashlib.blake2b(question.encode(), digest_size=_QUESTION_BYTES).digest())

    @classmethod
    def read(cls, cursor: str, question: str) -> "Shown":
        """Return the state that a cursor describes.

        Raises
        ------
        InvalidInput
            When the cursor is none of ours, or of an older version, or of another question.
        """
        payload = _decoded(cursor)
        head, body = payload[:_HEAD_BYTES], payload[_HEAD_BYTES:]
        if not head.startswith(_VERSION) or len(head) < _HEAD_BYTES or len(body) % _HASH_BYTES:
            raise _unusable("is not one that an answer gave, or of an older version")
        question_hash, check = head[1 : 1 + _QUESTION_BYTES], head[1 + _QUESTION_BYTES :]
        # No secret: whoever forges one changes only what they are shown themselves.
        if check != _check(question_hash, body) or len(body) > MAX_SHOWN * _HASH_BYTES:
            raise _unusable("is not one that an answer gave")
        if question_hash != cls.nothing(question).question:
            raise _unusable("belongs to another question: only `k` and `explain` may change between pages")
        hashes = tuple(body[at : at + _HASH_BYTES] for at in range(0, len(body), _HASH_BYTES))
        return cls(question_hash, hashes)

    @property
    def n_left(self) -> int:
        """Items that further pages may show."""
        return MAX_SHOWN - len(self.hashes)

    def without(self, item_ids: Iterable[str]) -> list[str]:
        """Return those that were not shown, in order."""
        hashes = set(self.hashes)
        if not hashes:  # first pages, which most are, hash nothing
            return list(item_ids)
        hash_of = self._hasher()
        return [item_id for item_id in item_ids if hash_of(item_id) not in hashes]

    def after(self, item_ids: Iterable[str]) -> "Shown":
        """Return the state after a page with these items."""
        return Shown(self.question, self.hashes + tuple(map(self._hasher(), item_ids)))

    def cursor(self) -> str:
        """Return the state as text that needs no escaping in a URL."""
        body = b"".join(self.hashes)
        payload = _VERSION + self.question + _check(self.question, body) + body
        return base64.urlsafe_b64encode(payload).decode().rstrip("=")

    def _hasher(self) -> Callable[[str], bytes]:
        # Salted: items that share a hash for one question don't share it for all.
        salted = hashlib.blake2b(digest_size=_HASH_BYTES, salt=self.question)

        def hash_of(item_id: str) -> bytes:
            one = salted.copy()
            one.update(item_id.encode())
            return one.digest()

        return hash_of


def _check(question: bytes, body: bytes) -> bytes:
    return hashlib.blake2b(question + body, digest_size=_CHECK_BYTES, person=b"cursor").digest()


def _decoded(cursor: str) -> bytes:
    if len(cursor) > MAX_CURSOR_LENGTH:
        raise _unusable(f"has more than {MAX_CURSOR_LENGTH} characters")
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise _unusable("is not one that an answer gave") from None


def _unusable(why: str) -> InvalidInput:
    return InvalidInput(f"query parameter 'cursor': it {why}; leave it out to begin anew")
