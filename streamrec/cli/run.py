"""`run`: everything on this machine, from nothing to recommendations that learn."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from streamrec.adapters.open_event_sink import open_event_sink
from streamrec.cli.choices import PortSettings, open_chosen, read_settings
from streamrec.cli.first_answer import wait_for_personal_answer, wait_until_ready
from streamrec.cli.load_items import ITEMS_PATH, put_items
from streamrec.cli.replay import DEFAULT_RATE, place_of, replay_with_bar
from streamrec.cli.screen import output, progress_bar, say, spinner
from streamrec.cli.service_call import Service
from streamrec.cli.services import Services, check_port
from streamrec.cli.stopping import StopWish, stopping_on_signals
from streamrec.datasets.event_set import EventSet
from streamrec.datasets.named import ML_100K, TERMS
from streamrec.datasets.replay import Replay, due_at_rate
from streamrec.errors import StreamrecError, Unavailable, UnknownId
from streamrec.settings import PlaceSettings

HISTORY_FRACTION = 0.5
_PATIENCE_S = 120.0
_LOG = Path("var/log/services.log")


def run(
    rate: Annotated[float, typer.Option(min=0.001, help="Events a second.")] = DEFAULT_RATE,
) -> None:
    """Fetch MovieLens-100K, train on its first half, serve, and replay the second half as a live stream.

    Ctrl-C stops everything cleanly; the next run goes on from there.
    """
    started = time.monotonic()
    places, ports = read_settings(PlaceSettings), read_settings(PortSettings)
    check_port(ports.recommender_port, "recommender", "RECOMMENDER_PORT")
    check_port(ports.index_port, "index server", "INDEX_PORT")
    services = Services(Path("Procfile"), _LOG)
    with stopping_on_signals() as wish:
        try:
            _Launch(places, ports, services, wish, started).run(rate)
        except StreamrecError as error:
            # A child that Ctrl-C reached first fails before we come to look: that is no error.
            if not wish():
                raise typer.Exit(_say_failed(error)) from error
        finally:
            with spinner("Stopping: the trainer learns what is left and writes its checkpoint"):
                is_clean = services.stop()
            say("Stopped." if is_clean else f"Stopped, but not cleanly; see {services.log_path}")


def _say_failed(error: StreamrecError) -> int:
    say(f"error: {error}", "red")
    return 1


class _Launch:
    """The steps, in order; each looks whether somebody wishes to stop."""

    def __init__(
        self, places: PlaceSettings, ports: PortSettings, services: Services, wish: StopWish, started: float
    ) -> None:
        self._places = places
        self._ports = ports
        self._services = services
        self._wish = wish
        self._started = started
        self._recommender = Service(ports.recommender_url)

    def run(self, rate: float) -> None:
        """Carry out the steps, then serve until the wish to stop."""
        say(TERMS, "dim")
        events = open_chosen(ML_100K, None, None, None)
        if not (self._places.artifacts_dir / "CURRENT").exists():
            self._train(ML_100K)
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

    def _train(self, dataset: str) -> None:
        command = [sys.executable, "initial_training.py", "--dataset", dataset]
        command += ["--until-fraction", str(HISTORY_FRACTION)]
        with subprocess.Popen(command) as training:
            while training.poll() is None and not self._wish():
                self._wish.sleep(0.1)
            training.terminate()
        if training.returncode != 0 and not self._wish():
            raise Unavailable(f"the initial training ended with exit code {training.returncode}")

    def _serve(self, events: EventSet) -> None:
        self._services.start({"STREAMREC_INDEX_URL": self._ports.index_url})
        with spinner("Starting index server, recommender and trainer"):
            ours = [self._recommender, Service(self._ports.index_url)]
            wait_until_ready(self._services, ours, self._wish, _PATIENCE_S)
        if self._wish() or self._has_items(events):
            return
        with progress_bar("Loading items", len(events.catalog)) as show:
            put_items(self._recommender, events.catalog, show)

    def _has_items(self, events: EventSet) -> bool:
        """Return whether the last item, which is loaded last, is there."""
        try:
            self._recommender.get(f"{ITEMS_PATH}/{events.catalog[-1].item_id}")
        except UnknownId:
            return False
        return True

    def _introduce(self, events: EventSet, first: int) -> None:
        user_id = events[first - 1].user_id  # in the history, and active until its end
        answer = wait_for_personal_answer(
            self._services, self._recommender, user_id, self._wish, _PATIENCE_S
        )
        if self._wish():
            return
        titles = ", ".join(item.get("title") or item["item_id"] for item in answer["items"][:3])
        say(f"First personalized answer {time.monotonic() - self._started:.1f} s after the start", "green")
        output.print(f"  user {user_id}: {titles} ...", markup=False)
        output.print(self._what_to_try(events, user_id), markup=False)

    def _what_to_try(self, events: EventSet, user_id: str) -> str:
        url, item_id = self._ports.recommender_url, events[0].item_id
        return "\n".join(
            [
                f"Recommender   {url}  (try it out: {url}/docs)",
                f"Index server  {self._ports.index_url}/v1/stats",
                f"Log           {self._services.log_path}",
                "Try:",
                f"  curl '{url}/v1/recommendations?user_id={user_id}&k=5'",
                f"  curl '{url}/v1/items/{item_id}/similar?k=5'",
                f"  curl '{url}/v1/popular?k=5&category=Comedy'",
                f"  curl {url}/v1/events -H 'Content-Type: application/json' "
                f"""-d '{{"user_id": "me", "item_id": "{item_id}"}}'""",
                f"  curl '{url}/v1/recommendations?user_id=me&k=5'",
            ]
        )

    def _replay(self, events: EventSet, first: int, rate: float) -> None:
        sink = open_event_sink(self._places.events_url)
        place = place_of(events, self._places.events_url)
        try:
            replay = Replay(events, due_at_rate(events, rate), sink, place, self._wish)
            reached = replay_with_bar(replay, max(first, place.load() or 0), self._wish)
        finally:
            sink.close()
        if reached == len(events):
            say("All events were replayed; still serving. Ctrl-C stops; `make clean-data` starts over.")
