"""All processes of ours over real servers, each of which is reached by a way that a test may disturb."""

import random
import resource
import signal
import subprocess
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pymongo
import redis

from streamrec.cli.launch.local_servers import KAFKA, MONGODB, REDIS, LocalServer, free_port
from streamrec.cli.service_call import Service
from tests.e2e.processes import ROOT, Process, eventually, gunicorn, is_ready, python
from tests.forwarder import Forwarder

LOOPS = ("trainer", "bars", "attribution")
"""Processes that follow the log."""

TIMEOUT_S = 3.0
"""Of the recommender for each part; longer than usual, for a machine that has other things to do."""

_SETTINGS = {
    "STREAMREC_SERVER_TIMEOUT_S": str(TIMEOUT_S),
    "STREAMREC_LEARNING_EMBEDDING_DIM": "8",
    "STREAMREC_TRAINER_CHECKPOINT_INTERVAL_S": "2",
    "STREAMREC_HISTORY_CHECKPOINT_INTERVAL_S": "2",
    "STREAMREC_HISTORY_WINDOW": "1440",
    "STREAMREC_ATTRIBUTION_CHECKPOINT_INTERVAL_S": "2",
    "STREAMREC_ATTRIBUTION_SETTLE_S": "1",
    "STREAMREC_ATTRIBUTION_RESULTS_INTERVAL_S": "1",
}

DEFINITION = {"variants": [{"name": "a"}, {"name": "b"}], "control": "a", "primary": "ctr"}

N_USERS, N_ITEMS, N_HISTORY = 30, 40, 900


class PipedProcess(Process):
    """A process whose lines go through a pipe, as to a journal: a limit of its files is none of its log."""

    def start(self) -> "PipedProcess":
        self._process = subprocess.Popen(
            self._command,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        threading.Thread(target=self._copy, args=(self._process.stdout,), daemon=True).start()
        return self

    def _copy(self, said: Any) -> None:
        with said, self._log_path.open("ab", buffering=0) as log:
            for line in said:
                log.write(line)

    def end_whole(self) -> None:
        """End it and its workers at once, in whatever state they are."""
        if self._process is not None:
            workers = psutil.Process(self._process.pid).children(recursive=True)
            self.end(signal.SIGKILL)
            for worker in workers:
                with suppress(psutil.NoSuchProcess):
                    worker.kill()

    def limit_files(self, n_bytes: int | None) -> None:
        """Let no file of it grow beyond a size, as on a full disk; None: let them."""
        hard = resource.RLIM_INFINITY
        itself = psutil.Process(self.running.pid)
        for one in (itself, *itself.children(recursive=True)):
            resource.prlimit(one.pid, resource.RLIMIT_FSIZE, (hard if n_bytes is None else n_bytes, hard))


class Servers(NamedTuple):
    """The servers below, and the ways to them and to the index."""

    kafka: LocalServer
    mongodb: LocalServer
    redis: LocalServer


class System:
    """The whole system in a folder of its own, on real servers or on the embedded default.

    Attributes
    ----------
    ways
        By dependency: kafka, mongodb, redis, index.
    servers
        None on the embedded default.
    """

    def __init__(self, folder: Path, *, is_embedded: bool = False) -> None:
        self.folder = folder
        self._exits = ExitStack()
        self.ways: dict[str, Forwarder] = {}
        index_port = free_port()
        self.port = free_port()
        self.servers = None if is_embedded else self._start_servers()
        self._way_to("index", index_port)
        self.locations = self._files() if is_embedded else self._addresses()
        self.locations["STREAMREC_INDEX_URL"] = f"http://127.0.0.1:{self.ways['index'].port}"
        commands = {
            "index": gunicorn("faiss_server", index_port),
            "recommender": gunicorn("recommender_server", self.port),
            "trainer": python(str(ROOT / "incremental_training.py")),
            "bars": python("-m", "streamrec", "history"),
            "attribution": python("-m", "streamrec", "attribution"),
        }
        self.environment = _SETTINGS | self.locations
        self.processes = {
            name: PipedProcess(folder, name, command, self.environment) for name, command in commands.items()
        }
        self.index = Service(f"http://127.0.0.1:{index_port}")
        self.recommender = Service(f"http://127.0.0.1:{self.port}", timeout_s=60.0)

    def _files(self) -> dict[str, str]:
        names = ("events", "store", "cache")
        return {f"STREAMREC_{name.upper()}_URL": f"sqlite:///{self.folder}/{name}.db" for name in names}

    def _addresses(self) -> dict[str, str]:
        at = {name: f"127.0.0.1:{way.port}" for name, way in self.ways.items()}
        return {
            "STREAMREC_EVENTS_URL": f"kafka://{at['kafka']}",
            "STREAMREC_STORE_URL": f"mongodb://{at['mongodb']}/streamrec?directConnection=true",
            "STREAMREC_CACHE_URL": f"redis://{at['redis']}/0",
        }

    def _start_servers(self) -> Servers:
        # The broker sends its clients to the address that it advertises, which is that of the way to it.
        kafka_port = free_port()
        way = self._way_to("kafka", kafka_port)

        def arguments(port: int, _folder: Path) -> list[str]:
            listen, told = (f"tcp://127.0.0.1:{one}" for one in (port, way.port))
            return ["broker", "--silent", "--listener-url", listen, "--advertised-listener-url", told]

        kafka = LocalServer(KAFKA._replace(arguments=arguments), self.folder, kafka_port)
        # One that steps down is what a member left alone is: it answers, and takes no writes.
        mongodb = LocalServer(MONGODB, self.folder, extra=("--replSet", "rs"))
        servers = Servers(kafka, mongodb, LocalServer(REDIS, self.folder))
        for server in servers:
            server.start()
            self._exits.callback(server.stop)
        self._way_to("mongodb", mongodb.port)
        self._way_to("redis", servers.redis.port)
        return servers

    def _way_to(self, name: str, port: int) -> Forwarder:
        way = self.ways[name] = Forwarder(port)
        self._exits.callback(way.close)
        return way

    def mongodb(self) -> "pymongo.MongoClient[dict[str, Any]]":
        """Return a client that comes by no way of ours."""
        assert self.servers is not None
        return pymongo.MongoClient(self.servers.mongodb.url, directConnection=True)

    def redis(self) -> "redis.Redis":
        """Return a client that comes by no way of ours."""
        assert self.servers is not None
        return redis.Redis(port=self.servers.redis.port)

    def start(self) -> "System":
        """Make a first model, start all processes, and wait until they answer."""
        if self.servers is not None:
            with self.mongodb() as client:
                member = {"_id": 0, "host": f"127.0.0.1:{self.servers.mongodb.port}"}
                client.admin.command("replSetInitiate", {"_id": "rs", "members": [member]})
                eventually(lambda: client.admin.command("hello")["isWritablePrimary"])
        self._write_history()
        train = python(str(ROOT / "initial_training.py"), "--events", "clicks.csv")
        training = Process(self.folder, "training", train, self.environment).start()
        assert training.exit_code() in (0, 3), training.said()
        for process in self.processes.values():
            process.start()
        self._fill()
        return self

    def _fill(self) -> None:
        """Write what answers need: metadata, an experiment, and a value of each item that is asked for."""
        eventually(lambda: is_ready(self.index) and is_ready(self.recommender))
        for name in LOOPS:
            self.processes[name].wait_for_words("next_offsets")
        items = [{"item_id": f"i{n}", "title": f"film {n}", "categories": ["c0"]} for n in range(N_ITEMS)]
        self.recommender.call("PUT", "/v1/items", items)
        values = [
            {"user_id": f"s{n}", "item_id": f"i{n}", "value": 1.0, "timestamp": time.time()}
            for n in range(10)
        ]
        self.recommender.call("POST", "/v1/events", values)
        self.recommender.call("PUT", "/v1/experiments/alike", {**DEFINITION, "state": "running"})

    def _write_history(self) -> None:
        chance, now = random.Random(1), time.time()
        lines = ["user_id,item_id,timestamp"]
        for number in range(N_HISTORY):
            user, item = chance.randrange(N_USERS), min(int(chance.paretovariate(0.7)) - 1, N_ITEMS - 1)
            lines.append(f"u{user},i{item},{now - N_HISTORY + number}")
        (self.folder / "clicks.csv").write_text("\n".join(lines) + "\n")

    def end(self) -> None:
        """End all, those who learn first."""
        for name in (*LOOPS, "recommender", "index"):
            self.processes[name].end_whole()
        self._exits.close()
