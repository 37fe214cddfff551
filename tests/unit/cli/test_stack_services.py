import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streamrec.cli.launch.local_servers import KINDS, free_port
from streamrec.cli.launch.stack_services import CONFIGURATION, StackPorts, StackServices
from streamrec.errors import ConfigurationError, Unavailable
from tests.unit.cli.test_services import LINGERING, eventually, is_alive

PORTS = ("kafka_port", "mongodb_port", "redis_port", "recommender_port", "index_port", "index2_port")

LIKE_OURS = """
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile=%(here)s/../../var/stack/supervisord.pid
[unix_http_server]
file=%(here)s/../../var/stack/control.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""


def program(name: str, command: str, **options: str) -> str:
    lines = [f"[program:{name}]", f"command={command}", "redirect_stderr=true"]
    lines += [f"stdout_logfile=%(here)s/../../var/stack/log/{name}.log"]
    return "\n".join([*lines, *(f"{option}={value}" for option, value in options.items())]) + "\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    (tmp_path / CONFIGURATION).parent.mkdir(parents=True)
    (tmp_path / "lingering.py").write_text(LINGERING)
    return tmp_path


@pytest.fixture
def ports() -> StackPorts:
    return StackPorts.model_validate({name: free_port() for name in PORTS})


Write = Callable[[str], StackServices]


@pytest.fixture
def services_of(project: Path, ports: StackPorts) -> Iterator[Write]:
    """Make services of the programs in a configuration."""
    made: list[StackServices] = []

    def write(programs: str) -> StackServices:
        (project / CONFIGURATION).write_text(LIKE_OURS + programs)
        made.append(StackServices(ports))
        return made[-1]

    yield write
    for services in made:
        services.stop()


def test_places_are_those_of_the_ports(ports: StackPorts) -> None:
    locations = ports.locations()
    environment = StackServices(ports).environment
    assert locations.events_url == locations.vectors_url == f"kafka://127.0.0.1:{ports.kafka_port}"
    assert environment["STREAMREC_STORE_URL"] == f"mongodb://127.0.0.1:{ports.mongodb_port}"
    assert environment["STREAMREC_CACHE_URL"] == f"redis://127.0.0.1:{ports.redis_port}/0"
    assert environment["KAFKA_PORT"] == str(ports.kafka_port)


def test_places_are_those_of_the_stack_whatever_the_environment_says(
    ports: StackPorts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAMREC_EVENTS_URL", "sqlite:///elsewhere.db")
    monkeypatch.setenv("STREAMREC_CHANGELOG_URL", "sqlite:///elsewhere.db")
    assert ports.locations().vectors_url == f"kafka://127.0.0.1:{ports.kafka_port}"


@pytest.mark.parametrize("name", PORTS)
def test_each_port_that_is_taken_is_named_with_what_chooses_another(ports: StackPorts, name: str) -> None:
    port = getattr(ports, name)
    said = rf"port {port} .*{name.upper()}=\d+ make stack-local.*`make run`"
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(ConfigurationError, match=said),
    ):
        StackServices(ports).check_ports()


def test_the_configuration_knows_every_server_and_each_part_that_is_started() -> None:
    text = CONFIGURATION.read_text("utf-8")
    for name in (*KINDS, "index-1", "index-2", "recommender", "history", "trainer-1", "trainer-2"):
        assert f"[program:{name}]" in text


def test_a_part_that_is_killed_is_started_again(services_of: Write, project: Path) -> None:
    command = f"{sys.executable} {project}/lingering.py {project}/one 0"
    services = services_of(program("one", command, autorestart="true"))
    services.start()
    eventually((project / "one").exists)
    first = int((project / "one").read_text())
    (project / "one").unlink()
    subprocess.run(["kill", "-9", str(first)], check=True)
    eventually(lambda: (project / "one").exists() and bool((project / "one").read_text()))
    services.check()
    assert services.stop()
    assert not is_alive(project / "one")


def test_a_part_that_ends_for_good_is_shown_with_its_last_words(services_of: Write) -> None:
    script = "bash -c 'sleep 1.2; echo no model, no fun; exit 2'"
    services = services_of(program("short", script, autorestart="unexpected", exitcodes="2"))
    services.start()
    eventually(services.have_ended)
    with pytest.raises(Unavailable, match=r"short ended with exit code 2(.|\n)*no model, no fun"):
        services.check()


def test_a_killed_launcher_leaves_no_orphans(project: Path, ports: StackPorts) -> None:
    command = f"{sys.executable} {project}/lingering.py {project}/one 0"
    (project / CONFIGURATION).write_text(LIKE_OURS + program("one", command))
    code = (
        "import time; from streamrec.cli.launch.stack_services import StackPorts, StackServices\n"
        f"StackServices(StackPorts(**{ports.model_dump()!r})).start()\n"
        "time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as launcher:
        eventually(lambda: (project / "one").exists() and bool((project / "one").read_text()))
        launcher.kill()
    eventually((project / "one.ended").exists)
    eventually(lambda: not is_alive(project / "one"))


def test_parts_that_can_not_be_started_are_said(services_of: Write) -> None:
    services = services_of(program("other", "sleep 60"))
    services.start()
    eventually(Path("var/stack/control.sock").exists)
    with pytest.raises(Unavailable, match=r"index-1.*BAD_NAME.*supervisor\.log"):
        services.start_parts()


def test_a_folder_whose_path_is_too_long_for_a_socket_is_said(
    services_of: Write, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = services_of("")
    deep = project / ("x" * 100)
    deep.mkdir()
    monkeypatch.chdir(deep)
    with pytest.raises(ConfigurationError, match="move the project's folder"):
        services.start()
