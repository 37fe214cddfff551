"""Rows of the page of benchmarks: a figure of a result, and what is wanted of it."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Figures = Mapping[str, Any]


class Row(NamedTuple):
    """One figure of a result, and the bound that is wanted of it."""

    what: str
    value: Callable[[Figures], float]
    form: str
    at_least: float | None = None
    at_most: float | None = None


class Section(NamedTuple):
    """The figures of one result: `benchmarks/results/<name>.json`."""

    name: str
    title: str
    rows: tuple[Row, ...]


def at(*path: str | int) -> Callable[[Figures], float]:
    """Return a function that follows keys and positions into figures."""

    def value(figures: Figures) -> float:
        found: Any = figures
        for key in path:
            found = found[key]
        return float(found)

    return value


def share(*path: str | int) -> Callable[[Figures], float]:
    """Return a function that reads a count as the share of its trials."""

    def value(figures: Figures) -> float:
        return at(*path, "n")(figures) / at(*path, "of")(figures)

    return value


def bytes_of(kind: str, *whats: str) -> list[Row]:
    """Return the rows of parts of what is kept of a user or an item, and of all of it."""
    rows = [Row(f"{kind}: {what}", at(kind, what), "{:,.0f} bytes") for what in whats]
    return [*rows, Row(f"{kind}, all of it", at(f"bytes_per_{kind}"), "{:,.0f} bytes")]


def percentiles(what: str, *path: str | int, p50: float | None = None, p99: float | None = None) -> list[Row]:
    """Return the rows of a duration's median and 99th percentile."""
    return [
        Row(f"{what}, p50", at(*path, "p50_ms"), "{:.1f} ms", at_most=p50),
        Row(f"{what}, p99", at(*path, "p99_ms"), "{:.1f} ms", at_most=p99),
    ]


def freshness() -> tuple[Row, ...]:
    """Return the rows of a measurement from an event to a changed list."""
    return (
        *percentiles("on SQLite", p50=30, p99=100),
        Row("the slowest", at("max_ms"), "{:,.0f} ms", at_most=500),
        Row("of so many", at("n_probes"), "{:,.0f}"),
    )


def served_list(case: str, p50: float | None = None, p99: float | None = None) -> list[Row]:
    """Return the rows of one kind of served list."""
    return [
        Row(f"{case}, p50", at("cases", case, "p50_ms"), "{:.2f} ms", at_most=p50),
        Row(f"{case}, p99", at("cases", case, "p99_ms"), "{:.2f} ms", at_most=p99),
    ]


def driver(name: str) -> list[Row]:
    """Return the rows of one driver of Kafka."""
    return [
        Row(f"{name}, append", at(name, "append_per_s"), "{:,.0f} records/s"),
        Row(f"{name}, read", at(name, "read_per_s"), "{:,.0f} records/s"),
        Row(f"{name}, from end to end, p50", at(name, "latency_p50_ms"), "{:.1f} ms"),
        Row(f"{name}, from end to end, p99", at(name, "latency_p99_ms"), "{:.1f} ms"),
    ]


def opened_page() -> tuple[Row, ...]:
    """Return the rows of the page in a browser."""
    return (
        Row("first view, nothing cached, p50", at("first_view", "cold_s", "p50"), "{:.2f} s", at_most=2.5),
        Row("again, p50", at("first_view", "warm_s", "p50"), "{:.2f} s", at_most=1.0),
        Row("from a click to the new list, p50", at("click_ms", "p50"), "{:,.0f} ms"),
        Row("from a click to the new list, p95", at("click_ms", "p95"), "{:,.0f} ms", at_most=500),
        Row(
            "share of a core that Live costs the recommender",
            at("cost", "share_of_page"),
            "{:.2%}",
            at_most=0.02,
        ),
    )
