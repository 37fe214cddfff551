"""From nothing to recommendations that learn, step by step: what `run` and `stack-local` have in common."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import typer

from streamrec.adapters.files.snapshots import current_generation
from streamrec.adapters.opening import open_event_sink
from streamrec.cli.choices import open_chosen
from streamrec.cli.installation import is_repository
from streamrec.cli.launch.first_answer import wait_for_answer, wait_until_ready
from streamrec.cli.launch.introduction import paths_to_try, quoted, what_to_try
from streamrec.cli.launch.services import Services
from streamrec.cli.load_items import ITEMS_PATH, catalog_rows, put_items
from streamrec.cli.replay import position_file_of, replay_with_bar
from streamrec.cli.screen import output, progress_bar, say, say_rejected, spinner
from streamrec.cli.stopping import StopWish, stopping_on_signals
from streamrec.datasets.event_set import EventSet
from streamrec.datasets.files.read_report import ReadReport
from streamrec.datasets.named import ML_100K, TERMS
from streamrec.datasets.replay import Replay, due_at_rate
from streamrec.errors import StreamrecError, Unavailable, UnknownId
from streamrec.settings.processes import LocationSettings

HISTORY_FRACTION = 0.5
_PATIENCE_S = 120.0


class Chosen(NamedTuple):
    """Events that the options choose."""

    dataset: str | None
    events: Path | None
    mapping: list[str] | None
    delimiter: str | None

    def as_options(self) -> list[str]:
        """Return the options that choose the same events in another process."""
        options = [f"--dataset={self.dataset}"] if self.dataset else [f"--events={self.events}"]
        options += [f"--map={pairs}" for pairs in self.mapping or ()]
        return options + ([f"--delimiter={self.delimiter}"] if self.delimiter else [])


class Home(NamedTuple):
    """Locations of what a launch keeps."""

    locations: LocationSettings
    replay_dir: Path


class Launch:
    """The steps, in order; each looks whether somebody wishes to stop."""

    def __init__(self, home: Home, services: Services, wish: StopWish, started: float) -> None:
        self._home = home
        self._services = services
        self._wish = wish
        self._started = started

    def run(self, chosen: Chosen, rate: float) -> None:
        """Carry out the steps, then serve until the wish to stop."""
        if chosen.dataset == ML_100K:
            say(TERMS, "dim")
        events = open_chosen(*chosen)
        if not self._wish():
            self._bring_model(chosen)
        first = events.split_at(HISTORY_FRACTION)
        if not self._wish():
            self._serve(events)
        if not self._wish():
            self._introduce(events, first)
        if not self._wish():
            self._replay(events, first, rate)
        while not self._wish():
            self._services.check()
            self._wish.sleep(0.5)

    def _bring_model(self, chosen: Chosen) -> None:
        """Start the services, and see to it that there is a generation for them to serve."""
        # They wait for it, and have read their programs by then.
        self._services.start()
        if current_generation(self._home.locations.artifacts_dir) is None:
            self._train(chosen)

    def _train(self, chosen: Chosen) -> None:
        options = [*chosen.as_options(), f"--until-fraction={HISTORY_FRACTION}"]
        environment = {**os.environ, **self._services.environment}
        with subprocess.Popen(
            [sys.executable, "-m", "initial_training", *options], env=environment
        ) as training:
            while training.poll() is None and not self._wish():
                self._wish.sleep(0.1)
            training.terminate()
        if self._wish() or training.returncode == 0:
            return
        if current_generation(self._home.locations.artifacts_dir) is None:
            raise Unavailable(f"the initial training ended with exit code {training.returncode}")
        say("The first model ranks worse than popularity; serving it all the same", "yellow")

    def _serve(self, events: EventSet) -> None:
        with spinner("Starting index server, recommender and trainer"):
            wait_until_ready(self._services, self._wish, _PATIENCE_S)
        if self._wish() or not events.catalog or self._has_items(events):
            return
        report = ReadReport()
        with progress_bar("Loading items", len(events.catalog)) as show:
            put_items(
                self._services.recommender, catalog_rows(events.catalog, events.name, report), report, show
            )
        say_rejected(report)

    def _has_items(self, events: EventSet) -> bool:
        """Return whether the last item, which is loaded last, is there."""
        try:
            self._services.recommender.get(f"{ITEMS_PATH}/{quoted(events.catalog[-1].item_id)}")
        except UnknownId:
            return False
        return True

    def _introduce(self, events: EventSet, first: int) -> None:
        user_id = events[first - 1].user_id  # in the history, and active until its end
        answer = self._wait_for(
            f"/v1/recommendations?user_id={quoted(user_id)}&k=5", lambda a: a["based_on"] == "user_id"
        )
        if self._wish():
            return
        titles = ", ".join(item.get("title") or item["item_id"] for item in answer["items"][:3])
        say(f"First personalized answer {time.monotonic() - self._started:.1f} s after the start", "green")
        output.print(f"  user {user_id}: {titles} ...", markup=False)
        paths = paths_to_try(events, user_id)
        for path in paths:
            self._wait_for(path, lambda a: bool(a["items"]))  # what is offered works
        output.print(what_to_try(self._services, paths, events[0].item_id), markup=False)

    def _wait_for(self, path: str, is_wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        return wait_for_answer(self._services, path, is_wanted, self._wish, _PATIENCE_S)

    def _replay(self, events: EventSet, first: int, rate: float) -> None:
        sink = open_event_sink(self._home.locations.events_url)
        position_file = position_file_of(events, self._home.locations.events_url, self._home.replay_dir)
        try:
            replay = Replay(events, due_at_rate(events, rate), sink, position_file, self._wish)
            reached = replay_with_bar(
                replay,
                max(first, position_file.load() or 0),
                # Events that nobody learns are no stream: the replay ends with the services.
                lambda: self._wish() or self._services.have_ended(),
            )
        finally:
            sink.close()
        if reached == len(events):
            anew = "`make clean-data`" if is_repository() else "without the folder var, it"
            say(f"All events were replayed; still serving. Ctrl-C stops; {anew} starts over.")


def launch(
    steps: Callable[[StopWish, float], Launch], services: Services, chosen: Chosen, rate: float
) -> None:
    """Take the steps until Ctrl-C or SIGTERM, then stop everything; for a command.

    Raises
    ------
    ConfigurationError
        When a port is taken.
    typer.Exit
        When a step or a service failed; it has been said then.
    """
    started = time.monotonic()
    services.check_ports()
    with stopping_on_signals() as wish:
        try:
            steps(wish, started).run(chosen, rate)
        except StreamrecError as error:
            # A child that Ctrl-C reached first fails before we come to look: that is no error.
            if not wish():
                say(f"error: {services.cause_of(error)}", "red")
                raise typer.Exit(1) from error
        finally:
            _stop(services)


def _stop(services: Services) -> None:
    if services.is_started:
        with spinner("Stopping: the trainer learns what is left and writes its checkpoint"):
            is_clean = services.stop()
        if not is_clean:
            say(f"A service had to be killed; see {services.log_path}", "yellow")
    say("Stopped.")
