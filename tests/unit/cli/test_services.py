import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from streamrec.cli.choices import PortSettings
from streamrec.cli.launch.services import Services, check_port, shorten
from streamrec.cli.stopping import stopping_on_signals
from streamrec.errors import ConfigurationError, Unavailable

ROOT = Path(__file__).parents[3]

# Says its process id, and on SIGTERM takes a moment to end, as the trainer does.
LINGERING = """
import os, signal, sys, time
def end(*_):
    time.sleep(float(sys.argv[2]))
    open(sys.argv[1] + ".ended", "w").close()
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("listening", os.environ.get("GREETING"), flush=True)
open(sys.argv[1], "w").write(str(os.getpid()))
while True:
    time.sleep(0.05)
"""


@pytest.fixture(autouse=True)
def _modules_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def eventually(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid_file: Path) -> bool:
    try:
        state = Path(f"/proc/{pid_file.read_text()}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def ends_with(path: Path, text: str) -> bool:
    return path.read_text().endswith(text)


@pytest.fixture
def procfile(tmp_path: Path) -> Path:
    (tmp_path / "lingering.py").write_text(LINGERING)
    script = f"exec {sys.executable} {tmp_path}/lingering.py {tmp_path}"
    path = tmp_path / "Procfile"
    path.write_text(f"# two of a kind\none: {script}/one 0.3\ntwo: {script}/two 0\n")
    return path


@pytest.fixture
def services(procfile: Path, tmp_path: Path) -> Iterator[Services]:
    services = Services(procfile, tmp_path / "log" / "services.log", PortSettings())
    yield services
    services.stop()


def both_run(folder: Path) -> bool:
    return all((folder / name).exists() and (folder / name).read_text() for name in ("one", "two"))


def test_all_start_with_the_environment_and_end_in_their_own_time(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREETING", "hello")
    services.start()
    eventually(lambda: both_run(tmp_path))
    services.check()
    assert services.stop()
    assert (tmp_path / "one.ended").exists()
    assert (tmp_path / "two.ended").exists()
    assert not is_alive(tmp_path / "one")
    log = services.log_path.read_text()
    assert log.count("listening hello") == 2
    assert services.stop()  # once more does no harm


def test_a_wish_to_stop_in_the_midst_of_starting_leaves_nothing_behind(
    services: Services, tmp_path: Path
) -> None:
    services.start()
    eventually(lambda: "one" in services.log_path.read_text() or (tmp_path / "one").exists())
    assert services.stop()
    assert "Traceback" not in services.log_path.read_text()
    assert not is_alive(tmp_path / "one")
    assert not is_alive(tmp_path / "two")


def test_when_one_ends_the_others_are_stopped_and_the_log_is_shown(
    services: Services, tmp_path: Path, procfile: Path
) -> None:
    procfile.write_text(procfile.read_text() + "short: sleep 0.5; echo no model, no fun; exit 3\n")
    services.start()

    def has_ended() -> bool:
        try:
            services.check()
        except Unavailable as error:
            assert "no model, no fun" in str(error)
            assert "services.log" in str(error)
            return True
        return False

    eventually(has_ended)
    eventually(lambda: not is_alive(tmp_path / "one") and not is_alive(tmp_path / "two"))


def test_a_killed_launcher_leaves_no_orphans(procfile: Path, tmp_path: Path) -> None:
    code = (
        "import time; from pathlib import Path\n"
        "from streamrec.cli.launch.services import PortSettings, Services\n"
        f"Services(Path({str(procfile)!r}), Path({str(tmp_path / 'log')!r}), PortSettings()).start()\n"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as launcher:
        eventually(lambda: both_run(tmp_path))
        launcher.kill()
    eventually(lambda: (tmp_path / "one.ended").exists() and (tmp_path / "two.ended").exists())
    eventually(lambda: not is_alive(tmp_path / "one"))


def test_the_log_of_the_run_before_is_kept(services: Services, tmp_path: Path) -> None:
    services.log_path.parent.mkdir()
    services.log_path.write_text("before")
    services.start()
    assert services.log_path.with_name("services.log.1").read_text() == "before"


def test_no_procfile_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="leave out --procfile"):
        Services(tmp_path / "Procfile", tmp_path / "log", PortSettings()).start()


def test_a_taken_port_is_named_with_the_variable_that_chooses_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"port {port} of the web.*X_PORT={port + 1} make"):
            check_port(port, "web", "X_PORT")
    check_port(port, "web", "X_PORT")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_a_wish_while_the_block_runs(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stopping_on_signals() as wish:
        assert not wish()
        os.kill(os.getpid(), number)
        wish.sleep(30.0)  # ends at once
        assert wish()
    assert signal.getsignal(number) is before


@pytest.mark.nightly
def test_the_trainer_has_time_to_learn_its_tail(services: Services, procfile: Path, tmp_path: Path) -> None:
    procfile.write_text(procfile.read_text().replace("one 0.3", "one 7"))
    services.start()
    eventually(lambda: both_run(tmp_path))
    assert services.stop()
    assert (tmp_path / "one.ended").exists()


def test_a_log_that_has_grown_long_is_begun_anew_while_its_writer_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    shorten(path, 1000)  # nothing was written yet
    with path.open("ab") as log:
        writing = "import sys\nfor line in sys.stdin:\n    print(line, end='', flush=True)"
        writer = subprocess.Popen([sys.executable, "-c", writing], stdin=subprocess.PIPE, stdout=log)
    assert writer.stdin is not None
    try:
        for number in range(300):
            writer.stdin.write(f"line {number}\n".encode())
            writer.stdin.flush()
            eventually(partial(ends_with, path, f"line {number}\n"))
            shorten(path, 1000)
            assert path.stat().st_size <= 1000
            if not path.stat().st_size:
                assert path.with_name("run.log.1").read_text().endswith(f"line {number}\n")
    finally:
        writer.stdin.close()
        writer.wait()
    assert path.with_name("run.log.1").stat().st_size <= 1010
