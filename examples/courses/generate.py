"""Customers of a school of courses, made up: who views, follows and is assessed in what, in four CSV files.

Every customer belongs to a planted group, which has a main field and a second one: customers of a group view
courses of the same two fields. Two groups may share a field, never both. ``groups.csv`` says who belongs
where; it is there to check answers by, and the product never sees it.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

VIEWS, COURSE_TAGS, INTERESTS, ASSESSMENTS = "views", "course_tags", "interests", "assessments"
GROUPS = "groups"

COLUMNS = {
    VIEWS: ("user_handle", "view_date", "course_id", "author_handle", "level", "view_time_seconds"),
    COURSE_TAGS: ("course_id", "course_tags"),
    INTERESTS: ("user_handle", "interest_tag", "date_followed"),
    ASSESSMENTS: (
        "user_handle", "assessment_tag", "user_assessment_date", "user_assessment_score",
    ),
    GROUPS: ("user_handle", "group"),
}  # fmt: skip
"""File -> its columns."""

FIELDS = (
    "python", "java", "javascript", "c++", "c#", "go", "rust", "sql", "linux", "networks", "cloud",
    "security", "statistics", "machine-learning", "data-engineering", "web-design", "photography",
    "video", "animation", "3d-modeling", "game-design", "project-management", "accounting", "writing",
    "mobile",
)  # fmt: skip
MAX_GROUPS = len(FIELDS) * (len(FIELDS) - 1)
"""Pairs of a main field and a second one."""

_ASPECTS = ("testing", "tools", "patterns", "practice")
_LEVELS = ("Beginner", "Intermediate", "Advanced")
_COURSES_PER_FIELD = 20
_N_AUTHORS = 150
_FIRST_DAY = date(2017, 1, 1)
_N_DAYS = 365

_FIELD_SHARES = (0.55, 0.30, 0.15)
"""Of what a customer does: in the group's main field, in its second one, in any."""

_MEAN_VIEWS = 25.0
_LEAST_VIEWS = 5
_VIEW_SECONDS = (1800.0, 1200.0, 240.0)
"""Median length of a view in the main field, in the second, and elsewhere."""

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class School:
    """Numbers of customers, courses and groups to generate.

    Attributes
    ----------
    group_size
        Customers of a group; the last group may have fewer.
    """

    n_users: int = 10_000
    group_size: int = 200
    seed: int = 42

    def write(self, folder: Path) -> None:
        """Write the four files, and the planted groups."""
        chance = np.random.default_rng(self.seed)
        groups = chance.permutation(self.n_users) // self.group_size
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder, GROUPS, zip(range(1, self.n_users + 1), groups.tolist(), strict=True))
        tags = _write_course_tags(folder, chance)
        customers = _Customers(groups, chance)
        customers.write_views(folder, len(tags))
        customers.write_interests(folder)
        customers.write_assessments(folder)


def fields_of(groups: Numbers) -> tuple[Numbers, Numbers]:
    """Return each group's main and second field, (N,) each: no two of `MAX_GROUPS` have both in common.

    >>> [fields.tolist() for fields in fields_of(np.array([0, 24, 25]))]
    [[0, 24, 0], [1, 0, 2]]
    """
    main = groups % len(FIELDS)
    return main, (main + 1 + groups // len(FIELDS)) % len(FIELDS)


def groups_in(folder: Path) -> dict[str, int]:
    """Return each customer's planted group."""
    with (folder / f"{GROUPS}.csv").open(encoding="utf-8", newline="") as file:
        return {row["user_handle"]: int(row["group"]) for row in csv.DictReader(file)}


class _Customers:
    """N customers, whose handles are 1 to N."""

    def __init__(self, groups: Numbers, chance: np.random.Generator) -> None:
        self._fields = np.stack(fields_of(groups), axis=1)  # (N, 2)
        self._chance = chance
        # Most are there early; some come when the year is nearly over.
        self._first_days = chance.integers(0, int(_N_DAYS * 0.8), len(groups))

    def write_views(self, folder: Path, n_courses: int) -> None:
        """Write views in order of their days."""
        chance = self._chance
        spread = chance.negative_binomial(2, 2 / (2 + _MEAN_VIEWS - _LEAST_VIEWS), len(self._fields))
        users = np.repeat(np.arange(len(self._fields)), _LEAST_VIEWS + spread)
        days, fields, kinds = self._days(users), *self._choose(users)
        ranks = chance.choice(_COURSES_PER_FIELD, len(users), p=_zipf(_COURSES_PER_FIELD, 0.7))
        courses = fields * _COURSES_PER_FIELD + ranks
        seconds = 1 + np.array(_VIEW_SECONDS)[kinds] * chance.lognormal(0.0, 0.8, len(users))
        authors = chance.integers(1, _N_AUTHORS + 1, n_courses)[courses]
        levels = [_LEVELS[level] for level in chance.integers(0, len(_LEVELS), n_courses)[courses]]
        columns = (users + 1, _as_dates(days), courses, authors, levels, seconds.astype(int))
        rows = list(zip(*columns, strict=True))
        _write(folder, VIEWS, (rows[row] for row in np.argsort(days, kind="stable")))

    def write_interests(self, folder: Path) -> None:
        """Write which tags each follows: one to four."""
        users = np.repeat(np.arange(len(self._fields)), self._chance.integers(1, 5, len(self._fields)))
        days, tags = self._days(users), self._choose_tags(users)
        # Nobody follows a tag twice.
        rows = dict(zip(zip(users + 1, tags, strict=True), _as_dates(days), strict=True))
        _write(folder, INTERESTS, ((user, tag, day) for (user, tag), day in rows.items()))

    def write_assessments(self, folder: Path) -> None:
        """Write how some did in assessments: 0 to 300 points."""
        chance = self._chance
        users = np.repeat(np.arange(len(self._fields)), chance.integers(0, 3, len(self._fields)))
        days, tags = self._days(users), self._choose_tags(users)
        scores = chance.normal(150, 50, len(users)).clip(0, 300).astype(int)
        _write(folder, ASSESSMENTS, zip(users + 1, tags, _as_dates(days), scores, strict=True))

    def _days(self, users: Numbers) -> Numbers:
        first = self._first_days[users]
        return (first + self._chance.random(len(users)) * (_N_DAYS - first)).astype(np.int64)

    def _choose(self, users: Numbers) -> tuple[Numbers, Numbers]:
        """Return for each event its field, and whether that is the main one, the second or any: 0, 1, 2."""
        kinds = self._chance.choice(3, len(users), p=_FIELD_SHARES)
        any_field = self._chance.integers(0, len(FIELDS), len(users))
        of_user = np.column_stack([self._fields[users], any_field])
        return of_user[np.arange(len(users)), kinds], kinds

    def _choose_tags(self, users: Numbers) -> list[str]:
        fields, _ = self._choose(users)
        tags = [_tags_of(FIELDS[field]) for field in range(len(FIELDS))]
        columns = self._chance.integers(0, len(_ASPECTS) + 1, len(users))
        return [tags[field][column] for field, column in zip(fields, columns, strict=True)]


def _tags_of(field: str) -> list[str]:
    return [field, *(f"{field}-{aspect}" for aspect in _ASPECTS)]


def _write_course_tags(folder: Path, chance: np.random.Generator) -> list[list[str]]:
    """Write each course's tags, its field first, and return them."""
    tags = []
    for field in FIELDS:
        for _ in range(_COURSES_PER_FIELD):
            n_aspects = int(chance.integers(1, 3))
            aspects = chance.choice(len(_ASPECTS), n_aspects, replace=False)
            tags.append([field, *(f"{field}-{_ASPECTS[aspect]}" for aspect in sorted(aspects))])
    _write(folder, COURSE_TAGS, ((number, tag) for number, own in enumerate(tags) for tag in own))
    return tags


def _write(folder: Path, name: str, rows: Iterable[Sequence[Any]]) -> None:
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS[name])
        writer.writerows(rows)


def _zipf(n: int, exponent: float) -> NDArray[np.float64]:
    weights = np.arange(1, n + 1, dtype=np.float64) ** -exponent
    return np.asarray(weights / weights.sum())


def _as_dates(days: Numbers) -> list[str]:
    dates = [(_FIRST_DAY + timedelta(days=day)).isoformat() for day in range(_N_DAYS)]
    return [dates[day] for day in days]
