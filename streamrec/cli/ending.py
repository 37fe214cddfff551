"""The end of a command: what was raised on purpose is a line, and an exit code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from streamrec.cli.screen import say
from streamrec.errors import StreamrecError

EXIT_ERROR = 2


@contextmanager
def ending_with_a_line() -> Iterator[None]:
    """End the process with one line and `EXIT_ERROR` for an error of ours, instead of a traceback."""
    try:
        yield
    except StreamrecError as error:
        say(f"error: {error}", "red")
        sys.exit(EXIT_ERROR)
