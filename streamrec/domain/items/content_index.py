"""Items by the words and labels of their metadata, to find those that are like an item nobody chose yet."""

from array import array
from bisect import bisect_left, insort
from collections.abc import Collection, Iterable
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.items.content_tokens import DEFAULT_FIELDS, ContentField, tokens_of
from streamrec.domain.items.item import Item
from streamrec.domain.rows.growing import grown

N_NEIGHBOURS = 50
"""More than this and every new item of a category starts at the same point."""

_MOST_OF_A_TOKEN = 1000
"""Items looked at per token: bounds the work for a new item in a category of a million."""

_SORTED_AT_ONCE = 20
"""Entries of a list for each new one, below which it is sorted anew, as at a start."""

_ROW_BITS = 24
"""16 million items; above them stand the 32 bits of an id's hash."""


class ContentIndex:
    """Lists of the items that have a token, for each token; similarity is that of TF-IDF.

    A token that n of all N items have weighs log(1 + N / n). What two items share counts the sum of the
    squares of these weights, over the root of how many tokens the one that is found has (Manning, Raghavan,
    Schütze 2008, Introduction to Information Retrieval, section 6.4).

    An item is found once it was chosen: before, its row says nothing of its own. A list is in the order of
    hashes of ids, and the head of a long one is looked at: the same sample of items in every list, whatever
    came in which order.

    >>> index = ContentIndex()
    >>> for item_id, title in {"a": "war and peace", "b": "war of the worlds", "c": "peace"}.items():
    ...     index.put(Item(item_id, title=title))
    >>> index.put(Item("new", title="war of the roses"))
    >>> index.follow(["a", "b"])
    >>> index.neighbours("new")
    ['b', 'a']
    """

    def __init__(self, fields: Collection[ContentField] = DEFAULT_FIELDS) -> None:
        self._fields = fields
        self._tokens: dict[str, bytes] = {}
        self._row_of: dict[str, int] = {}
        self._ids: list[str] = []
        self._free: list[int] = []
        self._lists: dict[int, array[int]] = {}
        self._norms = np.zeros(0, np.float32)
        self._sums = np.zeros(0, np.float32)

    def put(self, item: Item) -> None:
        """Replace what is known of an item; whether it is found stays as it is."""
        is_found = item.item_id in self._row_of
        self.drop(item.item_id)
        tokens = tokens_of(item, self._fields)
        if tokens:
            self._tokens[item.item_id] = np.array(tokens, np.int32).tobytes()
        if is_found:
            self.follow([item.item_id])

    def drop(self, item_id: str) -> None:
        """Forget all of an item; an unknown id is ignored."""
        self.forget([item_id])
        self._tokens.pop(item_id, None)

    def follow(self, item_ids: Iterable[str]) -> None:
        """Let items that were chosen be found from now on, as far as anything is known of them."""
        entries_of: dict[int, list[int]] = {}
        for item_id in item_ids:
            if item_id not in self._row_of and item_id in self._tokens:
                tokens = self._tokens_of(item_id)
                row = self._next_row()
                self._ids[row] = item_id
                self._row_of[item_id] = row
                self._norms[row] = len(tokens) ** -0.5
                entry = _entry(item_id, row)
                for token in tokens:
                    entries_of.setdefault(token, []).append(entry)
        for token, entries in entries_of.items():
            self._insert(token, entries)

    def _insert(self, token: int, entries: list[int]) -> None:
        held = self._lists.setdefault(token, array("q"))
        if len(entries) * _SORTED_AT_ONCE > len(held):
            self._lists[token] = array("q", sorted([*held, *entries]))
        else:
            for entry in entries:
                insort(held, entry)

    def forget(self, item_ids: Iterable[str]) -> None:
        """Let items be found no more until they are chosen again; unknown ids are ignored."""
        for item_id in item_ids:
            row = self._row_of.pop(item_id, None)
            if row is None:
                continue
            entry = _entry(item_id, row)
            for token in self._tokens_of(item_id):
                entries = self._lists[token]
                del entries[bisect_left(entries, entry)]
                if not entries:
                    del self._lists[token]
            self._free.append(row)

    def neighbours(self, item_id: str) -> list[str]:
        """Return up to `N_NEIGHBOURS` items that were chosen and are like this one, nearest first."""
        lists = [self._lists[token] for token in self._tokens_of(item_id) if token in self._lists]
        # A copy: nothing may be put into an array while another one looks into its memory.
        heads = [np.array(entries[:_MOST_OF_A_TOKEN]) & _ROWS for entries in lists]
        for rows, entries in zip(heads, lists, strict=True):
            self._sums[rows] += np.log1p(len(self._row_of) / len(entries)) ** 2
        rows, scores = self._taken(heads)
        nearest = rows[np.argsort(-scores, kind="stable")[: N_NEIGHBOURS + 1]]
        ids = [self._ids[row] for row in nearest.tolist()]
        return [id_ for id_ in ids if id_ != item_id][:N_NEIGHBOURS]

    def _taken(self, heads: list[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return (M,) distinct rows and their scores, and bring the sums back to zero."""
        rows, scores = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
        for head in heads:
            left = head[self._sums[head] > 0]
            rows.append(left)
            scores.append(self._sums[left] * self._norms[left])
            self._sums[left] = 0
        return np.concatenate(rows), np.concatenate(scores)

    def _next_row(self) -> int:
        if self._free:
            return self._free.pop()
        self._ids.append("")
        self._norms, self._sums = (grown(numbers, len(self._ids)) for numbers in (self._norms, self._sums))
        return len(self._ids) - 1

    def _tokens_of(self, item_id: str) -> list[int]:
        tokens: list[int] = np.frombuffer(self._tokens.get(item_id, b""), np.int32).tolist()
        return tokens


_ROWS = (1 << _ROW_BITS) - 1


def _entry(item_id: str, row: int) -> int:
    return crc32(item_id.encode("utf-8", "backslashreplace")) << _ROW_BITS | row
