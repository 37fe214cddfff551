"""Batch lists as they are shown in simulated experiments: of some users, by position of the product."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow

from lab.experiments.multileaving import NO_ITEM, Ints
from lab.steps.tables import read_table
from streamrec.errors import InvalidInput

FALLBACK = "fallback"
"""Name of the list of those who have none of their own."""

_COLUMNS = ("user_id", "rank", "item_id")
_CODED = ("user_id", "item_id")


def variants_in(folder: Path, control: str, wanted: Sequence[str]) -> list[str]:
    """Return the models that are compared, the control first.

    Raises
    ------
    InvalidInput
        When a model has no lists, or there is none beside the control.
    """
    there = sorted(path.stem for path in folder.glob("*.parquet") if path.stem != FALLBACK)
    missing = sorted({control, *wanted} - set(there))
    if missing:
        raise InvalidInput(
            f"no lists of {', '.join(missing)} (experiments.control_model, experiments.variants); there are"
            f" {', '.join(there) or 'none'}"
        )
    others = [name for name in (wanted or there) if name != control]
    if not others:
        raise InvalidInput(f"there are lists of {control}, the control, and of no other model to compare")
    return [control, *dict.fromkeys(others)]


def users_with_lists(path: Path) -> list[str]:
    """Return the ids of the users who have a list, in order of the ids."""
    column = read_table(path, ["user_id"], ["user_id"]).column("user_id")
    return sorted(column.unique().to_pylist())


def read_lists(
    folder: Path, names: Sequence[str], user_ids: Sequence[str], product_ids: Sequence[str]
) -> dict[str, Ints]:
    """Return variant -> (U, K) products by position; who has no list is shown the common one, as when served.

    Raises
    ------
    CorruptArtifact
        When a file is missing, torn or lacks a column.
    """
    users = {user_id: number for number, user_id in enumerate(user_ids)}
    products = {item_id: number for number, item_id in enumerate(product_ids)}
    common = _read(folder / f"{FALLBACK}.parquet", None, products)[0]
    lists = {}
    for name in names:
        own = _read(folder / f"{name}.parquet", users, products)
        width = max(own.shape[1], len(common))
        own = np.pad(own, ((0, 0), (0, width - own.shape[1])), constant_values=NO_ITEM)
        shown = np.pad(common, (0, width - len(common)), constant_values=NO_ITEM)
        lists[name] = np.where((own == NO_ITEM).all(axis=1)[:, None], shown, own)
    return lists


def _read(path: Path, users: Mapping[str, int] | None, products: Mapping[str, int]) -> Ints:
    """Return the lists of a file, those of one user where there are no `users`."""
    table = read_table(path, _COLUMNS, _CODED)
    lines = (
        np.zeros(table.num_rows, np.int64) if users is None else _positions(table.column("user_id"), users)
    )
    ranks = table.column("rank").to_numpy().astype(np.int64) - 1
    is_wanted = (lines >= 0) & (ranks >= 0)
    found = np.full((1 if users is None else len(users), int(ranks.max(initial=0)) + 1), NO_ITEM)
    items = _positions(table.column("item_id"), products)
    found[lines[is_wanted], ranks[is_wanted]] = items[is_wanted]
    return found


def _positions(column: pyarrow.ChunkedArray, known: Mapping[str, int]) -> Ints:
    """Return the positions of ids, `NO_ITEM` of those that are not known."""
    if not column.num_chunks:
        return np.zeros(0, np.int64)
    array = column.chunk(0)  # of a combined table
    names = array.dictionary.to_pylist()
    positions = np.array([known.get(name, NO_ITEM) for name in names] or [NO_ITEM], np.int64)
    of_column: Ints = positions[array.indices.to_numpy(zero_copy_only=False)]
    return of_column
