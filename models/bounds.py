"""How large the rows of a sound model are at most (docs/adr/0018-one-event-after-the-other.md derives it)."""

from models.gmf import GMF

USER_NORM = 64.0
ITEM_NORM = 16.0
BIAS = 32.0
LEAST_OUTPUT, MOST_OUTPUT = 0.5, 2.0

_SLACK = 1.001
"""Rounding: a row on the ball may stand a little outside it."""


def greatest(model: GMF) -> tuple[float, float, float]:
    """Return the largest norm of a user's row, of an item's, and the largest bias; NaN where one is."""
    items = model.items.rows[: model.items.n_rows]
    rows = model.users.rows[: model.users.n_rows], items[:, :-1], items[:, -1:]
    return tuple(float(part.norm(dim=1).max()) if len(part) else 0.0 for part in rows)  # type: ignore[return-value]


def flaw(model: GMF) -> str | None:
    """Return what is wrong with a model that is not finite or beyond its bounds; None: it is sound."""
    for name, found, most in zip(
        ("a user's row", "an item's row", "an item's bias"),
        greatest(model),
        (USER_NORM, ITEM_NORM, BIAS),
        strict=True,
    ):
        if not found <= most * _SLACK:
            return f"{name} is of size {found:.3g}, more than {most:g}"
    return None
