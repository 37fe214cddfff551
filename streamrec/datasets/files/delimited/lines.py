"""Lines of a file of text, one at a time, that can be taken back."""

from collections import deque
from io import TextIOWrapper

from streamrec.datasets.files.plain_files import MAX_LINE


class Lines:
    """Lines of a text from its beginning, each with its end, cut to a bound.

    Attributes
    ----------
    number
        Of the line that was taken last; the first is 1.
    """

    def __init__(self, text: TextIOWrapper) -> None:
        self._text = text
        self._taken_back: deque[str] = deque()
        self.number = 0

    def __iter__(self) -> "Lines":
        """Return itself."""
        return self

    def __next__(self) -> str:
        """Return the next line; what was taken back comes again, also after the end."""
        if self._taken_back:
            line = self._taken_back.popleft()
        else:
            line = self._text.readline(MAX_LINE)
            if not line:
                raise StopIteration
            if len(line) == MAX_LINE:
                self._skip_rest(line)
        self.number += 1
        return line

    def take_back(self, lines: list[str]) -> None:
        """Yield these lines again, which were the last ones."""
        self._taken_back.extendleft(reversed(lines))
        self.number -= len(lines)

    def _skip_rest(self, line: str) -> None:
        while line and not line.endswith(("\n", "\r")):
            line = self._text.readline(MAX_LINE)


def is_cut(line: str) -> bool:
    """Return whether a line was longer than `MAX_LINE`."""
    return len(line) >= MAX_LINE and not line.endswith(("\n", "\r"))
