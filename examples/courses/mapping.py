"""The school's four files as what the product takes: events and items.

Views become events of courses, worth the seconds viewed. A tag that somebody follows, or is assessed in, is
an item as a course is; hidden, so that it is learned from and never offered. So who only said what interests
them is compared with others all the same.
"""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from examples.courses.generate import ASSESSMENTS, COURSE_TAGS, INTERESTS, VIEWS

TAG_PREFIX = "tag:"


def events_of(folder: Path) -> list[dict[str, Any]]:
    """Return all that customers did, in order of time: to the day, as the files have it."""
    events = [
        _event(row, row["course_id"], row["view_date"], "view", float(row["view_time_seconds"]))
        for row in _rows(folder, VIEWS)
    ]
    events += [
        _event(row, TAG_PREFIX + row["interest_tag"], row["date_followed"], "interest")
        for row in _rows(folder, INTERESTS)
    ]
    events += [
        _event(
            row,
            TAG_PREFIX + row["assessment_tag"],
            row["user_assessment_date"],
            "assessment",
            float(row["user_assessment_score"]),
        )
        for row in _rows(folder, ASSESSMENTS)
    ]
    return sorted(events, key=lambda event: event["timestamp"])


def items_of(folder: Path) -> list[dict[str, Any]]:
    """Return courses with their tags, the first of which is their category, and the tags themselves."""
    tags: dict[str, list[str]] = {}
    for row in _rows(folder, COURSE_TAGS):
        tags.setdefault(row["course_id"], []).append(row["course_tags"])
    levels = {row["course_id"]: row["level"] for row in _rows(folder, VIEWS)}
    known = {row["interest_tag"] for row in _rows(folder, INTERESTS)}
    known |= {row["assessment_tag"] for row in _rows(folder, ASSESSMENTS)}
    courses = [_course(course_id, own, levels.get(course_id)) for course_id, own in tags.items()]
    return courses + [
        {"item_id": TAG_PREFIX + tag, "kind": "tag", "title": tag, "is_hidden": True} for tag in sorted(known)
    ]


def _event(
    row: dict[str, str], item_id: str, day: str, kind: str, value: float | None = None
) -> dict[str, Any]:
    return {
        "user_id": row["user_handle"],
        "item_id": item_id,
        "timestamp": datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp(),
        "type": kind,
        "value": value,
    }


def _course(course_id: str, tags: list[str], level: str | None) -> dict[str, Any]:
    return {
        "item_id": course_id,
        "kind": "course",
        "categories": tags[:1],
        "attributes": {"tags": tags, "level": level},
    }


def _rows(folder: Path, name: str) -> Iterator[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
