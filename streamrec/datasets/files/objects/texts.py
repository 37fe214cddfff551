"""JSON that is not an object a line: arrays, objects over several lines, or one behind the other."""

import re
from collections.abc import Iterable, Iterator

from streamrec.datasets.files.plain_files import MAX_LINE
from streamrec.errors import InvalidEvent

_MARKS = re.compile(rb'\\.|[{}\[\]"\n]', re.DOTALL)
_BETWEEN = b" \t\r\n,\x1e"  # the last one stands before each object of JSON text sequences (RFC 7464)
_N_SHOWN = 40  # bytes

NumberedText = tuple[int, int, bytes | InvalidEvent]
"""The line on which an object begins, how many lines it takes, and its text or what is wrong with it."""


def json_values(chunks: Iterable[bytes]) -> Iterator[NumberedText]:
    """Yield the objects of a text, those of an array one by one, in bounded memory.

    >>> list(json_values([b'[{"a": "]"},', b' {"b": [1]}]']))
    [(1, 1, b'{"a": "]"}'), (1, 1, b'{"b": [1]}')]
    """
    return _Objects().found_in(chunks)


class _Objects:
    """State of the search: how deep it is in brackets, and where the object began that is open."""

    def __init__(self) -> None:
        self._line = self._first_line = 1
        self._depth = 0
        self._is_in_array = self._is_in_text = False
        self._chunk, self._start = b"", 0
        self._parts: list[bytes] = []
        self._n_bytes = 0

    def found_in(self, chunks: Iterable[bytes]) -> Iterator[NumberedText]:
        iterator = iter(chunks)
        for chunk in iterator:
            whole = chunk
            while whole.endswith(b"\\") and (more := next(iterator, b"")):
                whole += more  # what is escaped stands in the next one
            self._chunk, self._start = whole, 0
            for match in _MARKS.finditer(whole):
                yield from self._met(match[0], match.start())
            self._take_until(len(whole))
        if self._depth:
            yield self._ended(InvalidEvent("not_json", "it ends within an object"))
        yield from self._between(0)

    def _met(self, mark: bytes, at: int) -> Iterator[NumberedText]:
        if mark == b"\n":
            self._line += 1
        elif mark == b'"':
            self._is_in_text = not self._is_in_text
        elif not self._is_in_text and mark in b"{[":
            yield from self._opened(mark, at)
        elif not self._is_in_text and mark in b"}]":
            yield from self._closed(at)

    def _opened(self, mark: bytes, at: int) -> Iterator[NumberedText]:
        if self._depth == 0:
            yield from self._between(at)
            if mark == b"[" and not self._is_in_array:
                self._is_in_array, self._start = True, at + 1
                return
        self._depth += 1

    def _closed(self, at: int) -> Iterator[NumberedText]:
        if self._depth == 0:
            yield from self._between(at)
            self._is_in_array, self._start = False, at + 1
            return
        self._depth -= 1
        if self._depth == 0:
            self._take_until(at + 1)
            is_long = self._n_bytes > MAX_LINE
            words = f"the object has more than {MAX_LINE:,} bytes"
            yield self._ended(InvalidEvent("line_too_long", words) if is_long else b"".join(self._parts))

    def _between(self, end: int) -> Iterator[NumberedText]:
        """Look at what stands before an object, from the last one on."""
        self._take_until(end)
        rest = b"".join(self._parts).strip(_BETWEEN)
        if rest:
            yield self._ended(InvalidEvent("not_json", f"{rest[:_N_SHOWN]!r} is no object"))
        self._first_line, self._parts, self._n_bytes = self._line, [], 0

    def _take_until(self, end: int) -> None:
        part = self._chunk[self._start : end]
        self._start = max(self._start, end)
        self._n_bytes += len(part)
        if self._n_bytes <= MAX_LINE:
            self._parts.append(part)

    def _ended(self, found: bytes | InvalidEvent) -> NumberedText:
        first, self._first_line = self._first_line, self._line
        self._parts, self._n_bytes = [], 0
        return first, self._line - first + 1, found
