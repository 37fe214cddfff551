"""Words and commands of `promote` and `rollback`; other tests tell how they are carried out."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from streamrec.adapters.files.roles import SnapshotRoles, set_challenger
from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.adapters.opening import open_event_source
from streamrec.cli.doctor.probes import probe_artifacts
from streamrec.domain.generations.roles import Promotion
from streamrec.ports import COMMANDS, Snapshot, VectorTable
from streamrec.wire import decode_command
from tests.builders import FIRST_LEASE
from tests.command_line import run

ARTIFACTS = Path("var/artifacts")


class Index:
    """Answers what it serves."""

    def __init__(self) -> None:
        self.stats: dict[str, Any] = {"generation": "old", "previous": [{"generation": "new"}]}
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps(index.stats).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    monkeypatch.chdir(tmp_path)
    table = VectorTable(["a"], np.ones((1, 2), np.float32))
    for generation in ("old", "new"):
        write_snapshot(ARTIFACTS, Snapshot(generation, table, table, {}, 1.0, {}))
    set_current(ARTIFACTS, "old")
    index = Index()
    monkeypatch.setenv("STREAMREC_INDEX_URL", index.url)
    yield index
    index.close()


def commands() -> list[tuple[str, str]]:
    source = open_event_source("sqlite:///var/events.db", [COMMANDS], "test")
    try:
        return [(decode_command(record.value or b"").name, record.key) for record in source.poll(100, 0.0)]
    finally:
        source.close()


def said(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    return " ".join((captured.out + captured.err).split())


def test_a_promotion_is_a_command_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    set_challenger(ARTIFACTS, "new")
    assert run("promote", "--wait-s", "0") == 0
    assert commands() == [("promote", "new")]
    assert "make new the champion instead of old" in said(capsys)


def test_it_waits_until_it_is_done_or_says_that_nobody_did_it(capsys: pytest.CaptureFixture[str]) -> None:
    set_challenger(ARTIFACTS, "new")
    assert run("promote", "new", "--wait-s", "0.2") == 2
    assert "not live after 0.2 s" in said(capsys)
    SnapshotRoles(ARTIFACTS).complete(Promotion("promote", "new", "old", at=1.0), FIRST_LEASE)
    assert run("rollback", "--wait-s", "0") == 0
    assert commands() == [("promote", "new"), ("rollback", "old")]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["promote"], "no challenger"),
        (["rollback"], "nothing to go back to"),
    ],
)
def test_what_can_not_be_done_is_not_even_asked(
    capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    assert run(*arguments) == 2
    assert reason in said(capsys)
    assert commands() == []


def test_a_generation_that_the_index_does_not_serve_is_promoted_on_demand_only(
    capsys: pytest.CaptureFixture[str], index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_challenger(ARTIFACTS, "new")
    index.stats = {"generation": "old", "previous": [], "loading_problem": "CorruptArtifact: torn"}
    assert run("promote") == 2
    assert "torn" in said(capsys)
    monkeypatch.setenv("STREAMREC_INDEX_URL", "http://127.0.0.1:9")
    assert run("promote") == 2
    assert commands() == []
    assert run("promote", "--unseen", "--wait-s", "0") == 0
    assert commands() == [("promote", "new")]


def test_the_doctor_says_who_challenges() -> None:
    assert "challenger" not in probe_artifacts(ARTIFACTS, least_free_bytes=0)
    set_challenger(ARTIFACTS, "new")
    assert probe_artifacts(ARTIFACTS, least_free_bytes=0).endswith("is whole; new is its challenger")
    SnapshotRoles(ARTIFACTS).begin(Promotion("promote", "new", "old", at=1.0), FIRST_LEASE)
    assert probe_artifacts(ARTIFACTS, least_free_bytes=0).endswith("new is being promoted")
