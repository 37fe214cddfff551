"""Files of lists that were made for users beforehand: Parquet with user_id, rank, item_id and score."""

from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from streamrec.datasets.files.parquet_rows import parquet_columns
from streamrec.domain.events.interaction import MAX_ID_BYTES
from streamrec.domain.items.batch_lists import MAX_LISTED, ListedItem
from streamrec.errors import InvalidDataset

COLUMNS = ("user_id", "rank", "item_id", "score")

_BATCH = 65_536  # rows


def iter_lists(path: Path) -> Iterator[tuple[str, list[ListedItem]]]:
    """Yield users and their lists by rank; only one record batch is in memory.

    Raises
    ------
    InvalidDataset
        When the file is no Parquet or torn, lacks a column, or a row does not fit: the message says which.
    """
    try:
        missing = set(COLUMNS) - set(parquet_columns(path))
        if missing:
            raise InvalidDataset(
                f"{path} has no column {', '.join(sorted(missing))}; wanted {', '.join(COLUMNS)}"
            )
        yield from _grouped(_rows(path), path)
    except (OSError, pyarrow.ArrowException) as error:
        raise InvalidDataset(f"{path} can't be read: {error}") from error


def _rows(path: Path) -> Iterator[tuple[int, tuple[Any, ...]]]:
    number = 0
    with pyarrow.parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(_BATCH, columns=list(COLUMNS)):
            for row in zip(*(batch.column(name).to_pylist() for name in COLUMNS), strict=True):
                number += 1
                yield number, row


def _grouped(
    rows: Iterator[tuple[int, tuple[Any, ...]]], path: Path
) -> Iterator[tuple[str, list[ListedItem]]]:
    done: set[str] = set()
    user, ranked = "", dict[int, ListedItem]()
    for number, (user_id, rank, item_id, score) in rows:
        where = f"{path}, row {number}"
        _check(where, user_id, rank, item_id, score)
        if user_id != user:
            if ranked:
                yield user, _in_order(ranked)
            done.add(user)
            if user_id in done:
                raise InvalidDataset(
                    f"{where}: rows of user {user_id[:100]!r} stand apart; sort them by user_id"
                )
            user, ranked = user_id, {}
        if rank in ranked:
            raise InvalidDataset(f"{where}: user {user_id[:100]!r} has two items of rank {rank}")
        if len(ranked) == MAX_LISTED:
            raise InvalidDataset(f"{where}: user {user_id[:100]!r} has more than {MAX_LISTED:,} items")
        ranked[rank] = ListedItem(item_id, float(score))
    if ranked:
        yield user, _in_order(ranked)


def _in_order(ranked: dict[int, ListedItem]) -> list[ListedItem]:
    """Return a list by rank, of an item that stands there twice the better place."""
    by_item: dict[str, ListedItem] = {}
    for rank in sorted(ranked):
        by_item.setdefault(ranked[rank].item_id, ranked[rank])
    return list(by_item.values())


def _check(where: str, user_id: object, rank: object, item_id: object, score: object) -> None:
    for name, id_ in (("user_id", user_id), ("item_id", item_id)):
        if not isinstance(id_, str) or not 0 < len(id_.encode()) <= MAX_ID_BYTES:
            raise InvalidDataset(
                f"{where}: {name} {str(id_)[:100]!r} is no text of 1 to {MAX_ID_BYTES} bytes"
            )
    if not isinstance(rank, int):
        raise InvalidDataset(f"{where}: rank {str(rank)[:100]!r} is no whole number")
    if not isinstance(score, int | float) or not isfinite(score):
        raise InvalidDataset(f"{where}: score {str(score)[:100]!r} is no finite number")
