"""The system that a history happens to: all of our processes, on SQLite files or on the three servers."""

import random
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from streamrec.adapters.files.roles import SnapshotRoles
from streamrec.adapters.opening import open_event_sink
from streamrec.cli.backup.backing_up import back_up
from streamrec.cli.backup.restoring import put_back
from streamrec.cli.launch.local_servers import free_port
from streamrec.domain.bars.bar import MINUTE_S
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.experiments.definition import Experiment
from streamrec.domain.generations.roles import PromotionName
from streamrec.ports import COMMANDS, INTERACTIONS, Message
from streamrec.settings.processes import LocationSettings
from streamrec.wire import Command, encode_command, encode_event
from tests.e2e.processes import eventually
from tests.histories.system.asking import Answer, answer_at
from tests.histories.system.nursery import Order
from tests.histories.system.parts import Nursery, Part
from tests.histories.system.servers import Servers
from tests.histories.system.settings import EXPERIMENT, LEASE_S, SETTINGS
from tests.histories.truth import KEEPERS, Place

_PATIENCE_S = 120.0

_TRAINING_PATIENCE_S = 600.0
"""The first on a machine compiles what it runs: two minutes of a quiet processor."""

_LONG_FREEZE_S = 20.0

RECOVERS_WITHIN_S = 120.0
"""Once everything runs again."""


class System:
    """Processes, servers below, logs and files in one folder.

    Ids are those of a history behind a prefix, which is another one for each history that happens to it.

    Attributes
    ----------
    parts
        Our processes by name.
    servers
        None where files take their place.
    recommender_started_at
        Of `time.monotonic`.
    began_at
        When the history began, in Unix seconds: a full minute.
    experiment
        The history's; every user takes part.
    n_lists
        Lists that the recommender was asked for in this history.
    erased_at
        Of `time.monotonic`, when a user was erased last.
    """

    began_at: float
    experiment: Experiment

    def __init__(self, folder: Path, place: Place) -> None:
        self.folder = folder
        self.place: Place = place
        self.prefix = ""
        self.n_histories = 0
        self.recovers_within_s = RECOVERS_WITHIN_S
        self.nursery = Nursery(folder)
        self.servers = Servers(folder) if place == "services" else None
        self._ports = {name: free_port() for name in ("index", "recommender")}
        self.parts = {name: Part(self.nursery, folder, name, order) for name, order in self._orders()}
        self.recommender_started_at = 0.0
        self.n_lists, self.erased_at = 0, 0.0
        self._send_population()
        self.train("first-training")
        for name in self.parts:
            self.start(name)

    @property
    def roles(self) -> SnapshotRoles:
        """The roles of the generations."""
        return SnapshotRoles(self.folder / "artifacts")

    def locations(self, *, is_direct: bool = True) -> LocationSettings:
        """Return where everything is; as the tests reach it, or as our processes do."""
        urls = self._urls(is_direct=is_direct)
        return LocationSettings(
            events_url=urls["EVENTS"],
            changelog_url=urls["CHANGELOG"],
            store_url=urls["STORE"],
            cache_url=urls["CACHE"],
            index_url=f"http://127.0.0.1:{self._ports['index']}",
            artifacts_dir=self.folder / "artifacts",
        )

    def start(self, name: str, planted: str = "") -> None:
        """Start a process, and wait for one that answers."""
        self.parts[name].start(planted)
        if name in self._ports:
            eventually(lambda: self._is_live(name), _PATIENCE_S)
        if name == "recommender":
            self.recommender_started_at = time.monotonic()

    def thaw(self, name: str) -> None:
        """Let a process go on: a trainer once its lease has run out, a service if it stood for a short time.

        Gunicorn takes a worker that stood for 30 s for dead, a moment after it goes on: it is ended first.
        """
        part = self.parts[name]
        if name in self._ports and part.frozen_s > _LONG_FREEZE_S:
            part.kill()
            self.start(name)
        else:
            part.thaw(0.0 if name in self._ports else 1.5 * LEASE_S)

    def begin_history(self) -> None:
        """Give ids another prefix, set all clocks right, and put another experiment in place."""
        for part in self.parts.values():
            part.set_clock(0.0)
        if self.n_histories:
            path = f"/v1/experiments/{self.experiment.id}"
            self._change("POST", f"{path}/stop", {})
            self._change("DELETE", path)
        self.n_histories += 1
        self.prefix = f"h{self.n_histories}-"
        self.began_at = time.time() // MINUTE_S * MINUTE_S
        told = self._change("PUT", f"/v1/experiments/{self.prefix}x", EXPERIMENT)
        self.experiment = msgspec.convert(told.body, Experiment)
        self.n_lists = 0

    def _change(self, method: str, path: str, body: object = None) -> Answer:
        """Change an experiment, once all connections are made again after the history before."""

        def tried() -> Answer | None:
            answer = self.ask(method, path, body)
            is_gone = method == "DELETE" and answer.status == 404
            return answer if 200 <= answer.status < 300 or is_gone else None

        answer = eventually(tried)
        assert answer is not None
        return answer

    def ask(self, method: str, path: str, body: object = None, **query: Any) -> Answer:
        """Ask the recommender."""
        self.n_lists += path == "/v1/recommendations"
        answer = self._ask("recommender", method, path, body, **query)
        if method == "DELETE" and path.startswith("/v1/users/"):
            self.erased_at = time.monotonic()
        return answer

    def ask_index(self, path: str) -> Answer:
        """Ask the index server."""
        return self._ask("index", "GET", path)

    def append(self, topic: str, *messages: Message) -> None:
        """Append to a log as any other client does."""
        sink = open_event_sink(self._urls(is_direct=True)["EVENTS"])
        try:
            sink.append(topic, messages)
        finally:
            sink.close()

    def order_change(self, name: PromotionName) -> str:
        """Ask the trainer to promote or to roll back; return who is to be the champion."""
        promotion = self.roles.read().next_promotion(name, "", time.time())
        payload = encode_command(Command(name, promotion.at, "test"))
        self.append(COMMANDS, Message(promotion.champion, payload))
        return promotion.champion

    def train(self, name: str, *options: str) -> None:
        """Make a generation of all that the log holds."""
        order = Order(
            work="initial training",
            arguments=["--from-stream", *options],
            environment=self._environment(),
        )
        training = Part(self.nursery, self.folder, f"{name}-{time.monotonic_ns()}", order)
        training.start()
        ended = eventually(training.why_ended, _TRAINING_PATIENCE_S)
        assert ended, training.said()
        assert ended.split()[-1] in ("0", "3"), training.said()

    def back_up(self) -> None:
        """Replace the backup by one of now."""
        shutil.rmtree(self.folder / "backup", ignore_errors=True)
        back_up(self.folder / "backup", self.locations())

    def restore(self) -> None:
        """Put the backup back, on servers that hold nothing else; nothing may run."""
        if self.servers is not None:
            self.servers.renew()
        put_back(self.folder / "backup", self.locations(), overwrite=True)

    def ended_by_themselves(self) -> list[str]:
        """Return which processes ended although nobody ended them."""
        reasons = [part.why_ended() for part in self.parts.values()]
        return [reason for reason in reasons if reason is not None]

    def close(self) -> None:
        """End all."""
        self.nursery.close()
        if self.servers is not None:
            self.servers.close()

    def _ask(self, name: str, method: str, path: str, body: object = None, **query: Any) -> Answer:
        return answer_at(self._ports[name], method, path, body, query)

    def _is_live(self, name: str) -> bool:
        assert (ended := self.parts[name].why_ended()) is None, f"{ended}\n{self.parts[name].said()[-3000:]}"
        return self._ask(name, "GET", "/health/live").status == 200

    def _urls(self, *, is_direct: bool) -> Mapping[str, str]:
        if self.servers is None:
            files = ("events", "changelog", "store", "cache")
            return {file.upper(): f"sqlite:///{self.folder}/{file}.db" for file in files}
        kafka, mongodb, redis = (
            self.servers.url(name, is_direct=is_direct) for name in ("kafka", "mongodb", "redis")
        )
        return {"EVENTS": kafka, "CHANGELOG": kafka, "STORE": mongodb, "CACHE": f"{redis}/0"}

    def _environment(self) -> dict[str, str]:
        urls = {f"STREAMREC_{name}_URL": url for name, url in self._urls(is_direct=False).items()}
        index = {"STREAMREC_INDEX_URL": f"http://127.0.0.1:{self._ports['index']}"}
        return SETTINGS | urls | index | {"STREAMREC_ARTIFACTS_DIR": str(self.folder / "artifacts")}

    def _orders(self) -> Iterator[tuple[str, Order]]:
        environment = self._environment()
        for name, service in (("index", "faiss_server"), ("recommender", "recommender_server")):
            bind = f"127.0.0.1:{self._ports[name]}"
            how = ["-c", f"python:{service}.gunicorn_settings", "--bind", bind]
            yield name, Order(work="service", arguments=how, environment=environment)
        for name, role in (("trainer-1", "champion"), ("trainer-2", "challenger")):
            yield name, Order(work="trainer", arguments=["--role", role], environment=environment)
        for name in KEEPERS:
            yield name, Order(work=name, environment=environment)

    def _send_population(self) -> None:
        chance, now = random.Random(1), time.time()
        events = [
            Interaction(f"b{chance.randrange(40)}", f"c{chance.randrange(60)}", now - 3600 + number)
            for number in range(400)
        ]
        self.append(INTERACTIONS, *(Message(event.user_id, encode_event(event)) for event in events))
