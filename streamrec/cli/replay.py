"""`replay`: a data set as a live stream."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from streamrec.adapters.open_event_sink import open_event_sink
from streamrec.cli.choices import Dataset, Delimiter, EventsFile, Mapping, open_chosen
from streamrec.cli.screen import progress_bar, say
from streamrec.cli.stopping import stopping_on_signals
from streamrec.datasets.event_set import EventSet
from streamrec.datasets.place_file import PlaceFile
from streamrec.datasets.replay import Listener, Replay, due_at_rate, due_at_speed
from streamrec.errors import InvalidInput
from streamrec.reading_settings import read_settings
from streamrec.settings import PlaceSettings

REPLAY_DIR = Path("var/replay")
DEFAULT_RATE = 50.0
EXIT_INTERRUPTED = 130  # what a shell reports for Ctrl-C: a script must see that not all was sent


def replay(
    dataset: Dataset = None,
    events: EventsFile = None,
    mapping: Mapping = None,
    delimiter: Delimiter = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Events a second (default 50).")] = None,
    speed: Annotated[float | None, typer.Option(min=0.001, help="Times as fast as in life.")] = None,
    skip_fraction: Annotated[
        float, typer.Option(min=0, max=1, help="Leave out this first part, by time.")
    ] = 0.0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the last replay stopped.")] = False,  # noqa: FBT002
) -> None:
    """Append events to the log as a live stream, in order of time; waits for the log, drops nothing."""
    if rate is not None and speed is not None:
        raise InvalidInput("give --rate or --speed, not both")
    event_set = open_chosen(dataset, events, mapping, delimiter)
    url = read_settings(PlaceSettings).events_url
    place = place_of(event_set, url)
    first = event_set.split_at(skip_fraction)
    if resume:
        first = max(first, place.load() or 0)
    due_s = due_at_rate(event_set, rate or DEFAULT_RATE) if speed is None else due_at_speed(event_set, speed)
    sink = open_event_sink(url)
    try:
        with stopping_on_signals() as is_stopped:
            reached = replay_with_bar(Replay(event_set, due_s, sink, place, is_stopped), first, is_stopped)
    finally:
        sink.close()
    if reached < len(event_set):
        say(f"Stopped after {reached:,} of {len(event_set):,} events; --resume goes on there")
        raise typer.Exit(EXIT_INTERRUPTED)
    say(f"All events up to {len(event_set):,} are in the log")


def place_of(events: EventSet, events_url: str, folder: Path = REPLAY_DIR) -> PlaceFile:
    """Return where the progress of replaying these events into this log is remembered."""
    # Another file or another log is another replay: it must not go on in the middle.
    key = hashlib.sha256(f"{events.content_hash} {events_url}".encode()).hexdigest()[:12]
    return PlaceFile(folder / f"{events.name}-{key}.json")


def replay_with_bar(replay: Replay, first: int, is_stopped: Callable[[], bool]) -> int:
    """Run a replay with a bar, and return the position that it reached."""
    n_events = replay.n_events
    with progress_bar("Replaying", n_events) as show:
        show(first)
        listener = Listener(
            on_progress=show,
            on_pause=lambda error, pause_s: say(f"waiting {pause_s:.1f} s for the log: {error}", "yellow"),
            is_stopped=is_stopped,
        )
        return replay.run(first, listener)
