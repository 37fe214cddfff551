"""Sections of the page of benchmarks about the trainer: how fast it is, and what it keeps."""

from benchmarks.page_rows import Row, Section, at, bytes_of

TRAINING = (
    Section(
        "trainer",
        "The whole trainer on SQLite: decode, learn, publish, checkpoint",
        (
            Row("10,000 users and items", at("sizes", 0, "events_per_s"), "{:,.0f} events/s", 12_000),
            Row("1,000,000 users, 10,000 items", at("sizes", 1, "events_per_s"), "{:,.0f} events/s", 6_000),
            Row("1,000,000 users, 100,000 items", at("sizes", 2, "events_per_s"), "{:,.0f} events/s", 6_000),
            Row("the same: peak memory", at("peak_memory_mb"), "{:,.0f} MB", at_most=1_500),
            Row(
                "cost of an event, 1,000,000 users beside 10,000",
                at("whole_cost_ratio"),
                "{:.2f}",
                at_most=2,
            ),
        ),
    ),
    Section(
        "memory",
        "What the trainer keeps of a user and of an item, 20 events each within two days",
        (
            *bytes_of(
                "user",
                "what was chosen on the same day",
                "last 20 items, their times, and where they stand in the replay memory",
                "own row of the model, and the squares of its steps",
                "last 50 items, for histories",
                "most chosen categories",
                "id and its row",
                "number of events and values, last time",
            ),
            *bytes_of(
                "item",
                "neighbours by co-visits, and its count",
                "what was chosen on the same day",
                "metadata: categories, words, and who shares them",
                "row as a candidate with its bias, and the squares of its steps",
                "row as somebody's past, and the squares of its steps",
                "id and its row",
                "counts of the windows",
            ),
        ),
    ),
)
