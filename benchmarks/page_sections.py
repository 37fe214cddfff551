"""Sections of the page of benchmarks: for each result, its figures and what is wanted of them."""

from benchmarks.page_rows import Figures, Row, Section, at, driver, percentiles, share
from benchmarks.page_serving import SERVING
from benchmarks.page_training import TRAINING


def _n_flawed(figures: Figures) -> float:
    return sum(outcome["flaw"] is not None for outcome in figures["outcomes"])


SECTIONS = (
    Section(
        "quality",
        "Recall@10 of the served list, every model and data set in [quality](quality.md)",
        (
            Row("MovieLens-100K", at("ml-100k", "models", "served", "recall_at_10"), "{:.4f}", 0.230),
            Row("its best single model", at("ml-100k", "models", "covisitation", "recall_at_10"), "{:.4f}"),
            Row(
                "MovieTweetings",
                at("movietweetings", "models", "served", "recall_at_10"),
                "{:.4f}",
                0.2575,
            ),
        ),
    ),
    Section(
        "quality_gate",
        "Recall@10 that every change is held against: MovieLens-100K, the first 20,000 events",
        (Row("served", at("recall_at_10", "served"), "{:.4f}"),),
    ),
    Section(
        "quality_as_streamed",
        "Recall@10 on the trainer's own timetable, at 500 events/s: MovieLens-100K",
        (Row("GMF", at("gmf", "recall_at_10"), "{:.4f}"),),
    ),
    Section(
        "quality_movietweetings_as_streamed",
        "The same on MovieTweetings, every tenth event",
        (Row("GMF", at("gmf", "recall_at_10"), "{:.4f}"),),
    ),
    Section(
        "blend_search",
        "The learned blend beside the best of 200 fixed weight vectors",
        (Row("ratio of recall@10", at("learned_over_best_fixed"), "{:.3f}", 0.98),),
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
            Row("5 negatives", at("events_per_s", "learner, 5 negatives"), "{:,.0f} events/s"),
            Row(
                "the same, each with four replays, beside the fastest of three bare torch loops without",
                at("ratio_to_fastest_bare_loop", "learner, 5 negatives"),
                "{:.2f}",
                0.1,
            ),
            Row(
                "the same, a replay counted as an event",
                at("ratio_of_lessons_to_fastest_bare_loop"),
                "{:.2f}",
                0.5,
            ),
            Row("100 negatives, the default", at("events_per_s", "learner"), "{:,.0f} events/s"),
            Row(
                "cost of an event, 1,000,000 known users beside 10,000",
                at("cost_of_1000000_users_over_10000"),
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
    *TRAINING,
    Section(
        "item_history",
        "Minute bars of 50,000 items on SQLite, checkpoints included",
        (
            Row("throughput", at("embedded", "ticks_per_s"), "{:,.0f} events/s", 100_000),
            Row("peak memory", at("embedded", "peak_memory_mb"), "{:,.0f} MB"),
            Row("restart", at("embedded", "restart_s"), "{:.1f} s"),
        ),
    ),
    Section(
        "soak",
        "A soak of everything on SQLite",
        (
            Row("minutes", at("minutes"), "{:.0f}"),
            Row("events sent", at("sent", "n_events"), "{:,.0f}"),
            Row("requests that failed", at("sent", "n_failed"), "{:,.0f}"),
        ),
    ),
    *SERVING,
    Section(
        "similar_items",
        "`GET /v1/items/{item_id}/similar`, 100,000 items, 100 requests/s",
        tuple(
            row
            for kind in ("blend", "vector", "covisitation", "same_day")
            for row in percentiles(kind, "latency_at_100_per_s", kind, p99=20)
        ),
    ),
    Section("similar_users", "`GET /v1/users/{user_id}/similar`", ()),
    Section(
        "index",
        "The index: 200 nearest excluded, recall@10 beside an exact search",
        (
            Row("recall, 100,000 items", at("by_size", 0, "recall_at_10"), "{:.3f}", 0.95),
            Row("recall, 1,000,000 items", at("by_size", 2, "recall_at_10"), "{:.3f}", 0.95),
            Row("search, 100,000 items", at("by_size", 0, "search_ms_p50"), "{:.2f} ms", at_most=5),
            Row("search, 1,000,000 items", at("by_size", 2, "search_ms_p50"), "{:.2f} ms", at_most=5),
            Row(
                "over HTTP beside in process, less an empty request",
                at("hop", 0, "ratio"),
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
            Row("fit", at("200 groups", "fit_s"), "{:.1f} s", at_most=30),
            Row("peak memory", at("200 groups", "peak_mb"), "{:,.0f} MB", at_most=1_500),
            Row("the 50 nearest of one user", at("200 groups", "one_user_ms"), "{:.1f} ms"),
            Row("planted groups found", at("200 groups", "precision_at_499"), "{:.3f}", 0.9),
        ),
    ),
    Section(
        "experiments",
        "Statistics of experiments, on 200 trials each whose truth is known",
        (
            Row("false alarms of A/A/A tests, one look", share("alike"), "{:.1%}", at_most=0.05),
            Row(
                "of A/A reports read after every 100 of 20,000 exposures",
                share("peeked", "decided"),
                "{:.1%}",
                at_most=0.05,
            ),
            Row("of the test for one look, read as often", share("peeked", "fixed"), "{:.1%}"),
            Row("of mixed lists that are alike, read all the time", share("mixed"), "{:.1%}", at_most=0.05),
            Row("a planted uplift of 10 % found", share("uplift", "found"), "{:.1%}", 0.8),
            Row(
                "exposures of mixed lists, by those of A/B by CTR, 10 trials",
                at("exposures", "ratio", "ctr"),
                "{:.3f}",
                at_most=0.1,
            ),
            Row(
                "by those of A/B by clicks per list", at("exposures", "ratio", "depth"), "{:.3f}", at_most=0.1
            ),
        ),
    ),
    Section(
        "services",
        "On a Kafka broker, MongoDB and Redis, all on the same cores: 20,000 users, 100,000 items",
        (
            Row("trainer with kafka-python", at("training", 0, "events_per_s"), "{:,.0f} events/s", 3_000),
            Row("its slowest 10 s", at("training", 0, "slowest_window_per_s"), "{:,.0f} events/s"),
            Row("trainer with confluent-kafka", at("training", 1, "events_per_s"), "{:,.0f} events/s", 5_000),
            Row("its slowest 10 s", at("training", 1, "slowest_window_per_s"), "{:,.0f} events/s"),
            *percentiles(
                "`GET /v1/recommendations`, 100 requests/s under 500 events/s", "recommendations", p99=20
            ),
            Row("at full load, without a stream", at("full_load", "per_s"), "{:,.0f} answers/s"),
            Row("of those over SQLite, by turns", at("full_load", "ratio"), "{:.2f}", 0.5),
            *percentiles("from a record in Kafka to a changed list", "freshness", p50=300, p99=1_500),
        ),
    ),
    Section(
        "kafka",
        "The two drivers of Kafka, records of 170 bytes",
        (*driver("kafka-python"), *driver("confluent-kafka")),
    ),
    Section(
        "stores",
        "MongoDB and Redis behind our ports",
        (
            Row("a batch of one user beside the bare driver", at("publishing", 0, "ratio"), "{:.2f}"),
            Row(
                "metadata of 14 items from Redis, p50",
                at("cache", "items_14", "port", "p50_ms"),
                "{:.2f} ms",
            ),
            Row(
                "the same from the copies in the process",
                at("cache", "items_14", "copies", "p50_ms"),
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
    "experiment_cost": "adr/0046-live-experiments.md#cost",
    "experiment_loop": "reference/experiments.md#the-whole-tried",
    "shown_negatives": "adr/0052-shown-and-not-chosen.md#measured",
    "diversity": "quality.md#diversity",
    "exploration": "quality.md#new-items",
    "index_grpc": "adr/0007-index-hop.md",
    "quality_peers": "quality.md#peers",
    "quick": "",
}
"""Results that another page shows; without a page, that are there to be held against."""
