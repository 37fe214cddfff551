"""Counts of items by the hour in the SQLite cache."""

from collections.abc import Iterable

from streamrec.payload import decoded

CREATE_TALLIES = (
    "CREATE TABLE IF NOT EXISTS tallies (hour INTEGER NOT NULL, item_id TEXT NOT NULL, name TEXT NOT NULL,"
    " n INTEGER NOT NULL, PRIMARY KEY (hour, item_id, name)) WITHOUT ROWID"
)

ADD_TALLY = (
    "INSERT INTO tallies VALUES (?, ?, ?, ?) ON CONFLICT (hour, item_id, name)"
    " DO UPDATE SET n = n + excluded.n"
)


def decode_tallies(rows: Iterable[tuple[int, str, int]]) -> dict[tuple[int, str], int]:
    """Read what was counted of an item.

    Raises
    ------
    Damaged
        When something is no number.
    """
    return decoded(_tallies, rows)


def _tallies(rows: Iterable[tuple[int, str, int]]) -> dict[tuple[int, str], int]:
    return {(int(hour), str(name)): int(n) for hour, name, n in rows}
