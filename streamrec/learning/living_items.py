"""Items that may stand as negatives."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.growing import grown
from streamrec.learning.sampling import Rows


class LivingItems:
    """Rows of items that were chosen, and not forgotten since: the others stand against nothing.

    Attributes
    ----------
    is_alive
        (capacity,) by row.
    n_items
        (1,) rows up to the highest that was chosen.
    """

    def __init__(self) -> None:
        self.is_alive = np.zeros(0, np.bool_)
        self.n_items = np.zeros(1, np.int64)

    def grow_to(self, n_items: int) -> None:
        """Have room for so many rows."""
        self.is_alive = grown(self.is_alive, n_items)

    def add(self, item_rows: Rows) -> None:
        """Note the items of (B,) positives."""
        n_items = int(item_rows.max(initial=-1)) + 1
        self.grow_to(n_items)
        self.is_alive[item_rows] = True
        self.n_items[0] = max(self.n_items[0], n_items)

    def forget(self, item_rows: Rows) -> None:
        """Leave these out until they are chosen again."""
        self.is_alive[item_rows[item_rows < len(self.is_alive)]] = False

    def arrays(self) -> dict[str, NDArray[np.bool_]]:
        """Return the state, for a checkpoint."""
        return {"is_alive": self.is_alive[: self.n_items[0]]}

    def load(self, arrays: Mapping[str, NDArray[np.bool_]]) -> None:
        """Take over a copy of what `arrays` returned."""
        self.is_alive = arrays["is_alive"].astype(np.bool_)
        self.n_items[0] = len(self.is_alive)
