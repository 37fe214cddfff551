"""A table of learned rows that grows with the ids it stands for, and a copy of two such tables."""

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from streamrec.domain.rows.growing import grown, length_for

if TYPE_CHECKING:  # it knows of embeddings itself
    from models.context import Past

_BLOCK_ROWS = 1024
"""Rows drawn from one seed: a table that grew in small steps holds what one that grew at once holds."""

_AT_ONCE = 4096
"""Rows that are widened at once: in the processor's memory they cost less than the narrow ones save."""


class GrowableEmbedding:
    """N rows of D float32, of which `capacity` are allocated.

    A new row is drawn from a normal distribution by (seed, row) alone, so a replay after a crash finds the
    same start whatever the sequence of growth was. Growing keeps the old rows bit for bit, and copies none of
    a large table (`streamrec.domain.rows.growing`).

    Parameters
    ----------
    width
        D, columns of a row.
    std
        Standard deviation of a new row's entries.
    seed
        Two tables of one model need two seeds.
    n_zero_columns
        Columns at the end that start at zero, such as a bias.
    n_state_columns
        S, numbers that the optimizer keeps of each row; they start at zero.

    Attributes
    ----------
    rows
        (capacity, D); rows from `n_rows` on belong to nobody yet. Another tensor when the table has grown.
    state
        (capacity, S), what the optimizer keeps of each row. Grows with the rows.
    """

    def __init__(
        self, width: int, std: float, seed: int, *, n_zero_columns: int = 0, n_state_columns: int = 0
    ) -> None:
        self.width = width
        self.n_rows = 0
        self._have(np.zeros((0, width), np.float32), np.zeros((0, n_state_columns), np.float32))
        self._std = std
        self._seed = seed
        self._n_zero_columns = n_zero_columns

    @property
    def capacity(self) -> int:
        """Rows allocated."""
        return self.rows.shape[0]

    def grow_to(self, n_rows: int) -> None:
        """Have at least `n_rows` rows; fewer than there are changes nothing."""
        self.n_rows = max(self.n_rows, n_rows)
        if n_rows > self.capacity:
            self._allocate(-(-length_for(self._rows, n_rows) // _BLOCK_ROWS) * _BLOCK_ROWS)

    def reset(self, rows: Tensor) -> None:
        """Reset (B,) rows to their start, for their next ids."""
        for block in torch.unique(rows // _BLOCK_ROWS).tolist():
            inside = rows[rows // _BLOCK_ROWS == block]
            self.rows[inside] = self._block(block)[inside - block * _BLOCK_ROWS]
        self.state[rows] = 0

    def tensors(self) -> dict[str, Tensor]:
        """Return the rows in use and their optimizer state: views, not copies."""
        return {"rows": self.rows[: self.n_rows], "state": self.state[: self.n_rows]}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take over what `tensors` returned; rows beyond it start as new ones."""
        n_rows = tensors["rows"].shape[0]
        self._have(self._rows[:0], self._state[:0])
        self.n_rows = 0
        self.grow_to(n_rows)
        self.rows[:n_rows] = tensors["rows"]
        self.state[:n_rows] = tensors["state"]

    def _allocate(self, capacity: int) -> None:
        old = self.capacity
        # Zeros of a large table take memory only once something else is written.
        self._have(grown(self._rows, capacity), grown(self._state, capacity))
        if self._std:
            for start in range(old, capacity, _BLOCK_ROWS):
                self.rows[start : start + _BLOCK_ROWS] = self._block(start // _BLOCK_ROWS)

    def _have(self, rows: NDArray[np.float32], state: NDArray[np.float32]) -> None:
        # A tensor does not say in whose memory it lies: arrays do, and grow there.
        self._rows, self._state = rows, state
        self.rows, self.state = torch.from_numpy(rows), torch.from_numpy(state)

    def _block(self, block: int) -> Tensor:
        """Return the (_BLOCK_ROWS, D) start of a block of rows."""
        # A large odd factor keeps blocks of tables with neighbouring seeds apart.
        generator = torch.Generator().manual_seed((self._seed * 0x9E3779B1 + block) % 2**63)
        drawn = torch.randn(_BLOCK_ROWS, self.width, generator=generator) * self._std
        if self._n_zero_columns:
            drawn[:, -self._n_zero_columns :] = 0
        return drawn


class SharedRows:
    """The rows of N items, to be chosen by and as a past, with what the optimizer keeps of them.

    A user's own row is not part of it: the user's own events alone change it. So what the copy says of a user
    differs from what the model says by what others' events have done since. An item takes 4 D + 14 bytes.

    Parameters
    ----------
    items, past
        The model's embeddings of items.

    >>> from models.gmf import GMF
    >>> model = GMF(embedding_dim=4, std=0.1, seed=1)
    >>> model.grow_to(n_users=1, n_items=2)
    >>> copy = model.shared_rows()
    >>> model.items.rows[1] += 1.0
    >>> copy.logits(model.users.rows[0], model.output, model.past_of(torch.tensor([0]))).shape
    torch.Size([2])
    >>> copy.put_back(model.items, model.past)
    >>> bool(model.items.rows[1].abs().max() < 1.0)
    True
    """

    def __init__(self, items: GrowableEmbedding, past: GrowableEmbedding) -> None:
        n = items.n_rows
        self._items, self._past = items.rows[:n].half(), past.rows[:n].half()
        self._squares = items.state[:n].clone(), past.state[:n].clone()
        self._is_gone = torch.zeros(n, dtype=torch.bool)

    @property
    def n_rows(self) -> int:
        """N."""
        return len(self._items)

    def logits(self, own: Tensor, output: Tensor, past: "Past") -> Tensor:
        """Return (N,) logits of all items for a user; -inf of those that were forgotten since.

        Parameters
        ----------
        own
            (D,) the user's own row.
        output
            (D,) the output layer, which the stream does not change.
        past
            The last items of this one user; those that the copy does not know add nothing.
        """
        is_known = past.items[0] < self.n_rows
        shares = past.shares[0] * is_known
        rows = self._past[past.items[0] * is_known] if self.n_rows else self._past[:0]
        inner = own + (shares[: len(rows), None] * rows.float()).sum(dim=0)
        vector = torch.cat([inner * output, torch.ones(1)])
        parts = [
            self._items[start : start + _AT_ONCE].float() @ vector
            for start in range(0, self.n_rows, _AT_ONCE)
        ]
        logits = torch.cat(parts) if parts else torch.zeros(0)
        return logits.masked_fill_(self._is_gone, -torch.inf)

    def forget(self, rows: Tensor) -> None:
        """Leave (B,) rows out: they become other items'."""
        self._is_gone[rows[rows < self.n_rows]] = True

    def put_back(self, items: GrowableEmbedding, past: GrowableEmbedding) -> None:
        """Bring all rows but the forgotten ones back to what they were; newer ones stay."""
        rows = torch.nonzero(~self._is_gone)[:, 0]
        items.rows[rows], past.rows[rows] = self._items[rows].float(), self._past[rows].float()
        items.state[rows], past.state[rows] = (squares[rows] for squares in self._squares)
