"""Nothing is watched that nobody sends: dashboard, alerts and mapping against the running system."""

import configparser
import json
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy import watched_metrics as watched
from tests.driven_system import Figure, sent_by_the_system


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> set[Figure]:
    return sent_by_the_system(tmp_path_factory.mktemp("driven"))


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(watched.DASHBOARD.read_text("utf-8"))["panels"]
    return found


def test_all_that_grafana_asks_for_is_sent(sent: set[Figure]) -> None:
    targets = list(watched.grafana_targets())
    assert len(targets) > 60
    assert watched.unknown_to(sent, targets) == []


@pytest.mark.parametrize(
    "target",
    [
        "stats.gauges.streamrec.trainer.lag_seconds",  # another name
        "stats.counters.streamrec.trainer.lag_s",  # another kind
        "alias(stats.timers.streamrec.trainer.learn.upper_95, 'x')",  # a percentile that nobody makes
        "stats.counters.streamrec.recommender.requests.*.*.500.rate",
        "stats.timers.streamrec.trainer.{poll,deocde}.mean",  # one of several
        "stats.counters.streamrec.recommender.{degraded.rate,personalized.rate}",  # no word has a dot in it
        "stats.counters.streamrec.trainer.rejected.rate",  # a word is missing
        "stats.streamrec.trainer.events",
        "streamrec.trainer.events",
    ],
)
def test_a_misspelt_name_is_found(sent: set[Figure], target: str) -> None:
    assert len(watched.unknown_to(sent, [target])) >= 1


def test_a_misspelt_name_on_the_dashboard_itself_is_found(sent: set[Figure]) -> None:
    for path in {
        path for target in watched.grafana_targets() for path in watched.GRAPHITE_PATH.findall(target)
    }:
        words = path.split(".")
        for place in range(3, len(words)):
            if words[place] != "*":
                misspelt = ".".join([*words[:place], f"{words[place]}x", *words[place + 1 :]])
                assert watched.unknown_to(sent, [misspelt]), misspelt


def test_every_metric_has_a_name_in_prometheus(sent: set[Figure]) -> None:
    assert [figure for figure in sorted(sent) if watched.mapped(figure) is None] == []


def test_every_rule_of_the_mapping_is_about_something(sent: set[Figure]) -> None:
    used = {
        next(rule.match for rule in watched.mapping_rules() if rule.applied_to(figure)) + figure.kind
        for figure in sent
    }
    assert [rule for rule in watched.mapping_rules() if rule.match + rule.kind not in used] == []


def test_a_name_in_prometheus_is_of_one_kind_with_the_same_labels(sent: set[Figure]) -> None:
    shapes: dict[str, set[tuple[str, tuple[str, ...]]]] = {}
    for figure in sent:
        series = watched.mapped(figure)
        assert series is not None
        labels = tuple(label for label, _ in series.labels)
        shapes.setdefault(series.name, set()).add((figure.kind, labels))
    assert {name: shape for name, shape in shapes.items() if len(shape) > 1} == {}
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in shapes)


def test_all_that_prometheus_asks_for_is_sent(sent: set[Figure]) -> None:
    series = [one for figure in sent if (one := watched.mapped(figure)) is not None]
    rules = watched.prometheus_rules()
    assert len(rules) > 10
    for rule in rules:
        assert watched.unknown_in_promql(rule["expr"], series) == [], rule["alert"]


@pytest.mark.parametrize(
    "expression",
    [
        "streamrec_trainer_lag_seconds > 1",
        'streamrec_trainer_heartbeats_total{state="idle"}',
        'streamrec_recommender_requests_total{route=~"recommendations|populer"}',
        'streamrec_recommender_requests_total{code="5xx"}',
    ],
)
def test_a_misspelt_name_in_prometheus_is_found(sent: set[Figure], expression: str) -> None:
    series = [one for figure in sent if (one := watched.mapped(figure)) is not None]
    assert len(watched.unknown_in_promql(expression, series)) == 1


def test_both_systems_warn_of_the_same() -> None:
    in_prometheus = {rule["alert"]: rule["labels"]["severity"] for rule in watched.prometheus_rules()}
    assert {rule["title"]: rule["labels"]["severity"] for rule in watched.grafana_rules()} == in_prometheus


def test_every_alert_is_documented() -> None:
    rows = re.findall(r"^\| `([A-Z]\w+)` \|", watched.DOCUMENTATION.read_text("utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(rule["alert"] for rule in watched.prometheus_rules())


def test_every_alert_says_what_to_do() -> None:
    for rule in [*watched.grafana_rules(), *watched.prometheus_rules()]:
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["action"]


def test_grafanas_rules_are_whole() -> None:
    sources = {
        source["uid"] for source in yaml.safe_load(watched.DATA_SOURCES.read_text("utf-8"))["datasources"]
    }
    rules = watched.grafana_rules()
    assert len({rule["uid"] for rule in rules}) == len(rules)
    for rule in rules:
        query, reduced, threshold = rule["data"]
        assert query["datasourceUid"] in sources
        assert reduced["datasourceUid"] == threshold["datasourceUid"] == "__expr__"
        assert (reduced["model"]["expression"], threshold["model"]["expression"]) == ("A", "B")
        assert [step["refId"] for step in rule["data"]] == ["A", "B", "C"]
        assert [step["model"]["refId"] for step in rule["data"]] == ["A", "B", "C"]
        assert rule["condition"] == "C"
        assert rule["noDataState"] in {"OK", "Alerting", "NoData", "KeepLast"}


def test_the_dashboards_panels_read_a_source_that_is_there() -> None:
    sources = {
        source["uid"] for source in yaml.safe_load(watched.DATA_SOURCES.read_text("utf-8"))["datasources"]
    }
    graphs = [panel for panel in panels() if panel["type"] != "row"]
    assert {panel["datasource"]["uid"] for panel in graphs} <= sources
    assert all(panel["title"] and panel["description"] and panel["targets"] for panel in graphs)
    rows = [panel["title"] for panel in panels() if panel["type"] == "row"]
    assert rows == [
        "Stream and learning quality", "Freshness and lag", "Recommender", "Index", "Errors",
        "Champion and challenger", "Watch over updates",
    ]  # fmt: skip


def test_no_panel_lies_on_another() -> None:
    places = [panel["gridPos"] for panel in panels()]
    for one, other in combinations(places, 2):
        is_beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        is_above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert is_beside or is_above
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_labels_are_taken_from_words_that_a_path_has() -> None:
    labelled = [
        found
        for target in watched.grafana_targets()
        for found in re.findall(r"aliasByNode\((\S+), ([\d, ]+)\)", target)
    ]
    assert len(labelled) > 10
    for path, numbers in labelled:
        assert all(int(number) < len(path.split(".")) for number in numbers.split(", ")), path


def test_graphite_keeps_no_finer_steps_than_statsd_makes() -> None:
    schemas = configparser.ConfigParser(interpolation=None)
    schemas.read(watched.DEPLOY / "graphite/storage-schemas.conf")
    path = "stats.timers.streamrec.trainer.learn.mean"
    section = next(name for name in schemas.sections() if re.search(schemas[name]["pattern"], path))
    assert section == "streamrec"
    steps = [
        int(step) * {"s": 1, "m": 60}[unit]
        for step, unit in re.findall(r"(\d+)([sm]):", schemas[section]["retentions"])
    ]
    flush = re.search(r"flushInterval: (\d+)", (watched.DEPLOY / "statsd/udp.js").read_text("utf-8"))
    assert flush is not None
    assert steps[0] * 1000 == int(flush[1])
    assert all(coarse % fine == 0 for fine, coarse in zip(steps, steps[1:], strict=False))


def run_promtool(*arguments: str) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    ended = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_prometheus_takes_its_configuration() -> None:
    run_promtool("check", "config", str(watched.DEPLOY / "prometheus/prometheus.yml"))


def test_prometheus_alerts_go_off_when_they_should() -> None:
    run_promtool("test", "rules", str(Path(__file__).with_name("prometheus_alerts_test.yml")))
