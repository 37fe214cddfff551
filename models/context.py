"""The context of a user: the items chosen last, as a part of the user's vector.

A user vector holds the weighted mean of the rows that the user's last items have as a history: Kabbur et al.
2013, FISM, section 4, with both sets of factors, and weights that fade with every later item and with time.
Two clicks are a vector, and every event moves it at once.
"""

import math
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
    scale_of,
    shares_at_newest,
)
from models.embedding import GrowableEmbedding
from streamrec.domain.rows.growing import grown, lengthened
from streamrec.domain.rows.marked_rows import clear_rows
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

    def of(self, users: Tensor) -> Past:
        """Return the past of (B,) users, as it was with their newest item."""
        rows = users.numpy()
        latest = self._tables.latest[rows]
        shares = shares_at_newest(self._tables, rows)
        return Past(torch.from_numpy(latest.clip(min=0).astype(np.int64)), torch.from_numpy(shares))

    def times_of(self, row: int, history: NDArray[np.int64]) -> list[int]:
        """Return when the newest of a user's (H,) items, newest last, were chosen: whole Unix seconds.

        Of as many as are known here: where only a part of a history was learned, some are not.
        """
        if row >= len(self._tables.latest):
            return []
        is_there = self._tables.latest[row] >= 0
        items, times = self._tables.latest[row][is_there], self._tables.times[row][is_there]
        n = min(len(items), len(history))
        differing = np.flatnonzero(items[:n] != history[::-1][:n])
        n_known = int(differing[0]) if len(differing) else n
        known: list[int] = times[:n_known][::-1].tolist()
        return known

    def follow(self, users: Tensor, items: Tensor, times: NDArray[np.float64]) -> None:
        """Put (B,) items, chosen at (B,) Unix seconds, before their users' earlier ones, in order."""
        self.grow_to(int(users.max()) + 1 if len(users) else 0)
        follow(self._tables, users.numpy(), items.numpy(), times)

    def tables(self) -> ContextTables:
        """Return the memory itself."""
        return self._tables

    def clear(self) -> None:
        """Forget all choices; how long gaps are is kept."""
        self._tables.latest.fill(NOTHING)

    def forget_users(self, rows: Tensor) -> None:
        """Forget the choices of (B,) users."""
        self._tables.latest[rows[rows < len(self._tables.latest)].numpy()] = NOTHING

    def forget_items(self, rows: Tensor) -> None:
        """Leave (B,) items out: their rows may become others'."""
        clear_rows(self._tables.latest, rows.numpy())

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
