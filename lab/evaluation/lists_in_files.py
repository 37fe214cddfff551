"""Batch lists as rows of the items of a truth."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow

from lab.evaluation.accuracy import Rows
from lab.evaluation.truth import Truth
from lab.steps.tables import read_table
from streamrec.domain.rows.id_map import IdMap

_COLUMNS = ("user_id", "rank", "item_id")


class ReadLists(NamedTuple):
    """Lists of the U users of a truth.

    Attributes
    ----------
    columns
        (U, K) items, -1 behind the end of a list.
    n_without
        Users without a list of their own, who have the fallback.
    longest
        Items of the longest list in the file, of whichever user.
    """

    columns: Rows
    n_without: int
    longest: int


def lists_in(path: Path, fallback: Path, truth: Truth, k: int) -> ReadLists:
    """Return the first k of the lists of a file; who has none gets the fallback, as when served.

    Raises
    ------
    CorruptArtifact
        When a file is missing, torn or lacks a column.
    """
    columns, longest = _read(path, truth.users, truth.items, k)
    is_without = (columns < 0).all(axis=1)
    common, _ = _read(fallback, None, truth.items, k)
    columns[is_without] = common[0]
    return ReadLists(columns, int(is_without.sum()), longest)


def _read(path: Path, users: IdMap | None, items: IdMap, k: int) -> tuple[Rows, int]:
    """Return lists, those of one user where there are no `users`, and the length of the longest."""
    table = read_table(path, _COLUMNS, coded=("user_id", "item_id"))
    lines = _rows(table.column("user_id"), users) if users is not None else np.zeros(table.num_rows, np.int64)
    columns = _rows(table.column("item_id"), items)
    positions = table.column("rank").to_numpy().astype(np.int64) - 1
    is_wanted = (lines >= 0) & (positions >= 0) & (positions < k)
    found = np.full((1 if users is None else users.n_rows, k), -1, np.int64)
    found[lines[is_wanted], positions[is_wanted]] = columns[is_wanted]
    return found, int(positions.max(initial=-1)) + 1


def _rows(column: pyarrow.ChunkedArray, ids: IdMap) -> Rows:
    if not column.num_chunks:
        return np.zeros(0, np.int64)
    array = column.chunk(0)  # of a combined table
    rows = ids.rows_of(array.dictionary.to_pylist())
    of_column: Rows = rows[array.indices.to_numpy(zero_copy_only=False)]
    return of_column
