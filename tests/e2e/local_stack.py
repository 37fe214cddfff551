"""`stack-local` as a newcomer runs it, on ports and in a folder of its own."""

import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pymongo
import redis
from kafka import KafkaProducer

from streamrec.cli.launch.local_servers import free_port
from streamrec.cli.service_call import Service
from streamrec.cli.supervision.control import Action, Order, control_path, ordered
from streamrec.cli.supervision.part import PartStatus
from streamrec.datasets.synthetic import SyntheticStream
from streamrec.datasets.synthetic_events import write_synthetic
from streamrec.ports import INTERACTIONS
from tests.e2e.processes import Process, answer_of, eventually, python

N_EVENTS = 2_400
N_STREAMED = N_EVENTS // 2
PORTS = ("KAFKA_PORT", "MONGODB_PORT", "REDIS_PORT", "RECOMMENDER_PORT", "INDEX_PORT", "INDEX2_PORT")


class LocalStack:
    """The launcher, the parts that it started, and foreign clients of them."""

    def __init__(self, folder: Path, rate: float) -> None:
        folder = folder / "% d"  # a path that a format, or a shell, would take apart
        folder.mkdir()
        self.folder = folder
        write_synthetic(SyntheticStream(N_EVENTS, n_users=120, n_items=250), folder / "clicks.csv")
        self.ports = {variable: free_port() for variable in PORTS}
        environment = {variable: str(port) for variable, port in self.ports.items()}
        environment |= {"STREAMREC_TRAINER_LEASE_DURATION_S": "5"}
        options = ["--events", "clicks.csv", "--hold-out", ".5", "--replay", "--rate", str(rate)]
        command = python("-m", "streamrec", "stack-local", *options)
        self.launcher = Process(folder, "launcher", command, environment)
        self.recommender = Service(f"http://127.0.0.1:{self.ports['RECOMMENDER_PORT']}")
        self._control = folder / control_path(self.ports["RECOMMENDER_PORT"])
        self.kafka = f"127.0.0.1:{self.ports['KAFKA_PORT']}"

    def start(self) -> "LocalStack":
        """Run it, and wait until it has something to try."""
        self.launcher.start()
        self.launcher.wait_for_words("First personalized answer")
        self.launcher.wait_for_words("user_id=me")
        return self

    def control(self, action: Action, part: str) -> None:
        """Do what `streamrec parts` does."""
        ordered(self._control, Order(action, [part]))

    def parts(self) -> list[PartStatus]:
        """Return how the parts do."""
        return ordered(self._control, Order("status"))

    def pid_of(self, part: str) -> int:
        """Return a part's process id; 0 while it does not run."""
        return next(one.pid for one in self.parts() if one.name == part)

    def crash(self, part: str) -> int:
        """End it as a crash does, and return the process id that it had."""
        pid = self.pid_of(part)
        assert pid > 0, f"{part} does not run"
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill(self, part: str) -> None:
        """End it as a crash does, and wait until it was started again."""
        before = self.crash(part)
        eventually(lambda: self.pid_of(part) not in (0, before))

    def produce(self, events: Sequence[Any], key: bytes | None = b"any") -> None:
        """Write to the topic as any Kafka client can: text as it is, everything else as JSON."""
        producer = KafkaProducer(bootstrap_servers=self.kafka, acks="all", max_request_size=1_000_000)
        values = (event if isinstance(event, bytes) else json.dumps(event).encode() for event in events)
        try:
            for future in [producer.send(INTERACTIONS, value, key) for value in values]:
                future.get(timeout=60)
        finally:
            producer.close()

    def recommended(self, user_id: str, k: int = 10) -> dict[str, Any]:
        """Return the answer for a user."""
        answer: dict[str, Any] = self.recommender.get(f"/v1/recommendations?user_id={quote(user_id)}&k={k}")
        return answer

    def is_whole_for(self, user_id: str) -> bool:
        """Return whether a user is known and every part takes part in the answer."""
        answer = answer_of(self.recommender, f"/v1/recommendations?user_id={quote(user_id)}&k=10")
        return isinstance(answer, dict) and answer["based_on"] == "user_id" and not answer["degraded"]

    def counters(self) -> dict[str, float]:
        """Return what the trainer has counted, as it stands in Redis."""
        with redis.Redis(port=self.ports["REDIS_PORT"]) as client:
            found: Any = client.hgetall("streamrec:counters")
        return {name.decode(): float(value) for name, value in found.items()}

    def n_read(self) -> float:
        """Return how many events were counted, or dropped because their user was erased after them."""
        counters = self.counters()
        return counters.get("n_events", 0) + counters.get("n_erased", 0)

    def documents(self, collection: str, query: dict[str, Any]) -> list[dict[str, Any]]:
        """Return documents of MongoDB."""
        url = f"mongodb://127.0.0.1:{self.ports['MONGODB_PORT']}"
        with pymongo.MongoClient[dict[str, Any]](url) as client:
            return list(client["streamrec"][collection].find(query))

    def log_of(self, part: str) -> str:
        """Return what a part has said."""
        return (self.folder / "var" / "stack" / "log" / f"{part}.log").read_text("utf-8", "replace")

    def active_trainer(self) -> str:
        """Return the name of the part that holds the lease, empty where none of them does."""
        holders = self.documents("leases", {"_id": "trainer"})
        owner = holders[0]["owner"] if holders else None
        pid = int(owner.split(":")[-2]) if owner else -1  # host, process, a random part
        return next((part for part in ("trainer-1", "trainer-2") if self.pid_of(part) == pid), "")

    def processes(self) -> list[psutil.Process]:
        """Return all that the launcher started, and what those did."""
        launcher = psutil.Process(self.launcher.running.pid)
        started: list[psutil.Process] = launcher.children(recursive=True)
        return started
