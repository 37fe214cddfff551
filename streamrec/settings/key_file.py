"""Files of API keys."""

from pathlib import Path


def keys_in(path: Path) -> list[tuple[int, str]]:
    """Return the keys in a file, each with the number of its line, from 1.

    There is one a line; empty lines and lines that start with ``#`` don't count.

    Raises
    ------
    OSError, UnicodeDecodeError
        When it can't be read.
    """
    lines = (line.strip() for line in path.read_text("utf-8-sig").splitlines())
    return [(number, line) for number, line in enumerate(lines, 1) if line and not line.startswith("#")]
