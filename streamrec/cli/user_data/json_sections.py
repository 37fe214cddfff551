"""A JSON object of arrays that is written as its entries come, however many there are."""

from collections.abc import Callable, Iterable, Mapping
from typing import BinaryIO, NamedTuple

import msgspec

from streamrec.errors import UnknownId

_encode = msgspec.json.Encoder().encode


class Section(NamedTuple):
    """Entries under a name.

    Attributes
    ----------
    is_evidence
        Whether an entry says that the user is known; what is worked out for any id does not.
    """

    name: str
    entries: Iterable[object]
    is_evidence: bool = True


class _HeldBack:
    """Writes nothing before it is let go."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._waiting: list[bytes] | None = []

    def write(self, written: bytes) -> None:
        if self._waiting is None:
            self._file.write(written)
        else:
            self._waiting.append(written)

    def let_go(self) -> None:
        if self._waiting is not None:
            self._file.write(b"".join(self._waiting))
            self._waiting = None


def write_sections(
    file: BinaryIO, head: Mapping[str, object], sections: Iterable[Section], show: Callable[[int], None]
) -> dict[str, int]:
    """Write an object of the fields of `head` and an array for each section.

    Returns
    -------
    dict of str to int
        Number of entries by section.

    Raises
    ------
    UnknownId
        When none of them says that the user is known; nothing was written then.

    >>> import io
    >>> file = io.BytesIO()
    >>> write_sections(file, {"user_id": "u"}, [Section("a", []), Section("b", iter([1, 2]))], print)
    1
    2
    {'a': 0, 'b': 2}
    >>> print(file.getvalue().decode(), end="")
    {"user_id":"u",
    "a":[],
    "b":[
    1,
    2]}
    """
    out, counts, n_all, is_known = _HeldBack(file), dict[str, int](), 0, False
    out.write(_encode(head)[:-1])
    for section in sections:
        n_entries = 0
        out.write(b",\n" + _encode(section.name) + b":[")
        for n_entries, entry in enumerate(section.entries, start=1):
            if section.is_evidence:
                out.let_go()
                is_known = True
            out.write((b",\n" if n_entries > 1 else b"\n") + _encode(entry))
            n_all += 1
            show(n_all)
        out.write(b"]")
        counts[section.name] = n_entries
    out.write(b"}\n")
    if not is_known:
        raise UnknownId("nothing is held of this user")
    return counts
