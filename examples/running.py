"""Starts the product for an example on its embedded default, in a folder of the example's own.

The examples' `main` and its options are alike, and stand in each of them: an example is read by itself.
"""

import csv
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from streamrec.client import Client, RecommenderError

ROOT = Path(__file__).parents[1]

Event = Mapping[str, Any]
"""As `POST /v1/events` takes it: `user_id`, `item_id`, and if there are such `timestamp`, `type`, `value`."""

_FIELDS = ("user_id", "item_id", "timestamp", "type", "value")

_BELOW_POPULARITY = 3
"""Exit code of an initial training whose model may still be served."""

_PATIENCE_S = 120.0

_LEARNING_PATIENCE_S = 600.0
"""For some hundred thousand events on a machine that is busy with other things as well."""

_STOP_PATIENCE_S = 120.0
"""The product kills what does not end, long before."""

_PAUSE_S = 0.1


class ExampleFailed(Exception):
    """The example can't go on; says why, and where to look."""


class Product:
    """Index server, recommender, trainer and what else there is, with all that they keep.

    Parameters
    ----------
    folder
        They keep it in ``product/`` there, which is emptied at the start: every run begins anew.
    settings
        ``STREAMREC_...`` variables of the example. Those of our own environment do not count: they may lead
        to data that matters.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self._folder = folder.absolute() / "product"
        self.log_path = self._folder / "product.log"
        index_port, port = _free_ports(2)
        self.api = Client(f"http://127.0.0.1:{port}")
        ours = {name: value for name, value in os.environ.items() if not name.startswith("STREAMREC_")}
        databases = {
            f"STREAMREC_{part}_URL": f"sqlite:///{self._folder}/{part.lower()}.db"
            for part in ("EVENTS", "CHANGELOG", "STORE", "CACHE")
        }
        self._environment = ours | databases | {
            "PYTHONUNBUFFERED": "1",
            "OMP_NUM_THREADS": "1",
            "INDEX_PORT": str(index_port),
            "RECOMMENDER_PORT": str(port),
            "STREAMREC_INDEX_URL": f"http://127.0.0.1:{index_port}",
            "STREAMREC_ARTIFACTS_DIR": str(self._folder / "artifacts"),
        } | dict(settings)  # fmt: skip
        self._group: subprocess.Popen[bytes] | None = None

    def train(self, history: Sequence[Event]) -> None:
        """Train the first model on these events.

        Raises
        ------
        ExampleFailed
            When there is no model afterwards.
        """
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        events = self._folder / "history.csv"
        with events.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, _FIELDS, restval="", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(history)
        command = [sys.executable, "initial_training.py", f"--events={events}"]
        with self.log_path.open("wb") as log:
            ended = subprocess.run(
                command, cwd=ROOT, env=self._environment, stdout=log, stderr=log, check=False
            )
        if ended.returncode not in (0, _BELOW_POPULARITY):
            raise ExampleFailed(f"the initial training ended with {ended.returncode}; see {self.log_path}")

    def start(self) -> None:
        """Start all, and return when the recommender is ready.

        Raises
        ------
        ExampleFailed
            When one of them ends, or is not ready in time.
        """
        with self.log_path.open("ab") as log:
            self._group = subprocess.Popen(
                # It ends with its standard input: when we are gone, however that came about.
                [sys.executable, "-m", "streamrec", "serve", "--until-eof"],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches us alone; we stop them in our own time
            )
        self.wait_until("ready", lambda: self.api.readiness().is_ready)

    def stop(self) -> None:
        """End all in good order: the trainer learns what is left."""
        self.api.close()
        if self._group is None:
            return
        self._group.send_signal(signal.SIGTERM)
        try:
            self._group.wait(_STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._group.kill()
            self._group.wait()

    def feed(self, events: Sequence[Event]) -> None:
        """Append events to the stream, in their order."""
        with self.api.events() as stream:
            for event in events:
                stream.put(event)

    def stream(self, events: Sequence[Event], n_trained: int) -> None:
        """Feed all events but the first, which were trained on, and return when the product has learned them.

        Raises
        ------
        ExampleFailed
            When it does not learn them in time.
        """
        print(f"Streaming {len(events) - n_trained:,} events", flush=True)
        self.feed(events[n_trained:])
        self.wait_until_learned(events)

    def wait_until_learned(self, events: Sequence[Event]) -> None:
        """Return when all of these, history and stream, have reached the users whom they are of.

        Raises
        ------
        ExampleFailed
            When that does not come to be in time.
        """
        user_id, item_id = str(events[-1]["user_id"]), str(events[-1]["item_id"])
        n_events = Counter(str(event["user_id"]) for event in events)[user_id]

        def has_all() -> bool:
            user = self.api.get_user(user_id)
            return user.n_events >= n_events and user.recent[-1] == item_id

        self.wait_until("through with the events", has_all, _LEARNING_PATIENCE_S)

    def wait_until(self, state: str, condition: Callable[[], Any], patience_s: float = _PATIENCE_S) -> None:
        """Return when a condition holds; while the product refuses to answer, it does not.

        Raises
        ------
        ExampleFailed
            When it does not hold in time, or a part of the product has ended.
        """
        deadline = time.monotonic() + patience_s
        reason = ""
        while time.monotonic() < deadline:
            if self._group is None or self._group.poll() is not None:
                raise ExampleFailed(f"a part of the product ended; see {self.log_path}")
            try:
                if condition():
                    return
            except RecommenderError as error:
                reason = f": {error}"
            time.sleep(_PAUSE_S)
        raise ExampleFailed(f"not {state} after {patience_s:.0f} s{reason}; see {self.log_path}")


@contextmanager
def running_product(
    folder: Path, history: Sequence[Event], settings: Mapping[str, str] | None = None
) -> Iterator[Product]:
    """Train on `history` and serve while the block runs.

    Raises
    ------
    ExampleFailed
        When the product does not start.
    """
    product = Product(folder, settings or {})
    print(
        f"Training on {len(history):,} events, then starting the product. Log: {product.log_path}", flush=True
    )
    try:
        product.train(history)
        product.start()
        yield product
    finally:
        # A second Ctrl-C must not leave the product behind.
        impatient = signal.signal(signal.SIGINT, signal.SIG_IGN)
        product.stop()
        signal.signal(signal.SIGINT, impatient)


@contextmanager
def ending_quietly() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the block without a traceback; a failure is a line and exit code 1."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a background job of a shell ignores the first
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        print("Stopped.")
    except (ExampleFailed, RecommenderError) as error:
        sys.exit(f"error: {error}")


def wait_for_the_end() -> None:
    """Return never; Ctrl-C ends it."""
    while True:
        time.sleep(60.0)


def _free_ports(n_ports: int) -> list[int]:
    """Return ports that nobody listens on; held together, so that they differ."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(n_ports)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
