"""Models that the live one is held against: itself, as it was."""

import numpy as np
import torch
from numpy.typing import NDArray

from models.embedding import SharedRows
from models.gmf import GMF
from streamrec.domain.ranking.prequential import padded

CHECKPOINT, DAY = "checkpoint", "day"
"""The model of the last checkpoint that passed; and the one that was so at the beginning of the day."""

_LEAST_EVALUATED = 2000
"""Events that a model is held against the one before with, until it takes that one's place."""

_DAY_S = 86_400.0


class PastModels:
    """Copies of a model's shared rows: at its last checkpoints, and up to a day of stream time ago.

    Parameters
    ----------
    model
        The live one; as it is now, it is taken for good.
    now
        Unix seconds of the stream.
    """

    def __init__(self, model: GMF, now: float) -> None:
        self._model = model
        self._copies = dict.fromkeys((CHECKPOINT, DAY), model.shared_rows())
        self._day_began_at = now
        self._n_evaluated = 0

    def scores(self, user_row: int, n_items: int, at: float) -> dict[str, NDArray[np.floating]]:
        """Return by copy (n_items,), each item's score for a user at Unix seconds; -inf: unknown."""
        self._n_evaluated += 1
        model = self._model
        past = model.past_of(torch.tensor([user_row]), model.context.pause_s(user_row, at))
        own = model.users.rows[user_row]
        found: dict[SharedRows, NDArray[np.floating]] = {}
        for copy in self._copies.values():
            if copy not in found:
                found[copy] = padded(copy.logits(own, model.output, past).numpy()[:n_items], n_items)
        return {name: found[copy] for name, copy in self._copies.items()}

    def note_checkpoint(self, now: float, *, is_passed: bool) -> None:
        """Note that the model as it is now was written down.

        Parameters
        ----------
        now
            Unix seconds of the stream.
        is_passed
            Whether nothing speaks against it.
        """
        if not is_passed or self._n_evaluated < _LEAST_EVALUATED:
            return
        self._n_evaluated = 0
        if now >= self._day_began_at + _DAY_S:
            self._copies[DAY], self._day_began_at = self._copies[CHECKPOINT], now
        self._copies[CHECKPOINT] = self._model.shared_rows()

    def go_back(self) -> None:
        """Bring what users share back to the last checkpoint that passed; items that are newer stay."""
        self._model.put_back(self._copies[CHECKPOINT])
        self._n_evaluated = 0
