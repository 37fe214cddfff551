"""Everything that is found out about a file that somebody names, as what `streamrec.toml` says of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from streamrec.datasets.detection.columns import Columns
from streamrec.datasets.detection.event_doubts import doubts_on_events, with_times, words_on_missing
from streamrec.datasets.detection.event_kinds import rules_of_ratings, weights_of
from streamrec.datasets.detection.layout import Layout
from streamrec.datasets.detection.roles import Role, event_roles, item_roles
from streamrec.datasets.detection.vocabulary import EVENT_ROLES, LIST_WORDS, NOT, plain, score_of
from streamrec.datasets.files.event_columns import REQUIRED_FIELDS
from streamrec.datasets.files.header_words import shown
from streamrec.datasets.files.reading import LIST_SEPARATOR, Reading
from streamrec.datasets.files.text_columns import amount_of, has_decimal_comma, number_of
from streamrec.domain.events.interaction import DEFAULT_EVENT_TYPE
from streamrec.domain.events.values import value_of
from streamrec.errors import InvalidDataset, InvalidEvent

_SEPARATORS = ("|", ";", ",", "/", ">")
_LONGEST_PART = 40
_LEAST_DISTINCT = 0.9
_LEAST_CHOSEN = 0.2  # a catalogue may hold much that nobody chose


@dataclass(frozen=True)
class Finding:
    """A file that was looked at, and how to read it.

    Attributes
    ----------
    roles
        Field -> the column that has it.
    weights
        By type of event or rule; none of items.
    notes
        Words for people.
    doubts
        Words for people on what is perhaps not as they think.
    """

    path: Path
    is_events: bool
    reading: Reading
    roles: Mapping[str, Role]
    n_rows: int
    weights: Mapping[str, float]
    notes: Sequence[str]
    doubts: Sequence[str] = ()


def with_decimal(layout: Layout) -> Layout:
    """Look whether numbers are written with a comma before the decimals."""
    if layout.kind != "csv" or layout.reading.decimal != ".":
        return layout
    for column in layout.columns:
        texts = [text for text in layout.values_of(column) if isinstance(text, str)]
        commas = [text for text in texts if has_decimal_comma(text)]
        rest = [text for text in texts if "," not in text and number_of(text) is not None and "." not in text]
        if commas and len(commas) + len(rest) >= 0.9 * len(texts):
            if all(len(text.rpartition(",")[2]) == 3 for text in commas):
                words = (
                    f"numbers such as {commas[0]} in {column!r}: thousands or decimals? Read as no numbers; "
                )
                return replace(layout, notes=[*layout.notes, words + "--decimal , reads them as decimals"])
            words = f"decimal comma: {commas[0]} in {column!r}, {len(commas):,} of {len(texts):,}"
            return replace(layout, reading=replace(layout.reading, decimal=","), notes=[*layout.notes, words])
    return layout


def is_of_events(layout: Layout, told: Mapping[str, str]) -> bool:
    """Return whether a file looks like events: it has a user and a time, or no name tells what it has."""
    columns = Columns(layout)
    if "user_id" in told and told["user_id"] in layout.columns:
        return True
    names = layout.columns
    has_user = any(score_of(name, EVENT_ROLES["user_id"]) > 0 for name in names)
    has_time = any(
        columns.times(name, is_named=score_of(name, EVENT_ROLES["timestamp"]) > 0) for name in names
    )
    if has_user:
        return has_time or "item_id" not in item_roles(columns, {})
    return "item_id" not in item_roles(columns, {}) and has_time


def of_events(layout: Layout, told: Reading, catalog_ids: set[str]) -> Finding:
    """Return what was found in a file of events.

    Parameters
    ----------
    catalog_ids
        Ids of the items that files of items have.

    Raises
    ------
    InvalidDataset
        When a column that is needed can't be told; the message says which option would.
    """
    columns = Columns(layout)
    taken = {field: column for field, column in told.mapping.items() if column in layout.columns}
    roles = event_roles(columns, taken, catalog_ids)
    missing = [field for field in REQUIRED_FIELDS if field not in roles]
    if missing:
        raise InvalidDataset(words_on_missing(layout, columns, missing))
    reading, notes = layout.reading, list(layout.notes)
    reading, words = with_times(layout, columns, roles["timestamp"].column)
    notes += words
    weights, words = _weights(layout, roles)
    notes += words
    mapping = {field: role.column for field, role in roles.items() if field != role.column}
    reading = replace(reading, mapping=mapping, lists={})
    doubts = doubts_on_events(layout, columns, {field: role.column for field, role in roles.items()})
    return Finding(layout.path, True, reading, roles, len(layout.rows), weights, notes, doubts)


def _weights(layout: Layout, roles: Mapping[str, Role]) -> tuple[dict[str, float], list[str]]:
    """Return the weights of types and of ratings, and words on them."""
    weights, words, rated = dict[str, float](), list[str](), DEFAULT_EVENT_TYPE
    if "type" in roles:
        weights, words = weights_of(list(map(str, layout.values_of(roles["type"].column))))
        rated = next((type_ for type_ in weights if plain(type_) in ("rating", "rate", "review")), "")
    if rated and _are_ratings(roles, is_typed="type" in roles):
        rules = rules_of_ratings(_numbers(layout, roles), rated)
        weights = rules | weights
        words += [f"rule on values: {rule} weighs {weight:g}" for rule, weight in rules.items()]
    return weights, words


def _are_ratings(roles: Mapping[str, Role], *, is_typed: bool) -> bool:
    """Return whether values are how much somebody liked something: the column says so, or the type does."""
    words = {"rating", "stars", "score", "overall", "bewertung", "note"}
    if "value" not in roles:
        return False
    role = roles["value"]
    return is_typed or role.is_guess or bool(words & set(plain(role.column).split("_")))


def _numbers(layout: Layout, roles: Mapping[str, Role]) -> list[float]:
    if "value" not in roles:
        return []
    numbers = []
    for value in layout.values_of(roles["value"].column):
        try:
            number = value_of(value)
        except InvalidEvent:
            number = number_of(amount_of(str(value), layout.reading.decimal))
        numbers += [] if number is None else [float(number)]
    return numbers


def of_items(layout: Layout, told: Reading, chosen_ids: Collection[str] = ()) -> Finding:
    """Return what was found in a file of items.

    Parameters
    ----------
    chosen_ids
        Ids of the items that files of events have: a column that holds the same ones, each once, is the id.

    Raises
    ------
    InvalidDataset
        When no column has ids.
    """
    columns = Columns(layout)
    taken = {field: column for field, column in told.mapping.items() if column in layout.columns}
    roles = item_roles(columns, {field: column for field, column in taken.items() if field != "user_id"})
    if "item_id" not in taken and (found := _as_chosen(columns, roles.get("item_id"), chosen_ids)):
        roles = {field: role for field, role in roles.items() if role.column != found.column}
        roles["item_id"] = found
    if "item_id" not in roles:
        raise InvalidDataset(
            f"{layout.path}: neither events (a user and a time) nor items (an id of each) were found in its "
            f"columns: {shown(list(layout.columns))}. Say which they are: --map "
            "user_id=COLUMN,item_id=COLUMN,timestamp=COLUMN of events, --map item_id=COLUMN of items"
        )
    lists = _lists(layout, roles, told) if layout.kind == "csv" else {}
    notes = [
        *layout.notes,
        *(f"column {name!r} is a list with {sep!r} between" for name, sep in lists.items()),
    ]
    mapping = {field: role.column for field, role in roles.items() if field != role.column}
    reading = replace(layout.reading, mapping=mapping, lists=lists)
    return Finding(layout.path, False, reading, roles, len(layout.rows), {}, notes)


def _as_chosen(columns: Columns, named: Role | None, chosen_ids: Collection[str]) -> Role | None:
    """Return the column whose values are what events choose; None: no other one's than the named."""
    shares = {
        name: columns.share_of_ids(name, chosen_ids)
        for name in columns.names
        if columns.share_distinct(name) > _LEAST_DISTINCT
    }
    best = max(shares, key=lambda name: shares[name], default="")
    if shares.get(best, 0.0) < _LEAST_CHOSEN:
        return None
    if named is not None:
        # "id" says of what as little as "code" does, and shops have a SKU beside their own number; "item_id"
        # is to be believed, whatever the events name.
        name = named.column
        is_vague = (
            named.is_guess or score_of(name, EVENT_ROLES["item_id"]) == NOT or not plain(name).endswith("id")
        )
        if not is_vague or columns.share_of_ids(named.column, chosen_ids) >= _LEAST_CHOSEN:
            return None
    return Role(best, shares[best], "its values are items of the events")


def _lists(layout: Layout, roles: Mapping[str, Role], told: Reading) -> dict[str, str]:
    """Return columns that hold lists, with what separates their parts."""
    lists = {column: separator for column, separator in told.lists.items() if column in layout.columns}
    categories = roles["categories"].column if "categories" in roles else None
    used = {role.column for field, role in roles.items() if field != "categories"}
    for column in layout.columns:
        if column in used or column in lists:
            continue
        is_list = column == categories or bool(LIST_WORDS & set(plain(column).split("_")))
        separator = _separator_in(layout.values_of(column), is_told=is_list)
        if separator is not None and not (column == categories and separator == LIST_SEPARATOR):
            lists[column] = separator
    return lists


def _separator_in(values: Sequence[Any], *, is_told: bool) -> str | None:
    """Return what separates the parts of a column's texts: some have several, and all are short."""
    texts = [value for value in values if isinstance(value, str)]
    for separator in _SEPARATORS if is_told else _SEPARATORS[:1]:
        several = [text for text in texts if separator in text]
        parts = {part.strip() for text in texts for part in text.split(separator)}
        are_short = max(map(len, parts), default=0) <= _LONGEST_PART
        if several and len(several) >= 0.05 * len(texts) and are_short:
            return separator
    return None
