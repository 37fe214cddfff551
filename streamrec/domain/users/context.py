"""A user's last choices as a part of the user's vector, for whoever has published values alone.

`models.context` learns with them; the shares are the same, see there.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Annotated, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

K = TypeVar("K", bound=Hashable)

Vector = NDArray[np.float32]

Dated = Sequence[tuple[K, int]]
"""Items and when they were chosen, in whole Unix seconds, the newest first."""

LAST_SECOND = 2**32 - 1
"""Of Unix time, as contexts keep it."""


class ContextRules(msgspec.Struct, frozen=True):
    """Rules of what a user's last items weigh in the user's vector, see `models.context.Context`.

    Attributes
    ----------
    n
        Items of a user; 0: none, the vector is the user's own row.
    decay
        An item weighs so much of the one after it.
    floor
        Share of the weight that time does not take away.
    """

    n: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0
    decay: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    floor: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0


class Weighing(NamedTuple):
    """Rules of the context, and the scale of the stream, see `StreamTime`."""

    rules: ContextRules
    scale_s: float

    def weights(self, seconds: Sequence[int]) -> Vector:
        """Return (M,) what M items weigh that were chosen at these times, the newest first.

        >>> Weighing(ContextRules(n=2, decay=0.5), scale_s=60.0).weights([7, 7]).tolist()
        [1.0, 0.5]
        """
        n, floor = len(seconds), self.rules.floor
        gaps_s = np.abs(np.array(seconds, np.float64) - (seconds[0] if n else 0))
        fading = (self.rules.decay ** np.arange(n, dtype=np.float32)).astype(np.float32)
        weights: Vector = (fading * (floor + (1 - floor) * np.exp(-gaps_s / self.scale_s))).astype(np.float32)
        return weights


def second_of(time: float) -> int:
    """Return a Unix time as contexts keep it: whole seconds, those out of range at its ends."""
    return int(min(max(time, 0.0), LAST_SECOND))


def vector_with(
    vector: Vector | None,
    known: Dated[K],
    fresh: Dated[K],
    past: Mapping[K, Vector],
    weighing: Weighing,
    kept: Dated[K] | None = None,
) -> Vector | None:
    """Return the vector that a user will have once some fresh choices are among the last items.

    What the model learns from them is not in it: of what is missing in a vector that is a second old, the
    choices themselves are nearly all.

    A fresh item without a row is passed over. So is one of the known, where the user has no vector; else its
    share, which nobody can take back, stays as it was.

    Parameters
    ----------
    vector
        (D + 1,) as published, of the `known` choices; None: the user has none.
    past
        (D,) rows of items as somebody's past, times the output layer.
    kept
        Those of the known that are not taken back; None: all.

    Returns
    -------
    vector
        (D + 1,), or what was given where no fresh item has a row and none is taken back, or the numbers are
        beyond a float32.

    >>> rows = {"a": np.array([1, 0], np.float32), "b": np.array([0, 1], np.float32)}
    >>> equal = Weighing(ContextRules(n=2), scale_s=60.0)
    >>> vector_with(None, [], [("a", 5)], rows, equal)
    array([1., 0., 1.], dtype=float32)
    >>> vector_with(np.array([1, 0, 1], np.float32), [("a", 5)], [("b", 6)], rows, equal)
    array([0.5, 0.5, 1. ], dtype=float32)
    >>> vector_with(np.array([0.5, 0.5, 1], np.float32), [("b", 6), ("a", 5)], [], rows, equal, [("a", 5)])
    array([1., 0., 1.], dtype=float32)
    """
    n = weighing.rules.n
    kept = known if kept is None else kept
    newest, known, is_all_kept = [*fresh, *kept][:n], known[:n], len(kept) == len(known)
    if is_all_kept and not any(item in past for item, _ in newest[: len(fresh)]):
        return vector
    is_there = [
        item in past or (vector is not None and place >= len(fresh)) for place, (item, _) in enumerate(newest)
    ]
    changes = _shares(newest, weighing.weights([at for _, at in newest]) * is_there)
    if not changes and is_all_kept:
        return vector
    if vector is not None:
        for item, share in _shares(known, weighing.weights([at for _, at in known])).items():
            changes[item] = changes.get(item, 0.0) - share
    return _moved(vector, {item: share for item, share in changes.items() if item in past}, past)


def _moved(vector: Vector | None, changes: Mapping[K, float], past: Mapping[K, Vector]) -> Vector | None:
    """Return a vector to which shares of rows are added, or as it was where no finite one comes of it."""
    if not changes:
        return vector
    with np.errstate(over="ignore", invalid="ignore"):
        parts = [np.float32(share) * past[item] for item, share in changes.items()]
        inner = np.sum(parts, axis=0, dtype=np.float32)
        formed = (
            np.append(inner, np.float32(1)) if vector is None else vector + np.append(inner, np.float32(0))
        )
    return formed if np.isfinite(formed).all() else vector


def _shares(items: Dated[K], weights: Vector) -> dict[K, float]:
    """Return the share of each item in the sum of the weights; none where all are zero."""
    whole = float(weights.sum())
    shares: dict[K, float] = {}
    if not whole:
        return shares
    for (item, _), weight in zip(items, weights.tolist(), strict=True):
        shares[item] = shares.get(item, 0.0) + weight / whole
    return shares
