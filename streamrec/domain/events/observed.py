"""Events as the parts of the trainer's state observe them: by column, before they are learned."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.items.item_labels import ItemLabels
from streamrec.domain.users.less import Less

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
    is_again
        (P,) whether the user chose the same item lately.
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
    is_again: NDArray[np.bool_]
    values: NDArray[np.float64]
    labels: Sequence[ItemLabels]

    @property
    def counted(self) -> NDArray[np.float64]:
        """(P,) weights under the cap on what one user's events may count together."""
        counted: NDArray[np.float64] = self.weights * self.shares
        return counted


class Retracted(NamedTuple):
    """R distinct pairs of a user and an item, of which all that was said so far is taken back.

    Attributes
    ----------
    user_rows
        (R,).
    item_rows
        (R,); -1 of an item that has no row.
    item_ids
        R ids.
    timestamps
        (R,) Unix seconds of the events that took back.
    n_choices
        (R,) how often the item was among those that the user chose last.
    labels
        R labels of the items, as they are now.
    """

    user_rows: Rows
    item_rows: Rows
    item_ids: Sequence[str]
    timestamps: NDArray[np.float64]
    n_choices: Rows
    labels: Sequence[ItemLabels]

    @property
    def known(self) -> tuple[Rows, Rows]:
        """The user and item rows of those whose item has a row."""
        is_known = self.item_rows >= 0
        return self.user_rows[is_known], self.item_rows[is_known]


class Decision(NamedTuple):
    """Decision of a user on whether an item may be offered: the latest counts.

    Attributes
    ----------
    item_id
        Of an item that may have no row.
    is_dislike
        If not, it was chosen.
    less
        Set where less of what the item is like is wanted.
    """

    user_row: int
    item_id: str
    is_dislike: bool
    less: Less | None = None


class ObservedEvents(NamedTuple):
    """B events that take effect, in their order: choices and dislikes.

    Attributes
    ----------
    user_rows
        (B,).
    timestamps
        (B,) Unix seconds.
    decisions
        Dislikes, and the choices of those who dislike anything, in their order.
    choices
        Those of positive weight.
    """

    user_rows: Rows
    timestamps: NDArray[np.float64]
    decisions: Sequence[Decision]
    choices: Choices
