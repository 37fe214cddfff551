"""Bounds of the rows of a sound model: docs/adr/0018-one-event-after-the-other.md derives them."""

from collections.abc import Mapping

import torch
from torch import Tensor

USER_NORM = 64.0
ITEM_NORM = 16.0
BIAS = 32.0
LEAST_OUTPUT, MOST_OUTPUT = 0.5, 2.0

_SLACK = 1.001
"""Rounding: a row on the ball may stand a little outside it."""


def flaw_of(tensors: Mapping[str, Tensor]) -> str | None:
    """Return what of a model's tensors, by their names in `GMF.tensors`, is not finite or beyond its bound.

    >>> flaw_of({"users.rows": torch.tensor([[3.0, 4.0], [float("nan"), 0.0]])})
    'user row 1 is of size nan, which is not within 64'
    """
    items = tensors.get("items.rows", torch.zeros(0, 1))
    users, output = tensors.get("users.rows", torch.zeros(0, 1)), tensors.get("output", torch.ones(1))
    return (
        flaw_of_rows("user row", users, USER_NORM)
        or flaw_of_rows("item row", items[:, :-1], ITEM_NORM)
        or flaw_of_rows("row of an item as past", tensors.get("past.rows", torch.zeros(0, 1)), ITEM_NORM)
        or flaw_of_rows("bias of item", items[:, -1:], BIAS)
        or flaw_of_rows("entry of the output layer", output.unsqueeze(1), MOST_OUTPUT)
    )


def flaw_of_rows(name: str, rows: Tensor, most: float) -> str | None:
    """Return the first of (N, ...) rows that is not finite or longer than `most`; None: all are sound."""
    lengths = torch.linalg.vector_norm(rows, dim=1)
    # Not "any is longer": no comparison holds for what is no number.
    is_sound = lengths <= most * _SLACK
    if bool(is_sound.all()):
        return None
    row = int((~is_sound).nonzero()[0])
    return f"{name} {row} is of size {float(lengths[row]):.3g}, which is not within {most:g}"


def greatest(tensors: Mapping[str, Tensor]) -> tuple[float, float, float]:
    """Return the largest norm of a user's row, of an item's, and the largest bias; NaN where one is."""
    items = tensors["items.rows"]
    user, item, bias = (
        float(torch.linalg.vector_norm(rows, dim=1).max()) if len(rows) else 0.0
        for rows in (tensors["users.rows"], items[:, :-1], items[:, -1:])
    )
    return user, item, bias
