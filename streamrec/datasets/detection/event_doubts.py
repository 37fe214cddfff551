"""Words on events: columns that are missing, the form of their times, and what is perhaps not as it seems."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from streamrec.datasets.detection.columns import Columns
from streamrec.datasets.detection.layout import Layout
from streamrec.datasets.detection.times import OUR_DAYS, moments_of, share_read
from streamrec.datasets.detection.vocabulary import EVENT_ROLES, NOT, score_of
from streamrec.datasets.files.header_words import shown
from streamrec.datasets.files.reading import Reading
from streamrec.datasets.files.text_columns import number_of
from streamrec.errors import InvalidDataset

_FEW_ROWS = 20
_MANY = 0.25  # of the rows, for one user among many
_DAY_S = 86_400
_N_LOOKED_AT = 1_000
_TIME_OF_DAY = re.compile(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp]\.?[Mm]\.?)?")
_SEVERAL = re.compile(r"\[.*\]|\{.*\}|[^\s,;|]+(?:\s*([,;|])\s*[^\s,;|]+)(?:\s*\1\s*[^\s,;|]+)*")
_SHORTENED = re.compile(r"\d([.,]\d+)?[eE]\+?\d{2}")
_N_SHOWN = 40  # letters


def words_on_missing(layout: Layout, columns: Columns, missing: Sequence[str]) -> str:
    """Return which fields no column was found for, and what would help."""
    pairs = {field: "COLUMN" for field in missing}
    why = ""
    if "timestamp" in missing:
        why, named = _words_on_time(layout, columns)
        if named is not None:
            pairs["timestamp"] = named
    if layout.reading.has_header or layout.kind != "csv":
        names = shown(list(layout.columns))
    else:  # numbers tell nothing
        names = shown([f"{name} ({str(layout.rows[0].get(name))[:_N_SHOWN]})" for name in layout.columns])
    wanted = ",".join(f"{field}={column}" for field, column in pairs.items())
    return (
        f"{layout.path}: no column was found that is surely {' and '.join(missing)}; its columns are: "
        f"{names}. {why}Say which: --map {wanted}"
    )


def _words_on_time(layout: Layout, columns: Columns) -> tuple[str, str | None]:
    """Return why no column is the time, and the column that is it by its name."""
    scores = {name: score_of(name, EVENT_ROLES["timestamp"]) for name in columns.names}
    named = max(scores, key=lambda name: scores[name], default="")
    values = layout.values_of(named) if scores.get(named, NOT) > NOT else []
    if not values:
        return "Events without a time can't be learned from. ", None
    decimal = layout.reading.decimal
    share = share_read(values, decimal)
    unread = next((value for value in values if not share_read([value], decimal)), values[0])
    words = f"By its name {named!r} is the time, but "
    if share:
        words += f"only {share:.0%} of its values can be read, and those such as {_short(unread)} can't: "
        return words + "mend these, or let their rows be left out. ", named
    return words + f"its values, such as {_short(unread)}, can't be read: name their --time-format. ", named


def _short(value: object) -> str:
    return repr(value[:_N_SHOWN]) if isinstance(value, str) else str(value)[:_N_SHOWN]


def with_times(layout: Layout, columns: Columns, column: str) -> tuple[Reading, list[str]]:
    """Return how the times of a column are read, and words on them.

    Raises
    ------
    InvalidDataset
        When two forms fit, and no row tells which one is meant.
    """
    times = columns.times(column, is_named=True)
    if times is None:
        return layout.reading, []
    if times.other is not None:
        example = layout.values_of(column)[0]
        raise InvalidDataset(
            f"{layout.path}: {example!r} in column {column!r} may be {times.format} or {times.other}, and no "
            f"row tells which. Say it: --time-format '{times.format}' or --time-format '{times.other}'"
        )
    words = f"times are {times.words} ({times.share:.0%} of the rows looked at)"
    moments = moments_of(layout.values_of(column), times.format, layout.reading.decimal)
    if moments:
        words += f", from {_day(min(moments))} to {_day(max(moments))}"
    return replace(layout.reading, time_format=times.format), [words]


def _day(moment: float) -> str:
    try:
        return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"
    except (OverflowError, ValueError, OSError):
        return f"{moment:g} s"


def doubts_on_events(layout: Layout, columns: Columns, column_of: Mapping[str, str]) -> list[str]:
    """Return what a person should look at, although all of it can be read."""
    times = columns.times(column_of["timestamp"], is_named=True)
    doubts = [times.doubt if times is not None else None, _one_user(layout, column_of["user_id"])]
    doubts.append(_several(layout, column_of["item_id"]))
    doubts += [_shortened(layout, column_of[field]) for field in ("user_id", "item_id")]
    doubts.append(_taken_back(layout))
    if times is not None:
        moments = moments_of(layout.values_of(column_of["timestamp"]), times.format, layout.reading.decimal)
        doubts += [_apart(layout, column_of, moments), _of_other_days(moments)]
    return [doubt for doubt in doubts if doubt is not None]


def _one_user(layout: Layout, column: str) -> str | None:
    counts = Counter(map(str, layout.values_of(column)))
    if counts.total() < _FEW_ROWS or len(counts) < 3:
        return None
    user, n = counts.most_common(1)[0]
    share = n / counts.total()
    if share < _MANY:
        return None
    return f"{share:.0%} of the rows are of one user, {_short(user)}: if it stands for nobody, leave them out"


def _shortened(layout: Layout, column: str) -> str | None:
    ids = [value for value in layout.values_of(column) if isinstance(value, str)]
    n = sum(_SHORTENED.fullmatch(id_) is not None for id_ in ids)
    if not n or n < len(ids) / 2:
        return None
    return f"ids such as {ids[0]} in {column!r} look shortened by a spreadsheet: several may have become one"


def _several(layout: Layout, column: str) -> str | None:
    """Return that rows seem to name several items: a basket as one text would be learned as one item."""
    ids = [value for value in layout.values_of(column) if isinstance(value, str)]
    several = [id_ for id_ in ids if _SEVERAL.fullmatch(id_)]
    if len(several) < _FEW_ROWS or len(several) < _MANY * len(ids):
        return None
    return f"items such as {_short(several[0])} in {column!r} look like several: a row is to be of one"


def _taken_back(layout: Layout) -> str | None:
    """Return that rows have less than nothing of something: goods that come back are no choices."""
    for column in layout.columns:
        if score_of(column, ("quantity", "qty", "menge", "cantidad", "quantite", "ilosc")) == NOT:
            continue
        numbers = [number_of(str(value), layout.reading.decimal) for value in layout.values_of(column)]
        if n := sum(number is not None and number < 0 for number in numbers):
            return f"{n:,} rows have less than 0 in {column!r}: if goods come back so, leave these rows out"
    return None


def _of_other_days(moments: Sequence[float]) -> str | None:
    """Return that some times are hardly meant: they lie far from our days, where the others are."""
    early = sum(moment < OUR_DAYS[0] for moment in moments)
    late = sum(moment > OUR_DAYS[1] for moment in moments)
    if late or 0 < early < len(moments) / 2:
        return f"{early + late:,} times lie before 1990 or after 2040: do they stand for none?"
    return None


def _apart(layout: Layout, column_of: Mapping[str, str], moments: Sequence[float]) -> str | None:
    """Return that the time of the day stands in another column than the day."""
    column = column_of["timestamp"]
    if not moments or any(moment % _DAY_S for moment in moments):
        return None
    for name in layout.columns:
        values = [str(value) for value in layout.values_of(name)[:_N_LOOKED_AT]]
        if name not in column_of.values() and values and all(map(_TIME_OF_DAY.fullmatch, values)):
            return f"{name!r} has times of day that are not read: join it to {column!r} to keep their order"
    return None
