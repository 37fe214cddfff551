"""Sections of the page of benchmarks: for each result, its figures and what is wanted of them."""

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


def _at(*path: str | int) -> Callable[[Figures], float]:
    """Return a function that follows keys and positions into figures."""

    def value(figures: Figures) -> float:
        found: Any = figures
        for key in path:
            found = found[key]
        return float(found)

    return value


def _percentiles(
    what: str, *path: str | int, p50: float | None = None, p99: float | None = None
) -> list[Row]:
    return [
        Row(f"{what}, p50", _at(*path, "p50_ms"), "{:.1f} ms", at_most=p50),
        Row(f"{what}, p99", _at(*path, "p99_ms"), "{:.1f} ms", at_most=p99),
    ]


def _served_list(case: str) -> list[Row]:
    return [
        Row(f"{case}, p50", _at("cases", case, "p50_ms"), "{:.2f} ms"),
        Row(f"{case}, p99", _at("cases", case, "p99_ms"), "{:.2f} ms", at_most=3),
    ]


def _driver(driver: str) -> list[Row]:
    return [
        Row(f"{driver}, append", _at(driver, "append_per_s"), "{:,.0f} records/s"),
        Row(f"{driver}, read", _at(driver, "read_per_s"), "{:,.0f} records/s"),
        Row(f"{driver}, from end to end, p50", _at(driver, "latency_p50_ms"), "{:.1f} ms"),
        Row(f"{driver}, from end to end, p99", _at(driver, "latency_p99_ms"), "{:.1f} ms"),
    ]


def _n_flawed(figures: Figures) -> float:
    return sum(outcome["flaw"] is not None for outcome in figures["outcomes"])


SECTIONS = (
    Section(
        "quality",
        "Recall@10 of the served list, every model and data set in [quality](quality.md)",
        (
            Row("MovieLens-100K", _at("ml-100k", "models", "served", "recall_at_10"), "{:.4f}", 0.225),
            Row("its best single model", _at("ml-100k", "models", "covisitation", "recall_at_10"), "{:.4f}"),
            Row(
                "MovieTweetings",
                _at("movietweetings", "models", "served", "recall_at_10"),
                "{:.4f}",
                0.240,
            ),
        ),
    ),
    Section(
        "quality_gate",
        "Recall@10 that every change is held against: MovieLens-100K, the first 20,000 events",
        (Row("served", _at("recall_at_10", "served"), "{:.4f}"),),
    ),
    Section(
        "quality_as_streamed",
        "Recall@10 on the trainer's own timetable, at 500 events/s: MovieLens-100K",
        (Row("GMF", _at("gmf", "recall_at_10"), "{:.4f}"),),
    ),
    Section(
        "quality_movietweetings_as_streamed",
        "The same on MovieTweetings, every tenth event",
        (Row("GMF", _at("gmf", "recall_at_10"), "{:.4f}"),),
    ),
    Section(
        "blend_search",
        "The learned blend beside the best of 200 fixed weight vectors",
        (Row("ratio of recall@10", _at("learned_over_best_fixed"), "{:.3f}", 0.98),),
    ),
    Section(
        "stability",
        "Hard streams: learning that is bounded whatever comes",
        (
            Row("streams", lambda figures: len(figures["outcomes"]), "{:,.0f}"),
            Row("streams with a row that is not finite or beyond its bound", _n_flawed, "{:,.0f}", at_most=0),
        ),
    ),
    Section(
        "learning",
        "Learning alone, batches of 1,024",
        (
            Row("5 negatives", _at("events_per_s", "learner, 5 negatives"), "{:,.0f} events/s"),
            Row(
                "the same beside the fastest of three bare torch loops",
                _at("ratio_to_fastest_bare_loop", "learner, 5 negatives"),
                "{:.2f}",
                0.5,
            ),
            Row("100 negatives, the default", _at("events_per_s", "learner"), "{:,.0f} events/s"),
            Row(
                "cost of an event, 1,000,000 known users beside 10,000",
                _at("cost_of_1000000_users_over_10000"),
                "{:.2f}",
                at_most=1.3,
            ),
        ),
    ),
    Section(
        "covisitation",
        "Co-visitation alone",
        (),
    ),
    Section(
        "trainer",
        "The whole trainer on SQLite: decode, learn, publish, checkpoint",
        (
            Row("10,000 users and items", _at("sizes", 0, "events_per_s"), "{:,.0f} events/s", 5_000),
            Row("1,000,000 users, 10,000 items", _at("sizes", 1, "events_per_s"), "{:,.0f} events/s", 5_000),
            Row("1,000,000 users, 100,000 items", _at("sizes", 2, "events_per_s"), "{:,.0f} events/s", 5_000),
            Row("the same: peak memory", _at("peak_memory_mb"), "{:,.0f} MB", at_most=1_500),
            Row(
                "cost of an event, 1,000,000 users beside 10,000",
                _at("whole_cost_ratio"),
                "{:.2f}",
                at_most=2,
            ),
        ),
    ),
    Section(
        "item_history",
        "Minute bars of 50,000 items on SQLite, checkpoints included",
        (
            Row("throughput", _at("embedded", "ticks_per_s"), "{:,.0f} events/s", 100_000),
            Row("peak memory", _at("embedded", "peak_memory_mb"), "{:,.0f} MB"),
            Row("restart", _at("embedded", "restart_s"), "{:.1f} s"),
        ),
    ),
    Section(
        "soak",
        "A soak of everything on SQLite",
        (
            Row("minutes", _at("minutes"), "{:.0f}"),
            Row("events sent", _at("sent", "n_events"), "{:,.0f}"),
            Row("requests that failed", _at("sent", "n_failed"), "{:,.0f}"),
        ),
    ),
    Section(
        "served_list",
        "A served list at 100,000 items: processor time outside of input and output",
        (*_served_list("10 seen"), *_served_list("100 seen"), *_served_list("2000 seen")),
    ),
    Section(
        "recommendations",
        "`GET /v1/recommendations` over HTTP, 100,000 items",
        (
            *_percentiles("100 requests/s beside a stream", "latency_at_100_per_s", p99=30),
            Row("throughput", _at("throughput", 0, "recommendations_per_s"), "{:,.0f} answers/s"),
            Row("the same beside a bare Falcon app", _at("throughput", 0, "ratio"), "{:.3f}", 0.15),
        ),
    ),
    Section(
        "freshness",
        "From `POST /v1/events` to a changed list, 100 events/s",
        (
            *_percentiles("on SQLite", p50=250, p99=1_000),
            Row("the slowest", _at("max_ms"), "{:,.0f} ms"),
        ),
    ),
    Section(
        "similar_items",
        "`GET /v1/items/{item_id}/similar`, 100,000 items, 100 requests/s",
        tuple(
            row
            for kind in ("blend", "vector", "covisitation", "same_day")
            for row in _percentiles(kind, "latency_at_100_per_s", kind, p99=20)
        ),
    ),
    Section("similar_users", "`GET /v1/users/{user_id}/similar`", ()),
    Section(
        "index",
        "The index: 200 nearest excluded, recall@10 beside an exact search",
        (
            Row("recall, 100,000 items", _at("by_size", 0, "recall_at_10"), "{:.3f}", 0.95),
            Row("recall, 1,000,000 items", _at("by_size", 2, "recall_at_10"), "{:.3f}", 0.95),
            Row("search, 100,000 items", _at("by_size", 0, "search_ms_p50"), "{:.2f} ms", at_most=5),
            Row("search, 1,000,000 items", _at("by_size", 2, "search_ms_p50"), "{:.2f} ms", at_most=5),
            Row(
                "over HTTP beside in process, less an empty request",
                _at("hop", 0, "ratio"),
                "{:.2f}",
                at_most=1.5,
            ),
            Row(
                "lowest recall while growing over every threshold, then 20 % deletes",
                lambda figures: min(step["recall_at_10"] for step in figures["growth"]),
                "{:.3f}",
                0.95,
            ),
            Row(
                "the same: slowest change to be visible",
                lambda figures: max(step["visible_ms_max"] for step in figures["growth"]),
                "{:.0f} ms",
                at_most=1_000,
            ),
        ),
    ),
    Section(
        "lab_svd",
        "Tags by SVD: 100,000 users, 5,000 tags, 200 groups",
        (
            Row("fit", _at("200 groups", "fit_s"), "{:.1f} s", at_most=30),
            Row("peak memory", _at("200 groups", "peak_mb"), "{:,.0f} MB", at_most=1_500),
            Row("the 50 nearest of one user", _at("200 groups", "one_user_ms"), "{:.1f} ms"),
            Row("planted groups found", _at("200 groups", "precision_at_499"), "{:.3f}", 0.9),
        ),
    ),
    Section(
        "services",
        "On a Kafka broker, MongoDB and Redis, all on the same cores: 20,000 users, 100,000 items",
        (
            Row("trainer with kafka-python", _at("training", 0, "events_per_s"), "{:,.0f} events/s", 3_000),
            Row("its slowest 10 s", _at("training", 0, "slowest_window_per_s"), "{:,.0f} events/s"),
            Row(
                "trainer with confluent-kafka", _at("training", 1, "events_per_s"), "{:,.0f} events/s", 5_000
            ),
            Row("its slowest 10 s", _at("training", 1, "slowest_window_per_s"), "{:,.0f} events/s"),
            *_percentiles(
                "`GET /v1/recommendations`, 100 requests/s under 500 events/s", "recommendations", p99=40
            ),
            *_percentiles("from a record in Kafka to a changed list", "freshness", p50=300, p99=1_500),
        ),
    ),
    Section(
        "kafka",
        "The two drivers of Kafka, records of 170 bytes",
        (*_driver("kafka-python"), *_driver("confluent-kafka")),
    ),
    Section(
        "stores",
        "MongoDB and Redis behind our ports",
        (
            Row("a batch of one user beside the bare driver", _at("publishing", 0, "ratio"), "{:.2f}"),
            Row(
                "metadata of 14 items from Redis, p50",
                _at("cache", "items_14", "port", "p50_ms"),
                "{:.2f} ms",
            ),
            Row(
                "the same from the copies in the process",
                _at("cache", "items_14", "copies", "p50_ms"),
                "{:.3f} ms",
            ),
        ),
    ),
    Section(
        "statsd_cost",
        "What metrics cost the trainer",
        (
            Row(
                "share of its time, wherever statsd is: the largest",
                lambda figures: max(way["share_of_time_in_figures"] for way in figures["ways"].values()),
                "{:.2%}",
                at_most=0.01,
            ),
        ),
    ),
)
"""In the order of the page."""

ELSEWHERE = {
    "diversity": "quality.md#diversity",
    "exploration": "quality.md#new-items",
    "index_grpc": "adr/0007-index-hop.md",
}
"""Results that another page shows."""
