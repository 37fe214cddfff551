"""The context of a user: the items chosen last, as a part of the user's vector.

A user vector holds the weighted mean of the rows that the user's last items have as a history: Kabbur et al.
2013, FISM, section 4, with both sets of factors, and weights that fade with every later item and with time.
Two clicks are a vector, and every event moves it at once.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.context_tables import (
    FIRST_GAP_S,
    N_AHEAD,
    NOTHING,
    ContextTables,
    follow,
    order_shares,
    scale_of,
    shares_after,
    times_of_newest,
)
from models.embedding import GrowableEmbedding
from streamrec.domain.rows.growing import grown, lengthened
from streamrec.domain.rows.marked_rows import GoneRows, Marks, clear_lines
from streamrec.domain.users.context import ContextRules, Weighing


class Past(NamedTuple):
    """The last items of B users.

    Attributes
    ----------
    items
        (B, n) item rows, the newest first; any row where the share is zero.
    shares
        (B, n) what each adds to the user's vector; zero where there is none.
    """

    items: Tensor
    shares: Tensor

    def mean(self, rows: GrowableEmbedding) -> Tensor:
        """Return (B, D), the part of the users' vectors that the items' (I, D) `rows` make."""
        if not rows.capacity:
            return torch.zeros(len(self.items), rows.width)
        return functional.embedding_bag(self.items, rows.rows, mode="sum", per_sample_weights=self.shares)


class Context:
    """The last `n` items of every user, and what they weigh.

    An item weighs ``decay ** (number of later ones) * (floor + (1 - floor) * exp(-gap / scale))``. The scale
    is the geometric mean of the gaps between a user's events, times `n_scales`: seconds where people rate one
    film after the other, days where they come back for each.

    Parameters
    ----------
    n
        Items of a user; 0: a user is the own row alone.
    decay
        An item weighs so much of the one after it.
    floor
        Share of the weight that time does not take away.

    Attributes
    ----------
    gone
        Items that were forgotten, and that users' last items may name still.

    >>> context = Context(n=2, decay=0.5)
    >>> user = torch.tensor([0])
    >>> for item in (7, 8, 9):
    ...     context.follow(user, torch.tensor([item]), np.array([100.0]))
    >>> context.of(user).items.tolist(), [round(share, 2) for share in context.of(user).shares[0].tolist()]
    ([[9, 8]], [0.67, 0.33])
    """

    def __init__(self, n: int, decay: float = 0.95, floor: float = 0.1, n_scales: float = 2.0) -> None:
        self._rules = ContextRules(n, decay, floor)
        fading = decay ** np.arange(n, dtype=np.float32)
        scale = np.array([math.log(FIRST_GAP_S), 0.0])
        self._tables = ContextTables(*_room(n), fading.astype(np.float32), floor, scale, n_scales)
        self._n_users = 0
        self.gone = GoneRows(lambda: len(self._tables.latest), self._clear)

    @property
    def n(self) -> int:
        """Items of a user at most."""
        return len(self._tables.fading)

    @property
    def scale_s(self) -> float:
        """Seconds after which an item weighs 1/e of what it did, beside the floor."""
        return float(scale_of(self._tables.scale, self._tables.n_scales))

    @property
    def weighing(self) -> Weighing:
        """Rules and scale by which others weigh items alike."""
        return Weighing(self._rules, self.scale_s)

    def grow_to(self, n_users: int) -> None:
        """Have room for at least so many users."""
        self._n_users = max(self._n_users, n_users)
        capacity = len(self._tables.latest)
        if n_users > capacity:
            tables = self._tables
            latest = grown(tables.latest, n_users, fill=NOTHING)
            times = lengthened(tables.times, len(latest))
            slots = lengthened(tables.slots, len(latest))
            times[capacity:], slots[capacity:] = 0, NOTHING
            self._tables = tables._replace(latest=latest, times=times, slots=slots)

    def of(self, users: Tensor, pause_s: float = 0.0) -> Past:
        """Return the past of (B,) users, as it is so many seconds after their newest item."""
        rows = users.numpy()
        self.gone.clear(rows)
        latest = self._tables.latest[rows]
        shares = shares_after(self._tables, rows, pause_s)
        return Past(torch.from_numpy(latest.clip(min=0).astype(np.int64)), torch.from_numpy(shares))

    def order_shares(self, users: Tensor) -> NDArray[np.float32]:
        """Return (B,) of what users' items weigh at the newest, the part that time does not take away."""
        self.gone.clear(users.numpy())
        return order_shares(self._tables, users.numpy())

    def pause_s(self, user: int, at: float) -> float:
        """Return the seconds since a user's newest item, 0 for one without any, or of a later one."""
        self.gone.clear(np.array([user]))
        tables = self._tables
        if user >= len(tables.latest) or not self.n or tables.latest[user, 0] < 0:
            return 0.0
        return max(0.0, at - float(tables.times[user, 0]))

    def times_of(self, users: NDArray[np.int64], histories: Sequence[NDArray[np.int64]]) -> list[list[int]]:
        """Return when the newest items of (B,) users' histories, newest last, were chosen, in Unix seconds.

        Of as many as are known here: where only a part of a history was learned, some are not.
        """
        if not len(users):
            return []
        self.gone.clear(users)
        ends = np.cumsum([len(history) for history in histories])
        times, n_known = times_of_newest(self._tables, users, np.concatenate(histories), ends)
        return [of_user[:n] for of_user, n in zip(times.tolist(), n_known.tolist(), strict=True)]

    def follow(self, users: Tensor, items: Tensor, times: NDArray[np.float64]) -> None:
        """Put (B,) items, chosen at (B,) Unix seconds, before their users' earlier ones, in order."""
        self.grow_to(int(users.max()) + 1 if len(users) else 0)
        self.gone.clear(users.numpy())
        follow(self._tables, users.numpy(), items.numpy(), times)

    def tables_for(self, users: NDArray[np.int64]) -> ContextTables:
        """Return the memory itself, to learn of (B,) users."""
        self.gone.clear(users)
        return self._tables

    def tables(self) -> ContextTables:
        """Return the memory itself."""
        return self._tables

    def clear(self) -> None:
        """Forget all choices; how long gaps are is kept."""
        self._tables.latest.fill(NOTHING)

    def forget_users(self, rows: Tensor) -> None:
        """Forget the choices of (B,) users."""
        self._tables.latest[rows[rows < len(self._tables.latest)].numpy()] = NOTHING

    def forget_pairs(self, users: NDArray[np.int64], items: NDArray[np.int64]) -> None:
        """Leave (R,) items out of their users' last ones, which then are as if these had never been there."""
        self.gone.clear(users)
        latest, times, slots = self._tables.latest, self._tables.times, self._tables.slots
        for user, item in zip(users.tolist(), items.tolist(), strict=True):
            if user >= len(latest):
                continue
            left = np.flatnonzero(latest[user] != item)
            if len(left) < self.n:
                latest[user, : len(left)], latest[user, len(left) :] = latest[user, left], NOTHING
                times[user, : len(left)], times[user, len(left) :] = times[user, left], 0
                kept = slots[user][:, left[left < slots.shape[2]]]
                slots[user] = NOTHING
                slots[user, :, : kept.shape[1]] = kept

    def forget_items(self, rows: Tensor) -> None:
        """Leave (B,) items out: their rows become others' once all users were gone through."""
        self.gone.mark(rows.numpy())

    def _clear(self, users: NDArray[np.int64], is_gone: Marks) -> None:
        clear_lines(self._tables.latest, users, is_gone)

    def tensors(self) -> dict[str, Tensor]:
        """Return what is remembered, by name, to be stored: views, not copies."""
        tables = self._tables
        of_users = {"latest": tables.latest, "times": tables.times.view(np.int32), "slots": tables.slots}
        stored = {name: torch.from_numpy(array[: self._n_users]) for name, array in of_users.items()}
        return stored | {"scale": torch.from_numpy(tables.scale)}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take over (copies of) what `tensors` returned, also from a context of another length.

        One from before times were kept knows its items alone.
        """
        latest = tensors["latest"].numpy()
        n_users, n = len(latest), min(latest.shape[1], self.n)
        self._n_users = 0
        room = _room(self.n)
        self._tables = self._tables._replace(latest=room.latest, times=room.times, slots=room.slots)
        self.grow_to(n_users)
        tables = self._tables
        tables.latest[:n_users, :n] = latest[:, :n]
        if "times" in tensors:
            tables.times[:n_users, :n] = tensors["times"].numpy().view(np.uint32)[:, :n]
            tables.slots[:n_users] = tensors["slots"].numpy()
            tables.scale[:] = tensors["scale"].numpy()


class _Room(NamedTuple):
    """Memory of users, as in `ContextTables`."""

    latest: NDArray[np.int32]
    times: NDArray[np.uint32]
    slots: NDArray[np.int32]


def _room(n: int) -> _Room:
    """Return memory of no user so far, for `n` items of each."""
    return _Room(
        np.zeros((0, n), np.int32),
        np.zeros((0, n), np.uint32),
        np.zeros((0, 2, (1 + N_AHEAD) * (n > 0)), np.int32),
    )
