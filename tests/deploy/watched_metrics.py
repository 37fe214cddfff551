"""What the dashboard and the alerts ask for, and what statsd_exporter and the documentation make of names."""

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.driven_system import Figure

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DASHBOARD = DEPLOY / "grafana/dashboards/streamrec.json"
GRAFANA_ALERTS = DEPLOY / "grafana/provisioning/alerting/alerts.yml"
DATA_SOURCES = DEPLOY / "grafana/provisioning/datasources/datasources.yml"
PROMETHEUS_ALERTS = DEPLOY / "prometheus/alerts.yml"
MAPPING = DEPLOY / "statsd/mapping.yml"
DOCUMENTATION = ROOT / "docs/reference/metrics.md"

KINDS = {"counter": "c", "gauge": "g", "timer": "ms"}

_SPACES = {"counters": "c", "gauges": "g", "timers": "ms"}
_STATISTICS = {
    "c": {"rate", "count"},
    "ms": {"mean", "upper", "upper_50", "upper_99", "lower", "sum", "count", "count_ps", "std", "median"},
}
"""What statsd makes of a figure, with the percentiles that deploy/statsd/udp.js names."""

GRAPHITE_PATH = re.compile(r"stats\.[^\s,()'{]*(?:\{[^}]*\}[^\s,()'{]*)*")
_PATH_PART = re.compile(r"[\w*]+|\{[\w*]+(?:,[\w*]+)*\}")


def fits(pattern: str, name: str) -> bool:
    """Say whether a name fits a pattern, word by word; ``*`` and ``<...>`` stand for any one word."""
    words, wanted = name.split("."), pattern.split(".")
    return len(words) == len(wanted) and all(
        want == word or want == "*" or want.startswith("<") for want, word in zip(wanted, words, strict=True)
    )


def documented() -> list[Figure]:
    """Return the rows of the documentation's tables."""
    rows = re.findall(r"^\| `([^`]+)` \| (\w+) \|", DOCUMENTATION.read_text("utf-8"), re.MULTILINE)
    return [Figure(KINDS[kind], name) for name, kind in rows]


def grafana_targets() -> Iterator[str]:
    """Yield every query of the dashboard and of Grafana's alerts."""
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        for target in panel.get("targets", ()):
            yield target["target"]
    for rule in grafana_rules():
        yield rule["data"][0]["model"]["target"]


def grafana_rules() -> list[dict[str, Any]]:
    """Return Grafana's alert rules."""
    groups = yaml.safe_load(GRAFANA_ALERTS.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def prometheus_rules() -> list[dict[str, Any]]:
    """Return Prometheus' alert rules."""
    groups = yaml.safe_load(PROMETHEUS_ALERTS.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def unknown_to(sent: Iterable[Figure], targets: Iterable[str]) -> list[str]:
    """Return the paths in Graphite queries that nothing sent would ever fill."""
    sent = set(sent)
    return [
        path
        for target in targets
        for wanted in (GRAPHITE_PATH.findall(target) or [target])
        for path in _alternatives(wanted)
        if not _is_filled(path, sent)
    ]


def _alternatives(path: str) -> Iterator[str]:
    """Yield the paths that ``{a,b}`` stands for: each has to exist."""
    parts = path.split(".")
    if not all(_PATH_PART.fullmatch(part) for part in parts):
        yield path  # Graphite splits at the dots first: such a part fits nothing
        return
    for words in itertools.product(*(part.strip("{}").split(",") for part in parts)):
        yield ".".join(words)


def _is_filled(path: str, sent: set[Figure]) -> bool:
    first, space, prefix, *words = [*path.split("."), "", "", ""][: max(3, path.count(".") + 1)]
    kind = _SPACES.get(space)
    if (first, prefix) != ("stats", "streamrec") or kind is None:
        return False
    if kind in _STATISTICS and words.pop() not in _STATISTICS[kind]:
        return False
    return any(figure.kind == kind and fits(".".join(words), figure.name) for figure in sent)


class Series(NamedTuple):
    """A metric in Prometheus."""

    name: str
    labels: tuple[tuple[str, str], ...]


class Rule(NamedTuple):
    """A rule of statsd_exporter's mapping."""

    match: str
    kind: str
    name: str
    labels: dict[str, str]

    def applied_to(self, figure: Figure) -> Series | None:
        """Return what becomes of a figure, if the rule is about it."""
        if figure.kind != self.kind or not fits(self.match, f"streamrec.{figure.name}"):
            return None
        words = [
            word
            for want, word in zip(self.match.split("."), f"streamrec.{figure.name}".split("."), strict=True)
            if want == "*"
        ]

        def filled(template: str) -> str:
            return re.sub(r"\$\{?(\d)\}?", lambda found: words[int(found[1]) - 1], template)

        labels = tuple((name, filled(value)) for name, value in self.labels.items())
        return Series(filled(self.name), labels)


@cache
def mapping_rules() -> list[Rule]:
    """Return the mapping, in its order."""
    kinds = {"counter": "c", "gauge": "g", "observer": "ms"}
    return [
        Rule(rule["match"], kinds[rule["match_metric_type"]], rule["name"], rule.get("labels", {}))
        for rule in yaml.safe_load(MAPPING.read_text("utf-8"))["mappings"]
    ]


def mapped(figure: Figure) -> Series | None:
    """Return what the first fitting rule makes of a figure."""
    return next((series for rule in mapping_rules() if (series := rule.applied_to(figure))), None)


_SELECTOR = re.compile(r"\b(streamrec_[a-z0-9_]+)(?:\{([^}]*)\})?")
_LABEL = re.compile(r'(\w+)(=~|=)"([^"]*)"')


def unknown_in_promql(expression: str, series: Iterable[Series]) -> list[str]:
    """Return the selectors of an expression that no series fits."""
    series = list(series)
    unknown = []
    for selector in _SELECTOR.finditer(expression):
        name, conditions = selector[1], _LABEL.findall(selector[2] or "")
        fitting = [one for one in series if name == one.name]
        for label, operator, value in conditions:
            for word in value.split("|") if operator == "=~" else [value]:
                if not any((label, word) in one.labels for one in fitting):
                    unknown.append(f"{name}{{{label}={word}}}")
        if not fitting:
            unknown.append(name)
    return unknown
