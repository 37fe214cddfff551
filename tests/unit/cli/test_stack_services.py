import socket

import pytest

from streamrec.cli.launch.local_servers import KINDS, free_port
from streamrec.cli.launch.stack_services import StackPorts, StackServices, stack_parts
from streamrec.errors import ConfigurationError

PORTS = ("kafka_port", "mongodb_port", "redis_port", "recommender_port", "index_port", "index2_port")


@pytest.fixture
def ports() -> StackPorts:
    return StackPorts.model_validate({name: free_port() for name in PORTS})


def test_places_are_those_of_the_ports(ports: StackPorts) -> None:
    locations = ports.locations()
    environment = StackServices(ports).environment
    assert locations.events_url == locations.vectors_url == f"kafka://127.0.0.1:{ports.kafka_port}"
    assert environment["STREAMREC_STORE_URL"] == f"mongodb://127.0.0.1:{ports.mongodb_port}"
    assert environment["STREAMREC_CACHE_URL"] == f"redis://127.0.0.1:{ports.redis_port}/0"


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


def test_each_server_runs_and_what_writes_to_it_is_stopped_before_it(ports: StackPorts) -> None:
    stages = {part.name: part.stage for part in stack_parts(ports)}
    ours = {"index-1", "index-2", "recommender", "history", "attribution", "trainer-1", "trainer-2"}
    assert set(stages) == {*KINDS, *ours}
    assert max(stages[name] for name in KINDS) < min(stages[name] for name in ours)
    assert stages["index-1"] < stages["trainer-1"] < stages["recommender"]
