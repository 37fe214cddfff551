"""The context of a user: the items chosen last, as a part of the user's vector.

A user vector holds the weighted mean of the rows that the user's last items have as a history: Kabbur et al.
2013, FISM, section 4, with both sets of factors, and weights that fade with every later item and with time.
Two clicks are a vector, and every event moves it at once.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.context_tables import (
    FIRST_GAP_S,
    NOTHING,
    ContextTables,
    all_of,
    follow,
    last_of,
    newest_of,
    order_shares,
    scale_of,
    shares_after,
    shortened,
    times_of_newest,
)
from models.embedding import GrowableEmbedding
from streamrec.domain.blocks.block_memory import clear_marked
from streamrec.domain.blocks.columns import ColumnMemory
from streamrec.domain.rows.growing import grown
from streamrec.domain.rows.marked_rows import GoneRows, Marks
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
        self._last = ColumnMemory(n, n_columns=2)
        self._tables = ContextTables(
            self._last.blocks,
            seconds=self._last.blocks.cells.view(np.uint32),
            kept=np.zeros((0, 2), np.int32),
            fading=fading.astype(np.float32),
            floor=floor,
            scale=scale,
            n_scales=n_scales,
        )
        self._n_users = 0
        self.gone = GoneRows(lambda: self._last.n_rows, self._clear)

    @property
    def n(self) -> int:
        """Items of a user at most."""
        return len(self._tables.fading)

    @property
    def n_bytes(self) -> int:
        """Bytes of users' last items."""
        return self._last.n_bytes + self._tables.kept.nbytes

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
        if n_users > len(self._tables.kept):
            kept = grown(self._tables.kept, n_users)
            self._last.grow_to(len(kept))
            self._tables = self._tables._replace(blocks=self._last.blocks, kept=kept)

    def last(self, users: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """Return (B, n) users' last items, newest first, -1 at the end, and (B, n) their Unix seconds."""
        self.gone.clear(users)
        return last_of(self._tables, users)

    def of(self, users: Tensor, pause_s: float = 0.0) -> Past:
        """Return the past of (B,) users, as it is so many seconds after their newest item."""
        rows = users.numpy()
        items, _ = self.last(rows)
        shares = shares_after(self._tables, rows, pause_s)
        return Past(torch.from_numpy(items.clip(min=0)), torch.from_numpy(shares))

    def order_shares(self, users: Tensor) -> NDArray[np.float32]:
        """Return (B,) of what users' items weigh at the newest, the part that time does not take away."""
        self.gone.clear(users.numpy())
        return order_shares(self._tables, users.numpy())

    def pause_s(self, user: int, at: float) -> float:
        """Return the seconds since a user's newest item, 0 for one without any, or of a later one."""
        if user >= self._last.n_rows or not self.n:
            return 0.0
        items, times = self.last(np.array([user]))
        return max(0.0, at - float(times[0, 0])) if items[0, 0] >= 0 else 0.0

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
        follow(self.tables_for(users.numpy()), users.numpy(), items.numpy(), times)

    def tables_for(self, users: NDArray[np.int64]) -> ContextTables:
        """Return the memory itself, with room to learn of (B,) users, who may be the same."""
        self.gone.clear(users)
        self._last.make_room_for(len(users))
        self._have_blocks()
        return self._tables

    def _have_blocks(self) -> None:
        blocks = self._last.blocks
        self._tables = self._tables._replace(blocks=blocks, seconds=blocks.cells.view(np.uint32))

    def tables(self) -> ContextTables:
        """Return the memory itself."""
        return self._tables

    def clear(self) -> None:
        """Forget all choices; how long gaps are is kept."""
        self._forget(np.arange(self._last.n_rows))

    def forget_users(self, rows: Tensor) -> None:
        """Forget the choices of (B,) users."""
        known = rows.numpy()
        self._forget(known[known < self._last.n_rows])

    def _forget(self, users: NDArray[np.int64]) -> None:
        self._last.release(users)
        self._tables.kept[users] = 0

    def forget_pairs(self, users: NDArray[np.int64], items: NDArray[np.int64]) -> None:
        """Leave (R,) items out of their users' last ones, which then are as if these had never been there."""
        self.gone.clear(users)
        for user, item in zip(users.tolist(), items.tolist(), strict=True):
            if user < self._last.n_rows:
                last = self._last.of(user)
                left = last[:, last[0] != item]
                last[:, : left.shape[1]], last[:, left.shape[1] :] = left, NOTHING

    def forget_items(self, rows: Tensor) -> None:
        """Leave (B,) items out: their rows become others' once all users were gone through."""
        self.gone.mark(rows.numpy())

    def _clear(self, users: NDArray[np.int64], is_gone: Marks) -> None:
        clear_marked(self._last.blocks, users, is_gone)

    def tensors(self) -> dict[str, Tensor]:
        """Return what is remembered, by name, to be stored: copies of what users chose."""
        tables = self._tables
        n_items, items, times = all_of(tables, self._n_users)
        stored = {"n_items": n_items, "items": items, "seconds": times.view(np.int32)}
        stored |= {"kept": tables.kept[: self._n_users], "scale": tables.scale}
        return {name: torch.from_numpy(array) for name, array in stored.items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over (copies of) what `tensors` returned, also from a context of another length.

        One from before each user's memory was as long as needed tells of no events that are kept for replay:
        to their contexts nothing is added any more. One from before times were kept knows its items alone.
        """
        self._n_users = 0
        if "latest" in tensors:
            times = tensors["times"].numpy() if "times" in tensors else None
            n_items, columns = shortened(tensors["latest"].numpy(), times)
        else:
            n_items = tensors["n_items"].numpy()
            columns = np.stack([tensors[name].numpy() for name in ("items", "seconds")])
        self._last.load(*newest_of(n_items, columns, self.n))
        self._tables = self._tables._replace(kept=np.zeros((0, 2), np.int32))
        self.grow_to(len(n_items))
        self._have_blocks()
        if "kept" in tensors:
            self._tables.kept[: len(n_items)] = tensors["kept"].numpy()
        if "scale" in tensors:
            self._tables.scale[:] = tensors["scale"].numpy()
