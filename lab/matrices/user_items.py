"""Matrix of what each user did with each item, over a whole history."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np
from numpy.typing import NDArray

from lab.matrices.cells import CellRules, Csr, cells_of
from streamrec.datasets.event_collector import EventCollector
from streamrec.datasets.event_set import CodedColumn, EventSet
from streamrec.datasets.files.read_report import ReadReport
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.item import Item
from streamrec.domain.rows.id_map import IdMap
from streamrec.errors import InvalidInput

_MAX_VALUE = 1e100  # its square is still a number, and so is the sum of many


@dataclass(frozen=True, eq=False)
class UserItems:
    """U users, I items and what stands between them.

    Attributes
    ----------
    users, items
        External ids -> rows and columns.
    cells
        (U, I) float64 counts or mean values.
    seen
        (U, I) the events of positive weight, counted.
    disliked
        (U, I) the events of negative weight, counted; these items are never offered to that user.
    is_hidden
        (I,) bool: items that are never offered to anybody.
    """

    users: IdMap
    items: IdMap
    cells: Csr
    seen: Csr
    disliked: Csr
    is_hidden: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Choices:
    """N events of positive weight by row, in order of time: (N,) each.

    Attributes
    ----------
    values
        NaN where an event has none.
    timestamps
        Unix seconds.
    """

    user_rows: NDArray[np.int64]
    item_rows: NDArray[np.int64]
    weights: NDArray[np.float64]
    values: NDArray[np.float64]
    timestamps: NDArray[np.float64]

    def amounts(self, rules: CellRules) -> NDArray[np.float64]:
        """Return (N,) what is summed up or averaged."""
        return self.values if rules.is_missing_aware else self.weights


def read_user_items(
    interactions: Iterable[Interaction], items: Sequence[Item], rules: CellRules
) -> tuple[UserItems, Choices]:
    """Return the matrix of a history, and the events that it is made of.

    Users get rows in the order of their first event, whatever its type and the rules: the matrices of one
    history fit each other. An item of the catalogue is known without any event.

    Raises
    ------
    InvalidInput
        When an id is no text or empty, or a value is infinite or beyond 1e100. NaN is no value.
    """
    events = in_columns(interactions).without_retracted()
    if (np.abs(events.values) > _MAX_VALUE).any():
        raise InvalidInput(f"a value lies beyond {_MAX_VALUE:g}: leave such events out")
    users, user_rows = _numbered(events.users)
    item_ids, item_rows = _numbered(events.items)
    item_ids.rows_of([item.item_id for item in items], add=True)
    shape = (len(users), len(item_ids))
    weights = _weights(events, rules)
    is_choice, is_dislike = weights > 0, weights < 0
    choices = Choices(
        user_rows[is_choice],
        item_rows[is_choice],
        weights[is_choice],
        events.values[is_choice],
        events.timestamps[is_choice],
    )
    matrix = UserItems(
        users,
        items=item_ids,
        cells=cells_of(choices.user_rows, choices.item_rows, choices.amounts(rules), shape, rules.cells),
        seen=_counted(choices.user_rows, choices.item_rows, shape),
        disliked=_counted(user_rows[is_dislike], item_rows[is_dislike], shape),
        is_hidden=_hidden(item_ids, items),
    )
    return matrix, choices


def _hidden(ids: IdMap, items: Sequence[Item]) -> NDArray[np.bool_]:
    is_hidden = np.zeros(len(ids), bool)
    is_hidden[ids.rows_of([item.item_id for item in items if item.is_hidden])] = True
    return is_hidden


def in_columns(interactions: Iterable[Interaction]) -> EventSet:
    """Return a history by column."""
    if isinstance(interactions, EventSet):
        return interactions
    collector = EventCollector()
    for line, interaction in enumerate(interactions):
        collector.add(line, interaction)
    return collector.finish("given", "", ReadReport())


def _numbered(column: CodedColumn) -> tuple[IdMap, NDArray[np.int64]]:
    """Return the ids that do occur, in the order of their codes, and each event's row."""
    codes, rows = np.unique(column.codes, return_inverse=True)
    ids = [column.names[code] for code in codes.tolist()]
    for id_ in ids:
        if not isinstance(id_, str) or not id_:
            raise InvalidInput(f"{id_!r} is no id: ids are text; write numbers as text, for example '1'")
    return IdMap(ids), rows.astype(np.int64)


def _weights(events: EventSet, rules: CellRules) -> NDArray[np.float64]:
    weights, (names, codes) = rules.weights(), (events.types.names, events.types.codes)
    if weights.go_by_type:
        return np.array([weights.of(name) for name in names], np.float64)[codes]
    pairs = zip(codes.tolist(), events.values.tolist(), strict=True)
    return np.array([weights.of(names[code], None if isnan(value) else value) for code, value in pairs])


def _counted(rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int]) -> Csr:
    return cells_of(rows, columns, np.ones(len(rows)), shape, "count")
