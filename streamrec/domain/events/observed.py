"""Events as the parts of the trainer's state observe them: by column, before they are learned."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.items.item_labels import ItemLabels

Rows = NDArray[np.int64]


class Choices(NamedTuple):
    """P events of positive weight, in their order.

    Attributes
    ----------
    user_rows, item_rows
        (P,).
    timestamps
        (P,) Unix seconds, as the events tell them.
    times
        (P,) seconds of stream time.
    weights
        (P,) float32, positive: how strongly each is learned.
    shares
        (P,) in (0, 1]: how much of its weight each counts, under the cap of its user.
    histories
        (P, H) item rows that the user chose before, newest first, each once and the event's own not at all;
        -1 where there is none.
    values
        (P,) what each event was worth, NaN where it does not say.
    labels
        P labels of the items.
    """

    user_rows: Rows
    item_rows: Rows
    timestamps: NDArray[np.float64]
    times: NDArray[np.float64]
    weights: NDArray[np.float32]
    shares: NDArray[np.float64]
    histories: Rows
    values: NDArray[np.float64]
    labels: Sequence[ItemLabels]

    @property
    def counted(self) -> NDArray[np.float64]:
        """(P,) weights under the cap on what one user's events may count together."""
        counted: NDArray[np.float64] = self.weights * self.shares
        return counted


class ObservedEvents(NamedTuple):
    """B events that take effect, in their order: choices and dislikes.

    Attributes
    ----------
    user_rows
        (B,).
    timestamps
        (B,) Unix seconds.
    dislikes
        User row and item id of each event of negative weight; its item may have no row.
    choices
        Those of positive weight.
    number
        Events that were taken in up to the last of these. The stream's begin at 1; those of a history that
        was learned before it end at 0.
    """

    user_rows: Rows
    timestamps: NDArray[np.float64]
    dislikes: Sequence[tuple[int, str]]
    choices: Choices
    number: int
