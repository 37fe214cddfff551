"""Output of the tools: results on standard output, progress and errors on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    RenderableColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from streamrec.datasets.files.read_report import ReadReport

output = Console(highlight=False, soft_wrap=True)
messages = Console(stderr=True, highlight=False, soft_wrap=True)


class _Told:
    """A text that is asked for whenever it is drawn."""

    def __init__(self, ask: Callable[[], str]) -> None:
        self._ask = ask

    def __rich__(self) -> Text:
        return Text(self._ask())


class Show(Protocol):
    """Moves a bar."""

    def __call__(self, done: int, total: int | None = None) -> None:
        """Show `done` of `total` (by default what the bar began with; 0: unknown)."""


def say(text: str, style: str = "") -> None:
    """Print a line on standard error; square brackets are just that."""
    # Names in files may hold what no screen takes.
    messages.print(Text(text.encode(errors="backslashreplace").decode(), style=style))


def duration(seconds: float) -> str:
    """Return a length of time for people.

    >>> duration(5.4), duration(90061), duration(28333333)
    ('0:00:05', '1 day, 1:01:01', '327 days, 22:22:13')
    """
    return str(timedelta(seconds=round(seconds)))


@contextmanager
def progress_bar(
    description: str,
    total: int | None = None,
    *,
    is_bytes: bool = False,
    remaining: Callable[[], str] | None = None,
) -> Iterator[Show]:
    """Yield the function that moves the bar, which appears with its first call.

    Parameters
    ----------
    remaining
        Says how long it will take yet, where that is known better than by the pace so far.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn() if is_bytes else MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn() if remaining is None else RenderableColumn(_Told(remaining)),
    )
    progress = Progress(*columns, console=messages)
    task = progress.add_task(description, total=total)

    def show(done: int, total: int | None = total) -> None:
        progress.start()
        progress.update(task, completed=done, total=total or None)

    try:
        yield show
    finally:
        if progress.live.is_started:
            progress.stop()


@contextmanager
def spinner(description: str) -> Iterator[None]:
    """Show that something goes on, and for how long."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=messages, transient=True) as progress:
        progress.add_task(description, total=None)
        yield


def say_rejected(report: ReadReport) -> None:
    """Tell which rows of a file were left out, and why, and what was perhaps not read as it was meant."""
    for line in report.summary():
        say(line, "" if line.startswith(" ") else "yellow")
