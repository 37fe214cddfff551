"""An installation without a codec, and records compressed with it: each process ends and says what lacks."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import Producer

from streamrec.adapters.opening import open_event_sink
from streamrec.cli.launch.local_servers import KAFKA, LocalServer, free_port
from streamrec.ports import COMMANDS, INTERACTIONS, ITEM_VECTORS, Message
from tests.conftest import running
from tests.e2e.processes import ROOT, Process, gunicorn, python

COMMANDS_OF = {
    "trainer": python(str(ROOT / "incremental_training.py")),
    "history": python("-m", "streamrec", "history"),
    "training": python(str(ROOT / "initial_training.py"), "--from-stream"),
    "index": gunicorn("faiss_server", free_port()),
    "doctor": python("-m", "streamrec", "doctor"),
}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[LocalServer]:
    yield from running(KAFKA, tmp_path)


def without_lz4(folder: Path) -> str:
    """Return a path on which the package can't be imported."""
    (folder / "lz4").mkdir()
    (folder / "lz4" / "__init__.py").write_text("raise ImportError('not installed')\n")
    return os.pathsep.join([str(folder), str(ROOT)])


def test_a_codec_that_is_missing_is_named_by_whoever_needs_it(
    broker: LocalServer, artifacts: Path, tmp_path: Path
) -> None:
    with closing(open_event_sink(broker.url)) as sink:
        sink.append(COMMANDS, [Message("nobody", b"{}")])
    producer = Producer({"bootstrap.servers": f"127.0.0.1:{broker.port}", "compression.type": "lz4"})
    for topic in (INTERACTIONS, ITEM_VECTORS):
        for number in range(20):
            producer.produce(topic, b'{"user_id": "z", "item_id": "i%d"}' % number, b"z")
        assert producer.flush(30) == 0
    environment = {
        "STREAMREC_EVENTS_URL": broker.url,
        "STREAMREC_ARTIFACTS_DIR": str(artifacts),
        "PYTHONPATH": without_lz4(tmp_path),
        "COLUMNS": "400",
    }
    started = []
    for name, command in COMMANDS_OF.items():
        folder = tmp_path / name
        folder.mkdir()
        started.append(Process(folder, name, command, environment).start())
    try:
        for process in started:
            assert process.exit_code() not in (0, None), process.name
            said = process.said()
            assert process.lines("lz4", "pip install lz4"), (process.name, said)
            assert not process.lines("kafka://", "does not answer"), (process.name, said)
            assert "Traceback" not in said, (process.name, said)
    finally:
        for process in started:
            process.end()
