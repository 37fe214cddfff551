"""Past events that are learned again: the newest ones, and a fair sample of all.

Replay keeps what was learned of items and users that the stream does not speak of now (Vinagre, Jorge, Gama
2015, Collaborative filtering with recency-based negative feedback, and the replay buffers of continual
learning). Half of the replays are of the last events, half of all times: a sample that every event is in with
the same chance, whatever the stream's length (Vitter 1985, Random sampling with a reservoir, algorithm R).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.context_tables import N_AHEAD
from streamrec.domain.rows.compiled import GOLDEN, compiled_in_place, inlined, mixed
from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.marked_rows import clear_lines, is_among, marked

_NOTHING = -1

MOST_OF_USER = 2 * (1 + N_AHEAD)
"""Events of a user that are linked: those that something may be added to, and as many that were forgotten."""

_SALT = np.uint64(0xD1B54A32D192ED03)
"""So that an event draws its replays and its negatives from different numbers."""


class ReplayTables(NamedTuple):
    """Memory of past events, for the loops that learn: M slots, the first `n_recent` a ring of the newest.

    Attributes
    ----------
    users, items
        (M,) rows; an item of -1: nothing is kept here.
    weights, times
        (M,) with which and when, in Unix seconds, each was learned.
    context, context_times
        (M, N_AHEAD + n) item rows that the user chose around the event, newest first, and when; -1: none.
    older
        (M,) where the event before is kept of the same user, in the same part: the slot plus one, 0: nowhere.
    n_seen
        (1,) events offered so far.
    counts
        (I,) how often each item stands in the ring.
    n_recent, n_sampled
        Slots of the ring and of the sample of all times.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    weights: NDArray[np.float32]
    times: NDArray[np.uint32]
    context: NDArray[np.int32]
    context_times: NDArray[np.uint32]
    older: NDArray[np.int32]
    n_seen: NDArray[np.int64]
    counts: NDArray[np.int32]
    n_recent: int
    n_sampled: int


class ReplayMemory:
    """Events to be learned again, each with the context that it was chosen in.

    Parameters
    ----------
    n_recent
        The newest so many are kept, and make half of the replays.
    n_sampled
        Sample of all events: so many at most.
    n_context
        Items around an event.
    """

    def __init__(self, n_recent: int, n_sampled: int, n_context: int) -> None:
        self._tables = ReplayTables(
            np.zeros(0, np.int32),
            items=np.zeros(0, np.int32),
            weights=np.zeros(0, np.float32),
            times=np.zeros(0, np.uint32),
            context=np.zeros((0, N_AHEAD + n_context), np.int32),
            context_times=np.zeros((0, N_AHEAD + n_context), np.uint32),
            older=np.zeros(0, np.int32),
            n_seen=np.zeros(1, np.int64),
            counts=np.zeros(0, np.int32),
            n_recent=n_recent,
            n_sampled=n_sampled,
        )

    @property
    def n_bytes(self) -> int:
        """Bytes of what is kept."""
        return sum(tensor.nbytes for tensor in self.tensors().values())

    def tables(self, n_more: int = 0, n_items: int = 0) -> ReplayTables:
        """Return the memory itself, with room for so many more events, of so many items."""
        tables = self._tables
        n_slots = tables.n_recent + min(int(tables.n_seen[0]) + n_more, tables.n_sampled)
        if n_slots > len(tables.items):
            self._tables = tables._replace(
                users=grown(tables.users, n_slots),
                items=grown(tables.items, n_slots, fill=_NOTHING),
                weights=grown(tables.weights, n_slots),
                context=grown(tables.context, n_slots, fill=_NOTHING),
                times=grown(tables.times, n_slots),
                context_times=grown(tables.context_times, n_slots),
                older=grown(tables.older, n_slots),
            )
        if n_items > len(tables.counts):
            self._tables = self._tables._replace(counts=grown(tables.counts, n_items))
        return self._tables

    def forget_users(self, rows: Tensor) -> None:
        """Keep no event of (B,) users."""
        _empty(self._tables.users, self._tables.items, marked(rows.numpy()))
        self._count()

    def forget_items(self, rows: Tensor) -> None:
        """Keep no event of (B,) items, nor them as others' context."""
        is_gone = marked(rows.numpy())
        _empty(self._tables.items, self._tables.items, is_gone)
        clear_lines(self._tables.context, np.arange(len(self._tables.context)), is_gone)
        self._count()

    def forget_pairs(self, users: NDArray[np.int64], items: NDArray[np.int64]) -> None:
        """Keep no event of (R,) pairs of a user and an item, nor the item as that user's context."""
        tables = self._tables
        lines = np.flatnonzero(np.isin(tables.users, users))
        of_lines = tables.users[lines]
        for user, item in zip(users.tolist(), items.tolist(), strict=True):
            own = lines[of_lines == user]
            tables.items[own[tables.items[own] == item]] = _NOTHING
            tables.context[own] = np.where(tables.context[own] == item, _NOTHING, tables.context[own])
        self._count()

    def tensors(self) -> dict[str, Tensor]:
        """Return what is kept, by name, to be stored: views, not copies."""
        tables = self._tables
        n_slots = min(len(tables.items), tables.n_recent + min(int(tables.n_seen[0]), tables.n_sampled))
        stored = {name: getattr(tables, name)[:n_slots] for name in _STORED} | {"n_seen": tables.n_seen}
        # safetensors keeps no unsigned integers of this width for torch.
        return {
            name: torch.from_numpy(array.view(np.int32) if array.dtype == np.uint32 else array)
            for name, array in stored.items()
        }

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over (copies of) what `tensors` returned; of other sizes it is not taken: it fills itself."""
        tables = self._tables
        n_slots, n_seen = len(tensors["items"]), int(tensors["n_seen"][0])
        fitting = 0, tables.n_recent + min(n_seen, tables.n_sampled)
        if tensors["context"].shape[1] == tables.context.shape[1] and n_slots in fitting:
            loaded = {
                name: tensors[name].numpy().view(getattr(tables, name).dtype).copy()
                for name in (*_STORED, "n_seen")
                if name != "older" or name in tensors
            }
            # In one from before there were links nothing is added to the contexts any more.
            loaded.setdefault("older", np.zeros(n_slots, np.int32))
            self._tables = tables._replace(**loaded)
            self._count()

    def _count(self) -> None:
        """Count the items in the ring anew."""
        tables = self._tables
        ring = tables.items[: tables.n_recent]
        counts = np.bincount(ring[ring >= 0], minlength=len(tables.counts))
        self._tables = tables._replace(counts=counts.astype(np.int32))


_STORED = ("users", "items", "weights", "times", "context", "context_times", "older")


@inlined
def drawn(tables: ReplayTables, number: int, seed: np.uint64) -> int | np.integer[Any]:
    """Return the slot of an event's `number`-th replay, from 1; -1 where nothing is kept."""
    n_seen = tables.n_seen[0]
    is_recent = number % 2 == 1
    n = min(n_seen, np.int64(tables.n_recent if is_recent else tables.n_sampled))
    fraction = mixed((seed ^ _SALT) + np.uint64(number) * GOLDEN) >> np.uint64(32)
    slot = np.int64((fraction * np.uint64(n)) >> np.uint64(32)) + (0 if is_recent else tables.n_recent)
    return slot if n > 0 and tables.items[slot] >= 0 else _NOTHING


@inlined
def next_slots(tables: ReplayTables, seed: np.uint64) -> tuple[np.integer[Any], np.integer[Any]]:
    """Count an event; return the slots that it takes in the ring and in the sample, -1: none."""
    n_seen = tables.n_seen[0]
    tables.n_seen[0] = n_seen + 1
    recent = np.int64(n_seen % tables.n_recent) if tables.n_recent else np.int64(_NOTHING)
    at = n_seen
    if n_seen >= tables.n_sampled:
        # 63 bits of chance, of which the remainder is fair to within 1e-9 at any length of a stream.
        at = np.int64((mixed(seed) >> np.uint64(1)) % np.uint64(n_seen + 1))
    return recent, tables.n_recent + at if at < tables.n_sampled else np.int64(_NOTHING)


@inlined
def count_newest(tables: ReplayTables, slot: int | np.integer[Any], item: int | np.integer[Any]) -> None:
    """Count an item that takes the place of another in a slot of the ring."""
    if tables.items[slot] >= 0:
        tables.counts[tables.items[slot]] -= 1
    tables.counts[item] += 1


@inlined
def link_to(
    tables: ReplayTables, kept: NDArray[np.int32], of: tuple[Any, int, Any], link: int | np.integer[Any]
) -> None:
    """Let a link lead elsewhere.

    Parameters
    ----------
    kept
        As in `ContextTables`.
    of
        The user, the part, and the slot whose link it is; -1: the user's, to the newest.
    """
    user, kind, later = of
    if later < 0:
        kept[user, kind] = link
    else:
        tables.older[later] = link


@inlined
def let_go(tables: ReplayTables, kept: NDArray[np.int32], kind: int, slot: int | np.integer[Any]) -> None:
    """Take an event off its user's chain, whose place another takes."""
    user = np.int64(tables.users[slot])
    later, link = np.int64(-1), np.int64(kept[user, kind] if user < len(kept) else 0)
    for _ in range(MOST_OF_USER):
        if not 0 < link <= len(tables.older):
            break
        if link - 1 == slot:
            link_to(tables, kept, (user, kind, later), tables.older[slot])
            break
        later, link = link - 1, np.int64(tables.older[link - 1])


@compiled_in_place
def _empty(rows: NDArray[np.int32], items: NDArray[np.int32], is_gone: NDArray[np.bool_]) -> None:
    for slot in range(len(rows)):
        if is_among(rows[slot], is_gone):
            items[slot] = _NOTHING
