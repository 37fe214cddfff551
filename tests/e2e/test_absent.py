"""Parts that are not there when ours start: each says which it waits for, and works once it has come."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from kafka import KafkaProducer

from streamrec.cli.launch.local_servers import KAFKA, KINDS, MONGODB, REDIS, LocalServer, free_port
from streamrec.cli.service_call import Service
from streamrec.ports import INTERACTIONS
from tests.conftest import REQUIRED
from tests.e2e.processes import ROOT, Process, answer_of, eventually, gunicorn, is_ready, python

MOST_TRIES = 40
"""With pauses that grow to some seconds, nobody tries so often while the test lasts."""


class Absent:
    """Our three processes, and the servers that they want, none of which runs at first."""

    def __init__(self, folder: Path, artifacts: Path) -> None:
        for kind in KINDS.values():
            if why_not := kind.why_not():
                (pytest.fail if REQUIRED else pytest.skip)(why_not)
        self.kafka, self.mongodb, self.redis = (
            LocalServer(kind, folder, free_port()) for kind in (KAFKA, MONGODB, REDIS)
        )
        index_port, recommender_port, health_port = free_port(), free_port(), free_port()
        self.environment = {
            "STREAMREC_EVENTS_URL": self.kafka.url,
            "STREAMREC_STORE_URL": self.mongodb.url,
            "STREAMREC_CACHE_URL": self.redis.url,
            "STREAMREC_INDEX_URL": f"http://127.0.0.1:{index_port}",
            "STREAMREC_ARTIFACTS_DIR": str(artifacts),
            "STREAMREC_TRAINER_HEALTH_ADDRESS": f"127.0.0.1:{health_port}",
        }
        commands = {
            "index": gunicorn("faiss_server", index_port),
            "recommender": gunicorn("recommender_server", recommender_port),
            "trainer": python(str(ROOT / "incremental_training.py")),
        }
        self.index, self.recommender, self.trainer = (
            Process(folder, name, command, self.environment) for name, command in commands.items()
        )
        self.index_service = Service(self.environment["STREAMREC_INDEX_URL"])
        self.recommender_service = Service(f"http://127.0.0.1:{recommender_port}")
        self.trainer_service = Service(f"http://127.0.0.1:{health_port}")

    @property
    def services(self) -> tuple[Service, ...]:
        return (self.index_service, self.recommender_service, self.trainer_service)

    def end(self) -> None:
        for process in (self.index, self.recommender, self.trainer):
            process.end()
        for server in (self.kafka, self.mongodb, self.redis):
            server.stop()


@pytest.fixture
def absent(tmp_path: Path, artifacts: Path) -> Iterator[Absent]:
    absent = Absent(tmp_path, artifacts)
    yield absent
    absent.end()


def is_live(service: Service) -> bool:
    return isinstance(answer_of(service, "/health/live"), dict)


def produce_one(servers: str) -> None:
    producer = KafkaProducer(bootstrap_servers=servers, acks="all")
    try:
        event = {"user_id": "patient", "item_id": "1"}
        producer.send(INTERACTIONS, json.dumps(event).encode(), b"patient").get(timeout=60)
    finally:
        producer.close()


def is_known(recommender: Service) -> bool:
    answer = answer_of(recommender, "/v1/recommendations?user_id=patient")
    return isinstance(answer, dict) and answer["based_on"] == "user_id" and not answer["degraded"]


def test_each_waits_for_what_is_missing_and_works_once_it_is_there(absent: Absent) -> None:
    for process in (absent.index, absent.recommender, absent.trainer):
        process.start()
    for variable in ("EVENTS_URL", "STORE_URL", "CACHE_URL", "INDEX_URL"):
        absent.recommender.wait_for_words("warning", absent.environment[f"STREAMREC_{variable}"])
    absent.trainer.wait_for_words("waiting_for_a_part", absent.mongodb.url)
    absent.index.wait_for_words("step_failed", absent.kafka.url)
    for service in absent.services:
        eventually(partial(is_live, service))
        assert "503" in answer_of(service, "/health/ready")

    absent.mongodb.start()
    absent.trainer.wait_for_words("waiting_for_a_part", absent.kafka.url)
    assert not any(is_ready(service) for service in absent.services)

    absent.kafka.start()
    absent.trainer.wait_for_words("cache_unavailable", absent.redis.url)
    eventually(lambda: is_ready(absent.index_service))
    assert not is_ready(absent.recommender_service)

    absent.redis.start()
    for service in absent.services:
        eventually(partial(is_ready, service))
    produce_one(absent.kafka.url.removeprefix("kafka://"))
    eventually(lambda: is_known(absent.recommender_service))
    for process in (absent.index, absent.recommender, absent.trainer):
        assert len(process.lines("warning", "127.0.0.1")) < MOST_TRIES
        assert "Traceback" not in process.said()


def test_an_initial_training_says_what_it_waits_for_before_it_trains(
    absent: Absent, tmp_path: Path, trained: Path
) -> None:
    options = ["--events", str(trained.parents[1] / "clicks.csv")]
    command = python(str(ROOT / "initial_training.py"), *options)
    training = Process(tmp_path, "training", command, absent.environment).start()
    try:
        training.wait_for_words("waiting_for_a_part", absent.mongodb.url)
    finally:
        training.end()
    assert "epoch" not in training.said()
