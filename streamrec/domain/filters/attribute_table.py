"""Table of what is known of many items, to find those that fulfil conditions."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.filters.condition import Condition, Conditions, all_hold
from streamrec.domain.filters.fact_column import FactColumn
from streamrec.domain.filters.facts import ATTRIBUTES, CATEGORY, facts_of, reading_of
from streamrec.domain.items.item import Item
from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.id_map import IdMap
from streamrec.domain.rows.item_numbers import ItemNumbers, Numbers
from streamrec.domain.rows.rows_by_number import RowsByNumber

MOST_ITEMS = 500_000
"""As many as the trainer knows."""

MOST_VALUES = 5_000_000
"""Of all items together, some 120 MB; texts that are all different come on top."""

MOST_NAMES = 1000

_MOST_REMEMBERED = 16
"""Answers to conditions that were asked before nothing changed."""

_MOST_COMPARED = 2000
"""Names among which one is looked for that may have been meant."""

_FEW_ROWS = 1000

_GONE = -1


@dataclass(eq=False)
class _Found:
    """Of each slot, and of an item that nobody knows, whether it fulfils; how many do; ids, once asked."""

    are_met: NDArray[np.bool_]
    n: int
    ids: Sequence[str] | None = None


class AttributeTable:
    """Facts of up to `most_items` items by columns; what does not fit in is left out, and counted.

    An item that changes gets another row, and its old one counts no more; once most rows do not, they go.

    Attributes
    ----------
    n_left_out
        Items that there was no room for.

    >>> table = AttributeTable()
    >>> table.put(Item("a", attributes={"price": 9}))
    >>> table.newest("attributes.price", now=10.0, n=1)
    (['a'], [9.0])
    """

    def __init__(self, most_items: int = MOST_ITEMS, most_values: int = MOST_VALUES) -> None:
        self._most_items = most_items
        self._most_values = most_values
        self._slots = IdMap()
        self._digests: dict[str, int] = {}
        self._row_of_slot = np.zeros(0, np.int64)
        self._slot_of_row = np.zeros(0, np.int64)
        self._n_rows = self._n_values = 0
        self._columns: dict[str, FactColumn] = {}
        self._slots_by_number = RowsByNumber(ItemNumbers())
        self._remembered: OrderedDict[Conditions, _Found] = OrderedDict()
        self._left_out: set[str] = set()

    def __len__(self) -> int:
        """Return how many items there are."""
        return len(self._slots)

    @property
    def n_left_out(self) -> int:
        """Items that there was no room for."""
        return len(self._left_out)

    def put(self, item: Item) -> None:
        """Replace what is known of an item; hidden ones are not there."""
        if item.is_hidden:
            self.drop(item.item_id)
            return
        facts = facts_of(item)
        digest = hash(tuple((name, type(value), value) for name, value in facts))
        if self._digests.get(item.item_id) == digest:
            return
        self._remembered.clear()
        if not self._has_room(item.item_id, len(facts)):
            self.drop(item.item_id)
            self._left_out.add(item.item_id)
            return
        self._left_out.discard(item.item_id)
        self._digests[item.item_id] = digest
        row = self._new_row(item.item_id)
        for name, value in facts:
            column = self._columns.get(name)
            if column is None:
                if len(self._columns) == MOST_NAMES:
                    continue
                column = self._columns[name] = FactColumn()
            column.put(row, reading_of(value))
        self._n_values += len(facts)

    def drop(self, item_id: str) -> None:
        """Forget an item; an unknown id is ignored."""
        self._left_out.discard(item_id)
        if self._digests.pop(item_id, None) is not None:
            self._remembered.clear()
            self._slots_by_number.put(item_id, _GONE)
            self._row_of_slot[self._slots.release(item_id)] = _GONE

    def ids(self) -> list[str]:
        """Return the ids of all items."""
        return list(self._digests)

    def ids_of(self, conditions: Conditions) -> Sequence[str]:
        """Return the ids of items that fulfil all conditions, those that changed last first."""
        found = self._found(conditions)
        if found.ids is None:
            rows = self._row_of_slot[: self._slots.n_rows]
            slots = np.flatnonzero(found.are_met[:-1])
            found.ids = self._slots.ids_at(slots[np.argsort(-rows[slots], kind="stable")].tolist())
        return found.ids

    def count(self, conditions: Conditions) -> int:
        """Return how many items fulfil all conditions."""
        return self._found(conditions).n

    def numbers_of(self, conditions: Conditions, items: ItemNumbers) -> Numbers:
        """Return (N,) those of a process's numbers whose items fulfil all conditions."""
        if not self._slots_by_number.are_of(items):
            self._slots_by_number = RowsByNumber(items)
        slots = self._slots_by_number.of(np.arange(len(items)), self._slots.rows_of)
        # An item that is not known has the last place: that of one of which nothing is known.
        return np.flatnonzero(self._found(conditions).are_met[slots])

    def newest(
        self, name: str, now: float, n: int, conditions: Conditions = ()
    ) -> tuple[list[str], list[float]]:
        """Return the ids of `n` items whose time of a name is the latest up to `now`, and these times.

        Parameters
        ----------
        conditions
            Which the items fulfil.
        """
        column = self._columns.get(name)
        if column is None:
            return [], []
        rows, times = column.newest_first(now)
        slots = self._slot_of_row[rows]
        counts = (self._row_of_slot[slots] == rows) & self._found(conditions).are_met[slots]
        slots, times = slots[counts], times[counts]
        # Of several times of an item the latest counts.
        firsts = np.sort(np.unique(slots, return_index=True)[1])[:n]
        return self._slots.ids_at(slots[firsts].tolist()), times[firsts].tolist()

    def warnings_about(self, conditions: Conditions) -> list[str]:
        """Return what to tell of conditions that no item fulfils, for each by itself."""
        if self.count(conditions):
            return []
        return [self._warning(one) for one in conditions if not self.count((one,))]

    def _warning(self, condition: Condition) -> str:
        name = condition.name.removeprefix(ATTRIBUTES)
        if condition.name == CATEGORY:
            wanted = ", ".join(repr(given.text[:80]) for given in condition.given[:5])
            names = self._columns[CATEGORY].texts if CATEGORY in self._columns else []
            return f"no item is of the category {wanted}" + _meant(condition.given[0].text, names)
        if condition.name not in self._columns:
            names = [
                known.removeprefix(ATTRIBUTES) for known in self._columns if known.startswith(ATTRIBUTES)
            ]
            return f"no item has the attribute {name[:80]!r}" + _meant(name, names)
        of_other_kind = self._columns[condition.name].of_other_kind(condition)
        because = f": {of_other_kind}, as all values of {name[:80]!r} are" if of_other_kind else ""
        return f"no item fulfils {str(condition)[:200]}{because}"

    def _found(self, conditions: Conditions) -> _Found:
        """Return what fulfils all conditions."""
        found = self._remembered.get(conditions)
        if found is None:
            are_met = self._fulfilling(conditions)
            found = self._remembered[conditions] = _Found(are_met, int(are_met[:-1].sum()))
            while len(self._remembered) > _MOST_REMEMBERED:
                self._remembered.popitem(last=False)
        self._remembered.move_to_end(conditions)
        return found

    def _fulfilling(self, conditions: Conditions) -> NDArray[np.bool_]:
        rows = np.ones(self._n_rows, np.bool_)
        for condition in conditions:
            rows &= self._rows_fulfilling(condition)
        slots = self._slot_of_row[: self._n_rows][rows]
        counts = self._row_of_slot[slots] == np.flatnonzero(rows)
        are_met = np.zeros(self._slots.n_rows + 1, np.bool_)
        are_met[slots[counts]] = True
        are_met[-1] = all_hold(conditions, Item(""))
        return are_met

    def _rows_fulfilling(self, condition: Condition) -> NDArray[np.bool_]:
        fulfil = np.zeros(self._n_rows, np.bool_)
        column = self._columns.get(condition.name)
        if column is not None:
            fulfil[column.fulfilling(condition)] = True
        return ~fulfil if condition.operator == "!=" else fulfil

    def _has_room(self, item_id: str, n_facts: int) -> bool:
        n_idle = self._n_rows - len(self)
        is_full = self._n_values + n_facts > self._most_values
        if n_idle > len(self) + _FEW_ROWS or (is_full and 10 * n_idle > self._n_rows):
            self._compact()
        is_there = item_id in self._digests
        return self._n_values + n_facts <= self._most_values and (is_there or len(self) < self._most_items)

    def _new_row(self, item_id: str) -> int:
        slot, row = self._slots.add(item_id), self._n_rows
        self._row_of_slot = grown(self._row_of_slot, slot + 1, fill=_GONE)
        self._slot_of_row = grown(self._slot_of_row, row + 1)
        self._row_of_slot[slot], self._slot_of_row[row] = row, slot
        self._slots_by_number.put(item_id, slot)
        self._n_rows += 1
        return row

    def _compact(self) -> None:
        """Let rows that count no more go."""
        slots = self._slot_of_row[: self._n_rows]
        counts = self._row_of_slot[slots] == np.arange(self._n_rows)
        new_rows = np.where(counts, np.cumsum(counts) - 1, _GONE)
        columns = {name: column.kept(new_rows) for name, column in self._columns.items()}
        self._columns = {name: column for name, column in columns.items() if column.n_values}
        self._n_values = sum(column.n_values for column in self._columns.values())
        kept = slots[counts]
        self._row_of_slot[kept] = np.arange(len(kept))
        self._slot_of_row, self._n_rows = kept.copy(), len(kept)


def _meant(name: str, known: list[str]) -> str:
    close = get_close_matches(name, list(islice(known, _MOST_COMPARED)), 1)
    return f"; did you mean {close[0][:80]!r}?" if close else ""
