"""From nothing to recommendations that learn, step by step: what `run` and `stack-local` have in common."""

import gc
import math
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import typer
from rich.text import Text

from streamrec.adapters.files.snapshots import current_generation
from streamrec.adapters.opening import open_event_sink
from streamrec.cli.files.opening import open_chosen
from streamrec.cli.files.options import Chosen
from streamrec.cli.installation import command_line
from streamrec.cli.launch.first_answer import wait_for_answer, wait_until_live, wait_until_ready
from streamrec.cli.launch.introduction import one_who_chose, paths_to_try, what_to_try
from streamrec.cli.launch.owner import Owner, used_alone
from streamrec.cli.launch.plan import Plan
from streamrec.cli.launch.services import Services
from streamrec.cli.load_items import ITEMS_PATH, catalog_rows, put_items
from streamrec.cli.replay import position_file_of, replay_with_bar
from streamrec.cli.screen import output, printable, progress_bar, say, say_rejected, spinner
from streamrec.cli.service_call import quoted
from streamrec.cli.stopping import StopWish, stopping_on_signals
from streamrec.cli.training.provenance import is_trained
from streamrec.datasets.event_set import EventSet
from streamrec.datasets.files.read_report import ReadReport
from streamrec.datasets.named import ML_100K, TERMS
from streamrec.datasets.replay import Replay, due_at_rate
from streamrec.errors import StreamrecError, UnknownId
from streamrec.process.forked import Forked
from streamrec.settings.processes import LocationSettings, TrainerSettings
from streamrec.settings.reading import read_settings
from streamrec.telemetry import configure_logging

_PATIENCE_S = 600.0  # one that ends is noticed at once; a first start compiles, and the machine may be busy
_ANSWER_PATIENCE_S = 20.0  # of a few events some questions have no answer


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

    def run(self, chosen: Chosen, plan: Plan) -> None:
        """Carry out the steps, then serve until the wish to stop."""
        if chosen.dataset == ML_100K:
            say(TERMS, "dim")
        events = open_chosen(chosen)
        owner = Owner(self._home.replay_dir, self._home.locations.artifacts_dir)
        until_fraction = owner.claim(events, plan.until_fraction)
        first = events.split_at(until_fraction)
        if not self._wish():
            self._bring_model(events, until_fraction, owner)
        if not self._wish():
            with spinner("Starting index server, recommender and trainer"):
                wait_until_ready(self._services, self._wish, _PATIENCE_S)
        if not self._wish():
            self._introduce(events[:first])
        if not self._wish() and plan.rate is not None:
            self._replay(events, first, plan.rate)
        while not self._wish():
            self._say_troubles()
            self._wish.sleep(0.5)

    def _say_troubles(self) -> None:
        """Say which part keeps ending: once all has been there, the others go on."""
        while (trouble := self._services.new_trouble()) is not None:
            say(trouble, "red")

    def _bring_model(self, events: EventSet, until_fraction: float, owner: Owner) -> None:
        """Start the services, and see to it that they have items and a generation to serve."""
        # They wait for it, and have read their programs by then.
        self._services.start()
        self._learn_what_is_new(events, until_fraction, owner)

    def _learn_what_is_new(self, events: EventSet, until_fraction: float, owner: Owner) -> None:
        self._load_items(events)
        if self._wish() or is_trained(self._home.locations.artifacts_dir):
            return
        try:
            self._train(events, until_fraction)
        finally:
            if not events.catalog and current_generation(self._home.locations.artifacts_dir) is None:
                owner.release()

    def _train(self, events: EventSet, until_fraction: float) -> None:
        """Train in a process of its own, which has the events in its memory already."""
        learning = partial(_learn, events, until_fraction, self._services.environment)
        training = Forked(learning, math.inf)
        while not training.is_done() and not self._wish():
            self._wish.sleep(0.1)
        if self._wish():
            training.end()
        else:
            training.result()

    def _load_items(self, events: EventSet) -> None:
        """Put the items, before anybody learns: profiles and new items go by what they are."""
        if self._wish() or not events.catalog:
            return
        with spinner("Starting the recommender; the first start ever compiles, for a minute or two"):
            wait_until_live(self._services, self._wish, _PATIENCE_S)
        if self._wish() or self._has_items(events):
            return
        report = ReadReport()
        rows = catalog_rows(events.catalog, events.name, report)
        with progress_bar("Loading items", len(events.catalog)) as show:
            put_items(self._services.recommender, rows, report, show)
        say_rejected(report)

    def _has_items(self, events: EventSet) -> bool:
        """Return whether the last item, which is loaded last, is there."""
        try:
            self._services.recommender.get(f"{ITEMS_PATH}/{quoted(events.catalog[-1].item_id)}")
        except UnknownId:
            return False
        return True

    def _introduce(self, history: EventSet) -> None:
        """Show a list that is about somebody, and where to go on."""
        chosen = one_who_chose(history, read_settings(TrainerSettings))
        if chosen is None:
            return
        path = f"/v1/recommendations?user_id={quoted(chosen.user_id)}&k=5"
        answer = self._wait_for(path, lambda a: a["based_on"] == "user_id")
        if self._wish():
            return
        if answer is not None:
            titles = ", ".join(item.get("title") or item["item_id"] for item in answer["items"][:3])
            say(
                f"First personalized answer {time.monotonic() - self._started:.1f} s after the start", "green"
            )
            output.print(Text(printable(f"  user {chosen.user_id}: {titles} ...")))
        # What is offered works.
        paths = [path for path in paths_to_try(chosen) if self._wait_for(path, lambda a: bool(a["items"]))]
        output.print(Text(printable(what_to_try(self._services, paths, chosen.item_id))))

    def _is_over(self) -> bool:
        self._say_troubles()
        return self._wish()

    def _wait_for(self, path: str, is_wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        return wait_for_answer(self._services, path, is_wanted, self._wish, _ANSWER_PATIENCE_S)

    def _replay(self, events: EventSet, first: int, rate: float) -> None:
        sink = open_event_sink(self._home.locations.events_url)
        position_file = position_file_of(events, self._home.locations.events_url, self._home.replay_dir)
        try:
            replay = Replay(events, due_at_rate(events, rate), sink, position_file, self._wish)
            reached = replay_with_bar(
                replay,
                max(first, position_file.load() or 0),
                self._is_over,
            )
        finally:
            sink.close()
        if reached == len(events):
            anew = command_line("clean-data")
            say(f"All events were replayed; still serving. Ctrl-C stops; `{anew}` starts over.")


def _learn(events: EventSet, until_fraction: float, environment: Mapping[str, str]) -> None:
    """Train on the first part of events, in a process that was forked off."""
    # Torch takes seconds to import, and nothing else here needs it.
    gc.enable()
    os.environ.update(environment)
    from streamrec.cli.training.initial import train
    from streamrec.cli.training.initial_history import history_of
    from streamrec.learning.initial.fit import FitOptions

    configure_logging("WARNING", "initial-training")
    train(history_of(events, until_fraction), FitOptions(), None)


def launch(
    steps: Callable[[StopWish, float], Launch], services: Services, chosen: Chosen, plan: Plan, folder: Path
) -> None:
    """Take the steps until Ctrl-C or SIGTERM, then stop everything; for a command.

    Parameters
    ----------
    folder
        Held meanwhile: nobody else may work with what is in it.

    Raises
    ------
    ConfigurationError
        When a port is taken, or the folder is.
    typer.Exit
        When a step or a service failed; it has been said then.
    """
    started = time.monotonic()
    services.check_ports()
    with used_alone(folder), stopping_on_signals() as wish:
        try:
            steps(wish, started).run(chosen, plan)
        except StreamrecError as error:
            # A child that Ctrl-C reached first fails before we come to look: that is no error.
            if not wish():
                say(f"error: {services.cause_of(error) if services.is_started else error}", "red")
                raise typer.Exit(1) from error
        finally:
            _stop(services)


def _stop(services: Services) -> None:
    if not services.is_started:
        return
    with spinner("Stopping: the trainer learns what is left and writes its checkpoint"):
        is_clean = services.stop()
    if not is_clean:
        say(f"A service had to be killed; see {services.log_path}", "yellow")
    say("Stopped.")
