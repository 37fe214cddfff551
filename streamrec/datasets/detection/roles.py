"""Roles of columns: which one is the user, the item, the time, and how sure that is."""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from streamrec.datasets.detection.columns import Columns
from streamrec.datasets.detection.event_kinds import share_of_known
from streamrec.datasets.detection.times import TimesFound
from streamrec.datasets.detection.vocabulary import EVENT_ROLES, EXACT, ITEM_ROLES, NOT, PARTLY, score_of
from streamrec.datasets.files.text_columns import number_of, truth_of

_LEAST_SHARE = 0.9
_MOST_TYPES = 50
_MOST_STARS = 21  # kinds of ratings: halves from 0 to 10
_TOLD = "as told"


class Role(NamedTuple):
    """A column's role.

    Attributes
    ----------
    share
        Of the rows looked at, those whose value fits the role.
    why
        What spoke for it.
    is_guess
        Whether a person should look at it.
    """

    column: str
    share: float
    why: str
    is_guess: bool = False

    @property
    def reason(self) -> str:
        """The words of what spoke for it, with a guess said to be one."""
        return f"a guess: {self.why}" if self.is_guess else self.why


def _named(
    columns: Columns,
    roles: Mapping[str, Role],
    field: str,
    words: tuple[str, ...],
    fits: Callable[[str], float],
) -> Role | None:
    """Return the free column whose name fits a role best, among those whose values do."""
    scores = {name: score_of(name, words) for name in _free(columns, roles)}
    for name in sorted(scores, key=lambda name: scores[name], reverse=True):
        if scores[name] == NOT:
            break
        if (share := fits(name)) > 0:
            is_guess = scores[name] <= PARTLY or share < _LEAST_SHARE
            return Role(name, share, "by its name", is_guess)
    return None


def event_roles(columns: Columns, taken: Mapping[str, str], catalog_ids: Collection[str]) -> dict[str, Role]:
    """Return field of an event -> the column that has it, as far as one was found.

    Parameters
    ----------
    taken
        Field -> column, as somebody says.
    catalog_ids
        Ids of items of another file: a column that holds the same ones is the item's.
    """
    roles = {field: Role(column, 1.0, _TOLD) for field, column in taken.items()}
    wanted: dict[str, Callable[[str], float]] = {
        "timestamp": lambda name: _share(columns.times(name, is_named=True)),
        "user_id": columns.could_be_ids,
        "item_id": columns.could_be_ids,
        "type": lambda name: _fits_types(columns, name),
        "value": columns.share_numbers,
        "event_id": lambda name: float(columns.share_distinct(name) == 1.0) * columns.share_filled(name),
    }
    for field, fits in wanted.items():
        if field in roles:
            continue
        found = _named(columns, roles, field, EVENT_ROLES[field], fits)
        if found is not None and not (field == "event_id" and found.is_guess):
            roles[field] = found
    _by_content(columns, roles, catalog_ids)
    return roles


def _by_content(columns: Columns, roles: dict[str, Role], catalog_ids: Collection[str]) -> None:
    """Find what no name tells: ids that the catalogue has, times, types that are known, and what is left."""
    if catalog_ids:
        _as_in_catalog(columns, roles, catalog_ids)
    for name in _free(columns, roles):
        if "timestamp" not in roles and (times := columns.times(name, is_named=False)) is not None:
            roles["timestamp"] = Role(name, times.share, "its values are times", is_guess=times.share < 1)
    _as_types(columns, roles)
    missing = [field for field in ("user_id", "item_id") if field not in roles]
    could_be = _could_be_ids(columns, roles)
    few = [name for name in could_be if _holds_few_numbers(columns, name)]
    if missing and len(few) == 1 and len(could_be) == len(missing) + 1 and "value" not in roles:
        roles["value"] = Role(few[0], 1.0, "a few numbers, as of stars", is_guess=True)
        could_be.remove(few[0])
    if len(could_be) == len(missing):
        for field, name in zip(missing, could_be, strict=True):
            roles[field] = Role(name, columns.could_be_ids(name), "the only column left", is_guess=True)


def _as_types(columns: Columns, roles: dict[str, Role]) -> None:
    """Let the column be the type whose texts are types that are known."""
    if "type" in roles:
        return
    shares = {name: share_of_known(list(map(str, columns.values(name)))) for name in _free(columns, roles)}
    best = max(shares, key=lambda name: shares[name], default="")
    if shares.get(best, 0.0) >= 0.5:
        roles["type"] = Role(best, shares[best], "its values are types of events")


def _could_be_ids(columns: Columns, roles: Mapping[str, Role]) -> list[str]:
    return [
        name
        for name in _free(columns, roles)
        if columns.could_be_ids(name) >= _LEAST_SHARE
        and not _is_row_id(columns, name)
        and not _is_constant(columns, name)
    ]


def _holds_few_numbers(columns: Columns, name: str) -> bool:
    """Return whether a column looks like ratings: its numbers are few kinds, from 0 to 10."""
    values = set(map(str, columns.values(name)))
    return (
        len(values) <= _MOST_STARS
        and all((number_of(text) or 0) <= 10 for text in values)
        and (columns.share_numbers(name) == 1.0)
    )


def _as_in_catalog(columns: Columns, roles: dict[str, Role], catalog_ids: Collection[str]) -> None:
    """Let the column be the item whose values the catalogue has, unless a sure one has them too."""
    shares = {name: columns.share_of_ids(name, catalog_ids) for name in columns.names}
    best = max(shares, key=lambda name: shares[name])
    before = roles.get("item_id")
    if shares[best] < 0.5 or (before is not None and shares[before.column] >= 0.5):
        return
    for field in [field for field, role in roles.items() if role.column == best and role.why != _TOLD]:
        del roles[field]
    roles["item_id"] = Role(best, shares[best], "its values are ids of the items")


def _free(columns: Columns, roles: Mapping[str, Role]) -> list[str]:
    used = {role.column for role in roles.values()}
    return [name for name in columns.names if name not in used]


def item_roles(columns: Columns, taken: Mapping[str, str]) -> dict[str, Role]:
    """Return field of an item -> the column that has it, as far as one was found."""
    roles = {field: Role(column, 1.0, _TOLD) for field, column in taken.items()}
    fits: dict[str, Callable[[str], float]] = {
        "item_id": lambda name: columns.share_distinct(name) if columns.share_distinct(name) > 0.9 else 0,
        "title": columns.share_filled,
        "categories": columns.share_filled,
        "text": columns.share_filled,
        "kind": columns.share_filled,
        "is_hidden": lambda name: columns.share_of(name, lambda text: truth_of(text) is not None),
    }
    for field, fit in fits.items():
        if field in roles:
            continue
        found = _named(columns, roles, field, ITEM_ROLES[field], fit)
        is_sure = field in ("item_id", "title", "categories") or (
            found is not None and score_of(found.column, ITEM_ROLES[field]) > EXACT - 0.31
        )
        if found is not None and is_sure:
            roles[field] = found._replace(is_guess=found.is_guess and field == "item_id")
    return roles


def _share(times: TimesFound | None) -> float:
    return 0.0 if times is None else times.share


def _fits_types(columns: Columns, name: str) -> float:
    values = list(map(str, columns.values(name)))
    return columns.share_filled(name) if 0 < len(set(values)) <= _MOST_TYPES else 0.0


def _is_constant(columns: Columns, name: str) -> bool:
    return columns.n_rows > 20 and len(set(map(str, columns.values(name)))) == 1


def _is_row_id(columns: Columns, name: str) -> bool:
    """Return whether a column numbers the rows: as id of somebody it would be met but once."""
    return columns.n_rows > 20 and columns.share_distinct(name) == 1.0
