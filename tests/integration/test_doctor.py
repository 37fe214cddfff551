"""The doctor over real adapters and services: all well, and then each part broken in turn."""

import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.adapters.opening import open_event_source
from streamrec.cli.app import main
from streamrec.cli.choices import PortSettings
from streamrec.cli.doctor.probes import probe_artifacts
from streamrec.cli.launch.first_answer import wait_until_ready
from streamrec.cli.launch.local_servers import free_port
from streamrec.cli.launch.services import Services, parts_of
from streamrec.cli.stopping import StopWish
from streamrec.errors import Unavailable
from streamrec.ports import INTERACTIONS, PROBES, Snapshot, VectorTable

ROOT = Path(__file__).parents[2]
GENERATION = "g1"


@dataclass(frozen=True)
class House:
    """Where a whole installation lives, and the variables that say so."""

    folder: Path
    index_port: int
    recommender_port: int

    def environment(self) -> dict[str, str]:
        return {
            "STREAMREC_EVENTS_URL": f"sqlite:///{self.folder}/events.db",
            "STREAMREC_STORE_URL": f"sqlite:///{self.folder}/store.db",
            "STREAMREC_CACHE_URL": f"sqlite:///{self.folder}/cache.db",
            "STREAMREC_ARTIFACTS_DIR": str(self.folder / "artifacts"),
            "STREAMREC_INDEX_URL": f"http://127.0.0.1:{self.index_port}",
            "INDEX_PORT": str(self.index_port),
            "RECOMMENDER_PORT": str(self.recommender_port),
            "PYTHONPATH": str(ROOT),
        }


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    house = House(folder, free_port(), free_port())
    table = VectorTable(["a", "b"], np.eye(2, 3, dtype=np.float32))
    write_snapshot(folder / "artifacts", Snapshot(GENERATION, table, table, {}, 0.0, {}))
    set_current(folder / "artifacts", GENERATION)
    ports = PortSettings(recommender_port=house.recommender_port, index_port=house.index_port)
    parts = [part for part in parts_of(ports) if part.name != "trainer"]
    services = Services(parts, folder / "services.log", ports)
    with pytest.MonkeyPatch.context() as variables:
        for name, value in house.environment().items():
            variables.setenv(name, value)
        services.start()
    try:
        wait_until_ready(services, StopWish(), 60.0)
        yield house
    finally:
        services.stop()


@pytest.fixture
def variables(house: House, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in house.environment().items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def ask(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, str]]:
    """Return the doctor's exit code, and what it says of each part."""
    with pytest.raises(SystemExit) as exited:
        main(["doctor", *options])
    return int(exited.value.code or 0), by_part(capsys.readouterr().out)


def by_part(said: str) -> dict[str, str]:
    return {line[:12].strip(): line[12:] for line in said.splitlines()}


def broken(said: Mapping[str, str]) -> set[str]:
    return {part for part, line in said.items() if line.startswith("BAD")}


def test_all_is_well_and_no_probe_stays(
    variables: pytest.MonkeyPatch, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = ask(capsys)
    assert (code, broken(said)) == (0, set()), said
    assert list(said) == [
        "settings", "events", "changelog", "store", "cache", "artifacts", "index", "recommender",
    ]  # fmt: skip
    assert "generation g1 with 2 items is whole" in said["artifacts"]
    assert "answers a search" in said["index"]
    source = open_event_source(house.environment()["STREAMREC_EVENTS_URL"], [INTERACTIONS, PROBES], "test")
    assert [(record.topic, record.value) for record in source.poll(100, 0.0)] == [(PROBES, None)]
    source.close()
    assert not [path for path in (house.folder / "artifacts").iterdir() if "doctor" in path.name]


@pytest.mark.parametrize("part", ["events", "changelog", "store", "cache"])
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("pigeon://loft", ["'pigeon://loft'", "use sqlite:///", "correct STREAMREC_{}_URL"]),
        ("sqlite://no/file", ["sqlite:///", "correct STREAMREC_{}_URL"]),
        ("sqlite:////dev/null/x/file.db", ["/dev/null/x", "its folder can be written", "STREAMREC_{}_URL"]),
        ("sqlite:///{folder}/text.db", ["not a database", "move the file away"]),
    ],
)
def test_a_place_that_cannot_be_used(
    part: str,
    url: str,
    words: list[str],
    variables: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "text.db").write_text("This is a shopping list, and no database at all. " * 100)
    variables.setenv(f"STREAMREC_{part.upper()}_URL", url.format(folder=tmp_path))
    if part == "events":
        variables.setenv("STREAMREC_CHANGELOG_URL", f"sqlite:///{tmp_path}/changelog.db")
    code, said = ask(capsys, "--skip", "index", "--skip", "recommender")
    assert (code, broken(said)) == (1, {part})
    for word in words:
        assert word.format(part.upper()) in said[part]


@pytest.mark.parametrize(
    ("part", "url", "advice"),
    [
        ("events", "kafka://h?security_protocol=SSL&ssl_cafile=/no/ca.pem", "correct {}, or what it names"),
        ("events", "kafka://127.0.0.1:9", "the server runs and can be reached"),
        ("cache", "redis://127.0.0.1:9/0", "the server runs and can be reached"),
        ("cache", "redis://[::1]:9/0", "the server runs and can be reached"),
        ("store", "mongodb://127.0.0.1:9/streamrec", "the server runs and can be reached"),
    ],
)
def test_the_advice_fits_the_part(
    part: str, url: str, advice: str, variables: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    variable = f"STREAMREC_{part.upper()}_URL"
    variables.setenv(variable, url)
    code, said = ask(capsys, "--skip", "index", "--skip", "recommender")
    assert (code, broken(said)) == (1, {"events", "changelog"} if part == "events" else {part})
    for name in broken(said):
        # The changelog is where the events are, and no variable of its own says so.
        assert advice.format(variable) in said[name]
        assert variable in said[name]
        assert "CHANGELOG_URL" not in said[name]
        assert "folder" not in said[name]


def test_a_folder_of_artifacts_that_cannot_be_written(
    variables: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    variables.setenv("STREAMREC_ARTIFACTS_DIR", "/dev/null/artifacts")
    code, said = ask(capsys)
    assert (code, broken(said)) == (1, {"artifacts"})
    assert "can't be written: Not a directory" in said["artifacts"]
    assert "STREAMREC_ARTIFACTS_DIR" in said["artifacts"]


def test_too_little_room_for_the_next_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"only [\d.]+ GB of disk are free"):
        probe_artifacts(tmp_path, least_free_bytes=10**18)


def test_a_damaged_snapshot(
    variables: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = VectorTable(["a"], np.ones((1, 3), np.float32))
    write_snapshot(tmp_path, Snapshot("g9", table, table, {}, 0.0, {}))
    set_current(tmp_path, "g9")
    vectors = tmp_path / "g9" / "item_embeddings.npy"
    vectors.write_bytes(vectors.read_bytes()[:-1] + b"!")
    variables.setenv("STREAMREC_ARTIFACTS_DIR", str(tmp_path))
    code, said = ask(capsys)
    assert (code, broken(said)) == (1, {"artifacts"})
    assert "item_embeddings.npy" in said["artifacts"]
    assert "run initial_training.py for a new generation" in said["artifacts"]


def test_a_full_disk(house: House, tmp_path: Path) -> None:
    """A limit on the size of files stands in for it: every write fails, as it would there."""
    environment = house.environment() | {
        f"STREAMREC_{part}_URL": f"sqlite:///{tmp_path}/{part}.db"
        for part in ("EVENTS", "CHANGELOG", "STORE", "CACHE")
    }
    command = [sys.executable, "-B", "-m", "streamrec", "doctor", "--skip", "index", "--skip", "recommender"]
    found = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    )
    said = by_part(found.stdout)
    assert (found.returncode, broken(said)) == (1, {"events", "changelog", "store", "cache", "artifacts"})
    for part in ("events", "changelog", "store", "cache"):
        assert "free space" in said[part]
        assert "its disk has room" in said[part]
    assert "File too large" in said["artifacts"]


@pytest.mark.parametrize(
    ("variable", "part"), [("STREAMREC_INDEX_URL", "index"), ("RECOMMENDER_PORT", "recommender")]
)
def test_a_service_that_is_not_there(
    variable: str, part: str, variables: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    variables.setenv(variable, str(port) if variable.endswith("PORT") else f"http://127.0.0.1:{port}")
    code, said = ask(capsys)
    assert (code, broken(said)) == (1, {part})
    assert "Connection refused" in said[part]
    assert "make run" in said[part]
    assert variable in said[part]


def test_something_else_behind_the_port(
    variables: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Silent(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Silent) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        variables.setenv("STREAMREC_INDEX_URL", f"http://127.0.0.1:{server.server_port}")
        code, said = ask(capsys)
        server.shutdown()
        thread.join()
    assert (code, broken(said)) == (1, {"index"})
    assert "something else listens there" in said["index"]


def test_the_wrong_one_of_our_services(
    variables: pytest.MonkeyPatch, house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    variables.setenv("STREAMREC_INDEX_URL", f"http://127.0.0.1:{house.recommender_port}")
    code, said = ask(capsys)
    assert (code, broken(said)) == (1, {"index"})
    assert "STREAMREC_INDEX_URL" in said["index"]


def test_statsd(variables: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
        statsd.bind(("127.0.0.1", 0))
        statsd.settimeout(60.0)
        port = statsd.getsockname()[1]
        variables.setenv("STREAMREC_STATSD_URL", f"statsd://127.0.0.1:{port}")
        code, said = ask(capsys)
        assert (code, broken(said)) == (0, set())
        assert b"streamrec.doctor.probes:1|c" in statsd.recv(100)
    time.sleep(0.01)
    for url, words in (
        (f"statsd://127.0.0.1:{port}", "Connection refused"),
        ("http://127.0.0.1:8125", "statsd://host:8125"),
    ):
        variables.setenv("STREAMREC_STATSD_URL", url)
        code, said = ask(capsys)
        assert (code, broken(said)) == (1, {"statsd"})
        assert words in said["statsd"]


def test_api_keys(variables: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = tmp_path / "keys"
    variables.setenv("STREAMREC_API_KEYS_FILE", str(keys))
    for content, words in ((None, "can't be read"), ("\n# none yet\n", "holds none")):
        if content is not None:
            keys.write_text(content)
        code, said = ask(capsys)
        assert (code, broken(said)) == (1, {"api keys"})
        assert words in said["api keys"]
        assert "STREAMREC_API_KEYS_FILE" in said["api keys"]
    keys.write_text("# ours\nsecret\n")
    assert ask(capsys)[0] == 0


@pytest.mark.parametrize("variable", ["STREAMREC_TRAINER_MAX_BATCH", "STREAMREC_HISTORY_WINDOW"])
def test_settings_that_cannot_be_read(
    variables: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str
) -> None:
    variables.setenv(variable, "many")
    code, said = ask(capsys)
    assert (code, list(said)) == (1, ["settings"])
    assert variable in said["settings"]
