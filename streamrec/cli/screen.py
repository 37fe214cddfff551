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
    TaskProgressColumn,
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


class Listener(Protocol):
    """Listener to what people see on the screen, for those who see it elsewhere."""

    def step(self, description: str) -> None:
        """Hear what is being done from now on."""

    def moved(self, done: int, total: int | None) -> None:
        """Hear how far that is; None: nobody knows of how much."""

    def said(self, text: str) -> None:
        """Hear a line."""


_listeners: list[Listener] = []


@contextmanager
def told_to(listener: Listener) -> Iterator[None]:
    """Tell a listener as well, until the end of the block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def say(text: str, style: str = "") -> None:
    """Print a line on standard error; square brackets are just that."""
    messages.print(Text(printable(text), style=style))
    for listener in _listeners:
        listener.said(printable(text))


def printable(text: str) -> str:
    r"""Return a text as every screen takes it: ids and names in files may hold anything.

    >>> printable("a\udcff\x1b[31m")
    'a\\udcff\\x1b[31m'
    """
    written = text.encode(errors="backslashreplace").decode()
    return "".join(one if one.isprintable() or one == "\n" else repr(one)[1:-1] for one in written)


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
    is_share: bool = False,
    remaining: Callable[[], str] | None = None,
) -> Iterator[Show]:
    """Yield the function that moves the bar, which appears with its first call.

    Parameters
    ----------
    is_bytes, is_share
        What is counted: bytes, or nothing that people count, so that a percentage is shown.
    remaining
        Says how long it will take yet, where that is known better than by the pace so far.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn() if is_bytes else TaskProgressColumn() if is_share else MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn() if remaining is None else RenderableColumn(_Told(remaining)),
    )
    progress = Progress(*columns, console=messages)
    task = progress.add_task(description, total=total)
    for listener in _listeners:
        listener.step(description)

    def show(done: int, total: int | None = total) -> None:
        progress.start()
        progress.update(task, completed=done, total=total or None)
        for listener in _listeners:
            listener.moved(done, total or None)

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
        for listener in _listeners:
            listener.step(description)
        yield


def say_rejected(report: ReadReport) -> None:
    """Tell which rows of a file were left out, and why, and what was perhaps not read as it was meant."""
    for line in report.summary():
        say(line, "" if line.startswith(" ") else "yellow")
