"""What can be said of docker-compose.yml without an engine."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from streamrec.settings.processes import LocationSettings
from tests.deploy.compose_file import ROOT, load, services
from tests.deploy.docker_file import stages
from tests.deploy.retention import RETENTION

WHOLE = load()
SERVICES = services()
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
ONE_SHOT = {"initial-training", "items", "replay", "tests"}
CONFINED = {name: service for name, service in SERVICES.items() if service.get("read_only")}


def test_it_is_a_compose_file() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    command: list[str | Path] = [checker, "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_all_parts_are_there() -> None:
    always = {name for name, service in SERVICES.items() if "profiles" not in service}
    assert always == {
        "kafka", "mongo", "redis", "initial-training", "trainer", "history", "attribution", "index",
        "recommender", "load-balancer", "statsd-exporter", "graphite", "prometheus", "grafana",
    }  # fmt: skip
    assert SERVICES["items"]["profiles"] == SERVICES["replay"]["profiles"] == ["demo"]
    assert SERVICES["tests"]["profiles"] == ["test"]


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_open_to_this_machine_alone(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


def test_no_two_ports_are_one() -> None:
    ports = [port.split(":")[1] for service in SERVICES.values() for port in service.get("ports", [])]
    assert sorted(ports) == sorted(set(ports))


@pytest.mark.parametrize("name", SERVICES)
def test_limits_restart_and_logs_are_set(name: str) -> None:
    service = SERVICES[name]
    limits = service["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) > 0
    assert re.fullmatch(r"\d+[mg]", limits["memory"])
    assert service["restart"] == "unless-stopped" or name in ONE_SHOT
    assert service["logging"]["options"]["max-size"]
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONE_SHOT))
def test_every_service_has_a_health_check(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    in_image = stages()[SERVICES[name]["build"]["target"]].healthcheck if "build" in SERVICES[name] else None
    assert check.get("test") or in_image
    assert {"interval", "timeout", "start_period", "start_interval", "retries"} <= set(check)


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    service = SERVICES[name]
    if "build" in service:
        assert service["build"]["target"] in stages()
    else:
        assert re.search(r":v?\d+\.\d+\.\d+", service["image"])


@pytest.mark.parametrize("name", sorted(set(OURS) - {"tests"}))
def test_our_containers_may_do_nothing_special(name: str) -> None:
    assert OURS[name]["read_only"] is True
    assert OURS[name]["cap_drop"] == ["ALL"]
    assert OURS[name]["init"] is True


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_waited_for_can_come_to_pass(name: str) -> None:
    for other, wanted in SERVICES[name].get("depends_on", {}).items():
        expected = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
        assert wanted == {"condition": expected}
        assert SERVICES[other].get("profiles", ["demo"]) == [
            "demo"
        ]  # else it would wait for what is not started


def test_nobody_waits_in_a_circle() -> None:
    started: set[str] = set()
    while waiting := set(SERVICES) - started:
        able = {name for name in waiting if set(SERVICES[name].get("depends_on", {})) <= started}
        assert able, f"these wait for one another: {waiting}"
        started |= able


@pytest.mark.parametrize("name", SERVICES)
def test_everything_named_exists(name: str) -> None:
    service = SERVICES[name]
    assert set(service["networks"]) <= set(WHOLE["networks"])
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        assert (ROOT / source).exists() if source.startswith(".") else source in WHOLE["volumes"]


@pytest.mark.parametrize("name", OURS)
def test_every_url_leads_to_a_service_that_is_within_reach(name: str) -> None:
    for value in map(str, OURS[name].get("environment", {}).values()):
        for host in re.findall(r"^\w+://(?:[^@/]*@)?([\w-]+):\d+", value):
            assert set(SERVICES[host]["networks"]) & set(OURS[name]["networks"]), f"{name} can't reach {host}"


@pytest.mark.parametrize("name", sorted(set(OURS) - {"tests"}))
def test_our_settings_are_settings(name: str) -> None:
    known = (
        {f"STREAMREC_{field}".upper() for field in LocationSettings.model_fields}
        | RETENTION.keys()
        | {"HISTORY"}
    )
    assert set(OURS[name].get("environment", {})) <= known


def test_data_flows_as_designed() -> None:
    """The index sees no store; the stores see nothing but who needs them; only the balancer faces outside."""
    on_stores = {name for name, service in SERVICES.items() if "stores" in service["networks"]}
    writers = {"initial-training", "trainer", "challenger", "history", "attribution"}
    assert on_stores == {"mongo", "redis", "recommender"} | writers
    assert all(WHOLE["networks"][net].get("internal") for net in ("log", "stores", "serving", "metrics"))
    for name in ("trainer", "index", "recommender"):
        assert "outside" not in SERVICES[name]["networks"]
        assert "ports" not in SERVICES[name]  # else a second replica could not start
    assert [volume for volume in SERVICES["index"]["volumes"] if not volume.endswith(":ro")] == []


def test_what_is_watched_from_is_within_reach() -> None:
    """Names and ports in the files of Grafana and Prometheus are those of services that share a network."""
    sources = (ROOT / "deploy/grafana/provisioning/datasources/datasources.yml").read_text("utf-8")
    targets = (ROOT / "deploy/prometheus/prometheus.yml").read_text("utf-8")
    reached = [("grafana", *pair) for pair in re.findall(r"url: http://([\w-]+):(\d+)", sources)]
    reached += [("prometheus", *pair) for pair in re.findall(r'"([\w-]+):(\d+)"', targets)]
    assert len(reached) >= 3
    for asking, host, port in reached:
        assert set(SERVICES[asking]["networks"]) & set(SERVICES[host]["networks"])
        assert f":{port}" in str([SERVICES[host].get("ports"), SERVICES[host]["healthcheck"]["test"]])


def test_there_is_no_password() -> None:
    texts = [path.read_text("utf-8") for path in (ROOT / "docker-compose.yml", ROOT / ".env.example")]
    for text in texts:
        assert not re.search(r"(?i)(password|secret|token)\w*[=:][ \t]*(?!\$\{|&)[\w\"']", text)
    assert not (ROOT / ".env").exists() or ".env" in (ROOT / ".gitignore").read_text()


def test_a_password_is_asked_for_and_given_where_one_is_set() -> None:
    guarded = services({"MONGO_PASSWORD": "abc", "REDIS_PASSWORD": "def"})
    for name in ("trainer", "recommender", "initial-training"):
        environment = guarded[name]["environment"]
        assert (
            environment["STREAMREC_STORE_URL"]
            == "mongodb://streamrec:abc@mongo:27017/streamrec?authSource=admin"
        )
        assert environment["STREAMREC_CACHE_URL"] == "redis://:def@redis:6379/0"
    assert guarded["mongo"]["environment"]["MONGO_INITDB_ROOT_USERNAME"] == "streamrec"
    assert guarded["mongo"]["environment"]["MONGO_INITDB_ROOT_PASSWORD"] == "abc"
    assert guarded["redis"]["command"][-2:] == ["--requirepass", "def"]


def test_example_settings_are_settings() -> None:
    used = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text("utf-8")))
    lines: list[str] = (ROOT / ".env.example").read_text("utf-8").splitlines()
    shown = {match[1] for line in lines if (match := re.match(r"#(\w+)=", line))}
    assert shown == used


def test_counts_of_replicas_can_be_chosen() -> None:
    scaled: dict[str, dict[str, Any]] = services({"RECOMMENDERS": "3", "INDEXES": "2", "TRAINERS": "2"})
    counts = [scaled[name]["deploy"]["replicas"] for name in ("recommender", "index", "trainer")]
    assert counts == ["3", "2", "2"]
