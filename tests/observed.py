"""Columns of events, as the parts of a state observe them."""

import numpy as np

from streamrec.domain.events.observed import Choices
from streamrec.domain.items.item_labels import NO_LABELS


def choices(user_rows: np.ndarray, item_rows: np.ndarray) -> Choices:
    """Return choices of which nothing but users and items is known."""
    n = len(user_rows)
    return Choices(
        user_rows=user_rows,
        item_rows=item_rows,
        timestamps=np.zeros(n),
        times=np.zeros(n),
        weights=np.ones(n, np.float32),
        shares=np.ones(n),
        histories=np.zeros((n, 0), np.int64),
        is_again=np.zeros(n, np.bool_),
        values=np.full(n, np.nan),
        labels=[NO_LABELS] * n,
    )
