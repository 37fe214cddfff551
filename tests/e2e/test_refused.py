"""Settings that no waiting mends: each process ends with one line that says what is wrong and what to do."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import redis

from streamrec.cli.launch.local_servers import KAFKA, KINDS, MONGODB, REDIS, LocalServer, free_port
from tests.conftest import REQUIRED
from tests.e2e.processes import ROOT, Process, eventually, gunicorn, python

SECRET = "a-secret-word"

GUARDS = {MONGODB: ("--auth",), REDIS: ("--requirepass", "another"), KAFKA: ("--authentication",)}


class Refusal(NamedTuple):
    """A process, the setting that brings it the wrong password, and the server that refuses it."""

    process: str
    variable: str
    url: str


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Servers that let nobody in without a password, by the setting that names each, with a wrong one."""
    for kind in KINDS.values():
        if why_not := kind.why_not():
            (pytest.fail if REQUIRED else pytest.skip)(why_not)
    servers = {kind: LocalServer(kind, tmp_path, extra=extra).start() for kind, extra in GUARDS.items()}
    at = {kind: f"127.0.0.1:{server.port}" for kind, server in servers.items()}
    scram = "security_protocol=SASL_PLAINTEXT&sasl_mechanism=SCRAM-SHA-256"
    yield {
        "STREAMREC_STORE_URL": f"mongodb://me:{SECRET}@{at[MONGODB]}/streamrec?authSource=admin",
        "STREAMREC_CACHE_URL": f"redis://:{SECRET}@{at[REDIS]}/0",
        "STREAMREC_EVENTS_URL": f"kafka://me:{SECRET}@{at[KAFKA]}?{scram}",
    }
    for server in servers.values():
        server.stop()


@pytest.fixture
def cluster(redis_server: LocalServer, tmp_path: Path) -> Iterator[str]:
    """The URL of a Redis in cluster mode, which holds all slots."""
    assert redis_server.port  # else this test is skipped, too
    server = LocalServer(REDIS, tmp_path, extra=("--cluster-enabled", "yes")).start()
    with redis.Redis(port=server.port) as node:
        node.execute_command("CLUSTER", "ADDSLOTS", *range(16384))
        eventually(lambda: b"cluster_state:ok" in node.execute_command("CLUSTER", "INFO"))
    yield f"{server.url}/0"
    server.stop()


def command_of(process: str, events: Path) -> list[str]:
    """Return what runs a process; the servers on free ports."""
    if process == "training":
        return python(str(ROOT / "initial_training.py"), "--events", str(events))
    if process == "trainer":
        return python(str(ROOT / "incremental_training.py"))
    if process in ("history", "doctor"):
        return python("-m", "streamrec", process)
    return gunicorn({"index": "faiss_server", "recommender": "recommender_server"}[process], free_port())


CASES = [
    *(("trainer", part) for part in ("STORE", "CACHE", "EVENTS")),
    *(("recommender", part) for part in ("STORE", "CACHE", "EVENTS")),
    ("index", "EVENTS"),
    ("training", "STORE"),
]


def test_a_wrong_password_ends_a_process_with_one_line(
    guarded: dict[str, str], artifacts: Path, trained: Path, tmp_path: Path
) -> None:
    refusals = [
        Refusal(process, f"STREAMREC_{part}_URL", guarded[f"STREAMREC_{part}_URL"]) for process, part in CASES
    ]
    for said in last_words(refusals, artifacts, trained, tmp_path):
        assert "127.0.0.1:" in said


def test_a_file_that_is_not_there_and_a_cluster_end_a_process_with_one_line(
    cluster: str, artifacts: Path, trained: Path, tmp_path: Path
) -> None:
    store, cache = "STREAMREC_STORE_URL", "STREAMREC_CACHE_URL"
    no_file = {
        store: f"mongodb://me:{SECRET}@127.0.0.1/streamrec?tls=true&tlsCAFile=/no/ca.pem",
        cache: f"rediss://:{SECRET}@127.0.0.1/0?ssl_certfile=/no/ca.pem",
    }
    refusals = [Refusal(process, variable, no_file[variable]) for process, variable in (
        ("trainer", store), ("training", cache), ("history", store), ("recommender", cache), ("doctor", store)
    )]  # fmt: skip
    refusals += [
        Refusal(process, cache, cluster) for process in ("trainer", "history", "recommender", "doctor")
    ]
    lines = last_words(refusals, artifacts, trained, tmp_path)
    for refusal, said in zip(refusals, lines, strict=True):
        assert ("in cluster mode" if refusal.url == cluster else "'/no/ca.pem' is not there") in said


def test_a_service_that_anybody_could_use_from_elsewhere_ends_with_one_line(tmp_path: Path) -> None:
    for service in ("recommender", "index"):
        command = [*command_of(service, tmp_path), "--bind", f"0.0.0.0:{free_port()}"]
        running = Process(tmp_path, service, command, {}).start()
        try:
            assert running.exit_code() == 3
        finally:
            running.end()
        (line,) = running.lines("without keys")
        assert '"event":"refused"' in line
        assert "STREAMREC_ALLOW_OPEN=1" in line
        assert "Traceback" not in running.said()


def last_words(refusals: Sequence[Refusal], artifacts: Path, trained: Path, folder: Path) -> list[str]:
    """Start all, and return of each the one line that names the variable; see that it ended in good order."""
    started: dict[Refusal, Process] = {}
    for refusal in refusals:
        own = folder / f"{refusal.process}-{refusal.variable}-{len(started)}"
        own.mkdir()
        environment = {
            "STREAMREC_ARTIFACTS_DIR": str(artifacts),
            refusal.variable: refusal.url,
            "COLUMNS": "400",
        }
        command = command_of(refusal.process, trained.parents[1] / "clicks.csv")
        started[refusal] = Process(own, refusal.process, command, environment).start()
    lines = []
    try:
        for refusal, running in started.items():
            assert running.exit_code() not in (0, None), refusal
            said = running.said()
            assert len(running.lines(refusal.variable)) == 1, (refusal, said)
            assert SECRET not in said, refusal
            assert "Traceback" not in said, (refusal, said)
            lines += running.lines(refusal.variable)
    finally:
        for running in started.values():
            running.end()
    return lines
