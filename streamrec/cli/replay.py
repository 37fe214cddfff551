"""`replay`: a data set as a live stream."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray

from streamrec.adapters.opening import open_event_sink
from streamrec.cli.files.opening import open_chosen
from streamrec.cli.files.options import Chosen, takes_files
from streamrec.cli.screen import duration, progress_bar, say
from streamrec.cli.stopping import stopping_on_signals
from streamrec.datasets.event_set import EventSet
from streamrec.datasets.position_file import PositionFile
from streamrec.datasets.replay import Listener, Replay, due_at_rate, due_at_speed
from streamrec.errors import InvalidInput
from streamrec.settings.processes import LocationSettings
from streamrec.settings.reading import read_settings

REPLAY_DIR = Path("var/replay")
DEFAULT_RATE = 50.0
_LONG_GAP_S = 60.0  # a bar that stands for longer is taken for a fault
EXIT_INTERRUPTED = 130  # what a shell reports for Ctrl-C: a script must see that not all was sent


class Pace(NamedTuple):
    """Pace of a replay: events a second, or times as fast as in life with a bound for gaps."""

    rate: float
    speed: float | None
    max_gap_s: float | None

    @classmethod
    def of(cls, rate: float | None, speed: float | None, max_gap_s: float | None) -> "Pace":
        """Return what the options say.

        Raises
        ------
        InvalidInput
            When they contradict each other.
        """
        if rate is not None and speed is not None:
            raise InvalidInput("give --rate or --speed, not both")
        if max_gap_s is not None and speed is None:
            raise InvalidInput("--max-gap bounds the gaps of --speed; give both")
        return cls(rate or DEFAULT_RATE, speed, max_gap_s)

    def due_s(self, events: EventSet) -> NDArray[np.float64]:
        """Return (N,) seconds after the start at which each event is due."""
        if self.speed is None:
            return due_at_rate(events, self.rate)
        return due_at_speed(events, self.speed, self.max_gap_s)


@takes_files
def replay(
    chosen: Chosen,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Events a second (default 50).")] = None,
    speed: Annotated[float | None, typer.Option(min=0.001, help="Times as fast as in life.")] = None,
    max_gap: Annotated[
        float | None,
        typer.Option(min=0, help="With --speed: wait at most so many seconds between two events."),
    ] = None,
    skip_fraction: Annotated[
        float, typer.Option(min=0, max=1, help="Leave out this first part, by time.")
    ] = 0.0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the last replay stopped.")] = False,  # noqa: FBT002
) -> None:
    """Append events to the log as a live stream, in order of time; waits for the log, drops nothing."""
    pace = Pace.of(rate, speed, max_gap)
    event_set = open_chosen(chosen)
    url = read_settings(LocationSettings).events_url
    position_file = position_file_of(event_set, url)
    first = event_set.split_at(skip_fraction)
    if resume:
        first = max(first, position_file.load() or 0)
    due_s = pace.due_s(event_set)
    sink = open_event_sink(url)
    try:
        with stopping_on_signals() as is_stopped:
            reached = replay_with_bar(
                Replay(event_set, due_s, sink, position_file, is_stopped),
                first,
                is_stopped,
                tells_gaps=speed is not None,
            )
    finally:
        sink.close()
    if reached < len(event_set):
        say(f"Stopped after {reached:,} of {len(event_set):,} events; --resume goes on there")
        raise typer.Exit(EXIT_INTERRUPTED)
    say(f"All events up to {len(event_set):,} are in the log")


def position_file_of(events: EventSet, events_url: str, folder: Path = REPLAY_DIR) -> PositionFile:
    """Return where the progress of replaying these events into this log is remembered."""
    # Another file or another log is another replay: it must not go on in the middle.
    key = hashlib.sha256(f"{events.content_hash} {events_url}".encode()).hexdigest()[:12]
    return PositionFile(folder / f"{events.name}-{key}.json")


def replay_with_bar(
    replay: Replay, first: int, is_stopped: Callable[[], bool], *, tells_gaps: bool = False
) -> int:
    """Run a replay with a bar, and return the position that it reached.

    Parameters
    ----------
    tells_gaps
        Whether to tell of long gaps between events in a line each.
    """
    n_events = replay.n_events
    told = _Told(replay, first, tells_gaps=tells_gaps)
    with progress_bar("Replaying", n_events, remaining=told.remaining) as show:

        def on_progress(position: int) -> None:
            told.move(position)
            show(position)

        show(first)
        listener = Listener(
            on_progress=on_progress,
            on_pause=lambda error, pause_s: say(f"waiting {pause_s:.1f} s for the log: {error}", "yellow"),
            on_wait=told.wait,
            is_stopped=is_stopped,
        )
        return replay.run(first, listener)


class _Told:
    """Tells how long a replay will take yet, and of each long gap in its clock once."""

    def __init__(self, replay: Replay, first: int, *, tells_gaps: bool) -> None:
        self._replay = replay
        self._tells_gaps = tells_gaps
        self._wait_s = 0.0
        self._is_gap_told = False
        self._left_s = replay.left_s(first)

    def move(self, position: int) -> None:
        """Note that the events before this position are in the log."""
        self._left_s = self._replay.left_s(position)
        self._wait_s, self._is_gap_told = 0.0, False

    def wait(self, wait_s: float) -> None:
        """Note how long the next event is not due."""
        self._wait_s = wait_s
        if self._tells_gaps and wait_s >= _LONG_GAP_S and not self._is_gap_told:
            self._is_gap_told = True
            say(f"the next event is due in {duration(wait_s)}; --max-gap bounds such gaps", "yellow")

    def remaining(self) -> str:
        """Return the time until the last event, and until the next one where that is long."""
        left = duration(self._left_s + self._wait_s)
        return f"{left}, next in {duration(self._wait_s)}" if self._wait_s > 1 else left
