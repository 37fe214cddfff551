"""Sections of the page of benchmarks on serving: lists, answers over HTTP, freshness, the page."""

from benchmarks.page_rows import Row, Section, at, freshness, opened_page, percentiles, served_list

SERVING = (
    Section(
        "served_list",
        "A served list at 100,000 items: processor time outside of input and output",
        (
            *served_list("10 seen"),
            *served_list("100 seen", p50=0.6, p99=1.0),
            *served_list("100 seen, diversity 0.3", p50=1.0),
            *served_list("100 seen, explained", p50=2.0),
            *served_list("2000 seen"),
        ),
    ),
    Section(
        "recommendations",
        "`GET /v1/recommendations` over HTTP, 100,000 items",
        (
            *percentiles("100 requests/s beside 500 events/s", "latency_at_100_per_s", p99=8),
            Row("throughput", at("throughput", 0, "recommendations_per_s"), "{:,.0f} answers/s"),
            Row("the same beside a bare Falcon app", at("throughput", 0, "ratio"), "{:.3f}", 0.10),
            Row("the index in process, beside the bare app", at("index_in_process", "ratio"), "{:.3f}", 0.15),
        ),
    ),
    Section(
        "serving_curves",
        "The same by connections, by items and by seen items",
        (
            Row("1 connection, p99", at("connections", 0, "p99_ms"), "{:.1f} ms"),
            Row("64 connections, p99", at("connections", -1, "p99_ms"), "{:.1f} ms"),
            Row("1,000 items", at("items", 0, "recommendations_per_s"), "{:,.0f} answers/s"),
            Row("1,000,000 items", at("items", -1, "recommendations_per_s"), "{:,.0f} answers/s"),
            Row("10 seen items", at("seen", 0, "recommendations_per_s"), "{:,.0f} answers/s"),
            Row("10,000 seen items", at("seen", -1, "recommendations_per_s"), "{:,.0f} answers/s"),
        ),
    ),
    Section(
        "freshness",
        "From `POST /v1/events` to a changed list, 100 events/s",
        freshness(),
    ),
    Section(
        "freshness_many_users",
        "The same with 1,000,000 users and 100,000 items",
        freshness(),
    ),
    Section(
        "page_opened",
        "The page in Chromium over a whole system with its stream running",
        opened_page(),
    ),
)
"""In the order of the page."""
