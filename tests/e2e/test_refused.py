"""Wrong credentials: each process ends with one line that says what refused it and what to correct."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from streamrec.cli.local_servers import KAFKA, KINDS, MONGODB, REDIS, LocalServer, free_port
from tests.conftest import REQUIRED
from tests.e2e.processes import ROOT, Process, gunicorn, python

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


def command_of(process: str, events: Path) -> list[str]:
    """Return what runs a process; the servers on free ports."""
    if process == "training":
        return python(str(ROOT / "initial_training.py"), "--events", str(events))
    if process == "trainer":
        return python(str(ROOT / "incremental_training.py"))
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
    started = {}
    for process, part in CASES:
        variable = f"STREAMREC_{part}_URL"
        folder = tmp_path / f"{process}-{part}"
        folder.mkdir()
        environment = {"STREAMREC_ARTIFACTS_DIR": str(artifacts), variable: guarded[variable]}
        command = command_of(process, trained.parents[1] / "clicks.csv")
        started[variable, process] = Process(folder, process, command, environment).start()
    try:
        for (variable, process), running in started.items():
            assert running.exit_code() not in (0, None), (process, variable)
            said = running.said()
            assert len(running.lines(variable)) == 1, (process, variable, said)
            assert "127.0.0.1:" in running.lines(variable)[0]
            assert SECRET not in said, (process, variable)
            assert "Traceback" not in said, (process, variable, said)
    finally:
        for running in started.values():
            running.end()
