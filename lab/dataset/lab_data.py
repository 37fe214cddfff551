"""Files of the first step: interactions as Parquet, items in the product's own format, beside each other.

::

    interactions/part-00000.parquet   user_id, item_id, timestamp, type, value, session_id, in order of time
    interactions.items.jsonl          items; `streamrec replay --events .../interactions` finds them
"""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow
from numpy.typing import NDArray

from lab.steps.tables import read_table, write_table
from streamrec.datasets.event_set import CodedColumn, EventSet
from streamrec.datasets.files.item_files import catalog_path, iter_items, write_items
from streamrec.datasets.files.read_report import ReadReport
from streamrec.domain.items.item import Item
from streamrec.errors import CorruptArtifact

INTERACTIONS = "interactions"
EDITORIAL = "editorial"
"""Attribute, if it is true, and kind of items that are no products: articles, collections."""

SCHEMA = pyarrow.schema(
    {
        "user_id": pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
        "item_id": pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
        "timestamp": pyarrow.float64(),
        "type": pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
        "value": pyarrow.float64(),
        "session_id": pyarrow.int64(),
    }
)
_CODED = ("user_id", "item_id", "type")
_SESSION_GAP_S = 1800.0
"""Pause after which a user's next event begins a session, in data that brings none; as in web analytics."""


@dataclass(frozen=True, eq=False)
class LabData:
    """Interactions, items and sessions that the steps work on.

    Attributes
    ----------
    events
        N events in order of time; its `catalog` holds the items.
    sessions
        (N,) int64 number of each event's session.
    """

    events: EventSet
    sessions: NDArray[np.int64]


def is_editorial(item: Item) -> bool:
    """Return whether an item is no product.

    >>> is_editorial(Item("e1", kind="post", attributes={"editorial": True})), is_editorial(Item("p1"))
    (True, False)
    """
    return item.kind == EDITORIAL or item.attributes.get(EDITORIAL) in (True, "true")


def part_path(folder: Path, number: int) -> Path:
    """Return where a part of the interactions stands."""
    return folder / INTERACTIONS / f"part-{number:05d}.parquet"


def write_data(folder: Path, events: EventSet) -> None:
    """Write a data set as the first step does; sessions end with a pause of half an hour."""
    columns = [
        _dictionary(events.users),
        _dictionary(events.items),
        pyarrow.array(events.timestamps),
        _dictionary(events.types),
        pyarrow.array(events.values, mask=np.isnan(events.values)),
        pyarrow.array(sessions_of(events)),
    ]
    write_table(part_path(folder, 0), pyarrow.table(columns, schema=SCHEMA))
    write_items(catalog_path(folder / INTERACTIONS), events.catalog)


def read_data(folder: Path, content_hash: str = "") -> LabData:
    """Read what the first step wrote.

    Parameters
    ----------
    content_hash
        Of the folder's manifest, for the lineage of what is made of the events.

    Raises
    ------
    CorruptArtifact
        When a file is missing or torn.
    """
    table = read_table(folder / INTERACTIONS, SCHEMA.names, _CODED)
    users, items, types = (_coded(table.column(name)) for name in _CODED)
    items_path = catalog_path(folder / INTERACTIONS)
    if not items_path.is_file():
        raise CorruptArtifact(f"{items_path} is missing; run the step that makes it again")
    events = EventSet(
        folder.name,
        users=users,
        items=items,
        types=types,
        timestamps=table.column("timestamp").to_numpy(),
        values=table.column("value").to_numpy(),
        lines=np.arange(table.num_rows),
        catalog=tuple(iter_items(items_path)),
        content_hash=content_hash,
        report=ReadReport(n_read=table.num_rows),
    )
    return LabData(events, table.column("session_id").to_numpy())


def sessions_of(events: EventSet) -> NDArray[np.int64]:
    """Return (N,) numbers of sessions: a user's events without a pause of half an hour between them."""
    order = np.lexsort((np.arange(len(events)), events.timestamps, events.users.codes))
    users, times = events.users.codes[order], events.timestamps[order]
    begins = np.ones(len(events), bool)
    begins[1:] = (users[1:] != users[:-1]) | (np.diff(times) > _SESSION_GAP_S)
    sessions = np.empty(len(events), np.int64)
    sessions[order] = np.cumsum(begins) - 1
    return sessions


def _dictionary(column: CodedColumn) -> pyarrow.DictionaryArray:
    return pyarrow.DictionaryArray.from_arrays(
        pyarrow.array(column.codes, pyarrow.int32()), pyarrow.array(list(column.names), pyarrow.string())
    )


def _coded(column: pyarrow.ChunkedArray) -> CodedColumn:
    if column.num_chunks == 0:
        return CodedColumn(np.empty(0, np.int32), ())
    array = column.chunk(0)  # of a combined table
    codes = array.indices.to_numpy(zero_copy_only=False).astype(np.int32)
    return CodedColumn(codes, cast("list[str]", array.dictionary.to_pylist()))
