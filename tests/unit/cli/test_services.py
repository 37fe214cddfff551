import os
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest

from streamrec.cli.choices import PortSettings
from streamrec.cli.launch.introduction import what_to_try
from streamrec.cli.launch.own_keys import own_key
from streamrec.cli.launch.ports import Listener, check_port
from streamrec.cli.launch.services import Services, parts_of
from streamrec.cli.stopping import stopping_on_signals
from streamrec.cli.supervision import output as supervision_output
from streamrec.cli.supervision.part import Part
from streamrec.errors import ConfigurationError, Unavailable
from streamrec.settings.processes import LocationSettings
from tests.e2e.processes import eventually, left_by_a_killed

LASTING = 'echo "$0 hears $GREETING"; exec sleep 1000'
PORTS = PortSettings()


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GREETING", "hello")


def shell(name: str, script: str = LASTING) -> Part:
    return Part(name, ("bash", "-c", script, name))


@pytest.fixture
def services() -> Iterator[Services]:
    services = Services([shell("one"), shell("two")], Path("log/services.log"), PORTS)
    yield services
    services.stop()


def log_of(services: Services) -> str:
    return services.log_path.read_text() if services.log_path.exists() else ""


def test_all_start_with_the_environment_and_end(services: Services) -> None:
    services.start()
    eventually(lambda: log_of(services).count("hears hello") == 2)
    services.check()
    assert services.is_started
    assert services.stop()
    assert "two ended by SIGTERM" in log_of(services)
    assert services.stop()  # once more does no harm
    assert not list(Path("var").glob("*.sock"))


def test_the_log_of_the_run_before_is_kept(services: Services) -> None:
    services.log_path.parent.mkdir()
    services.log_path.write_text("before")
    services.start()
    assert services.log_path.with_name("services.log.1").read_text() == "before"


def test_a_log_that_grows_long_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision_output, "LONGEST_FILE", 1000)
    with closing(supervision_output.into_file(tmp_path / "services.log")) as write:
        for number in range(1000):
            write("one", f"line {number}")
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes.keys() == {"services.log", "services.log.1", "services.log.2"}
    assert max(sizes.values()) <= 1000
    assert "line 999" in (tmp_path / "services.log").read_text()


def test_a_part_that_keeps_ending_is_an_error_and_later_on_something_to_tell() -> None:
    parts = [shell("good"), shell("short", "echo no model, no fun; exit 3")]
    services = Services(parts, Path("log/services.log"), PORTS)
    services.start()
    try:
        error = services.cause_of(Unavailable("it does not answer"))
        assert "no model, no fun" in str(error)
        assert "services.log" in str(error)
        with pytest.raises(Unavailable, match="short ended with exit code 3"):
            services.check()
        assert "no model, no fun" in (services.new_trouble() or "")
        assert services.new_trouble() is None
        services.check()
    finally:
        assert services.stop()


def test_a_killed_launcher_leaves_no_orphans(tmp_path: Path) -> None:
    code = (
        "import time; from pathlib import Path\n"
        "from streamrec.cli.choices import PortSettings\n"
        "from streamrec.cli.launch.services import Services\n"
        "from streamrec.cli.supervision.part import Part\n"
        "Services([Part(name, ('sleep', '1000')) for name in 'ab'], Path('log'), PortSettings()).start()\n"
        "time.sleep(1000)"
    )
    assert not left_by_a_killed(code, tmp_path, n_started=2)


def test_a_taken_port_is_named_with_what_chooses_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"port {port} of the web .*: stop it, .*: X=1 make it"):
            check_port(Listener(port, "web", "X=1 make it"))
    check_port(Listener(port, "web", "X=1 make it"))


@pytest.mark.parametrize(
    ("bind", "words"),
    [("192.0.2.1", "no address"), ("no-such-host.invalid", "no address"), ("[::1:2:3]", "no address")],
)
def test_an_address_that_can_not_be_listened_on_is_one_line(bind: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as error:
        check_port(Listener(1, "web", "another", bind))
    assert "\n" not in str(error.value)


def test_requests_to_try_hold_a_key_where_one_is_asked_for_and_do_not_show_it(tmp_path: Path) -> None:
    path = tmp_path / "my keys"
    path.write_text("# those who may\n\n  s3cret\nanother\n")
    key = own_key(LocationSettings(api_keys_file=path))
    services = Services(parts_of(PORTS), Path("log"), PORTS, key)
    lines = [line for line in what_to_try(services, ["/v1/popular"], "i").splitlines() if " curl " in line]
    assert len(lines) == 3
    assert not [line for line in lines if "s3cret" in line or "X-API-Key" not in line]
    header = subprocess.run(
        ["bash", "-c", "printf '%s\\n' " + lines[0].removeprefix("  curl")], capture_output=True, check=True
    )
    assert header.stdout.split()[-2:] == [b"X-API-Key:", b"s3cret"]
    assert shlex.split(lines[1])[-1] == '{"user_id":"me","item_id":"i"}'
    assert services.recommender.api_key == "s3cret"


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "can't be read: No such file"), (b"# none\n", "holds none"), (b"\xff\xfe", "no text")],
)
def test_a_file_of_keys_that_lets_nobody_in_is_one_line(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=words):
        own_key(LocationSettings(api_keys_file=path))


def test_an_admin_key_is_chosen_where_others_may_not_change_items(tmp_path: Path) -> None:
    for name in ("keys", "admins"):
        (tmp_path / name).write_text(f"one-of-{name}\n")
    settings = LocationSettings(api_keys_file=tmp_path / "keys", admin_keys_file=tmp_path / "admins")
    key = own_key(settings)
    assert key is not None
    assert key.key == "one-of-admins"


def test_a_key_with_scopes_is_shown_without_them(tmp_path: Path) -> None:
    path = tmp_path / "my keys"
    path.write_text("reader read\nroot admin\n")
    key = own_key(LocationSettings(api_keys_file=path))
    assert key is not None
    shown = subprocess.run(["sh", "-c", f'printf %s "{key.shown}"'], capture_output=True, check=True)
    assert (key.key, shown.stdout) == ("root", b"root")


def test_where_no_key_may_load_items_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("reader read\n")
    with pytest.raises(ConfigurationError, match="scope admin"):
        own_key(LocationSettings(api_keys_file=path))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_a_wish_while_the_block_runs(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stopping_on_signals() as wish:
        assert not wish()
        os.kill(os.getpid(), number)
        wish.sleep(120.0)  # ends at once
        assert wish()
    assert signal.getsignal(number) is before


def test_more_signals_are_a_wish_and_one_more_hurries() -> None:
    before, hurried = signal.getsignal(signal.SIGUSR1), Event()
    with stopping_on_signals(signal.SIGUSR1, again=hurried.set) as wish:
        signal.raise_signal(signal.SIGUSR1)
        wish.sleep(120.0)
        assert wish()
        assert not hurried.is_set()
        signal.raise_signal(signal.SIGTERM)
        assert hurried.wait(120.0)
    assert signal.getsignal(signal.SIGUSR1) is before
