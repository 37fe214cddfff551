"""What the tools show: results on standard output, progress and errors on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from streamrec.datasets.event_set import ReadReport

output = Console(highlight=False, soft_wrap=True)
messages = Console(stderr=True, highlight=False, soft_wrap=True)


class Show(Protocol):
    """Moves a bar."""

    def __call__(self, done: int, total: int | None = None) -> None:
        """Show `done` of `total` (by default what the bar began with; 0: unknown)."""


def say(text: str, style: str = "") -> None:
    """Print a line on standard error; square brackets are just that."""
    messages.print(Text(text, style=style))


@contextmanager
def progress_bar(description: str, total: int | None = None, *, is_bytes: bool = False) -> Iterator[Show]:
    """Yield the function that moves the bar, which appears with its first call."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn() if is_bytes else MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
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
    """Tell which rows of a file were left out, and why."""
    if not report.n_rejected:
        return
    reasons = ", ".join(f"{reason} {n:,}" for reason, n in report.reasons.most_common())
    say(f"{report.n_rejected:,} of {report.n_read:,} rows left out: {reasons}", "yellow")
    for row in report.examples[:5]:
        say(f"  line {row.line}: {row.message}")
