"""Reading of stored arrays, which another version or other settings may have written."""

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.growing import roomy
from streamrec.errors import UnfitState

_T = TypeVar("_T", bound=np.generic)


def stored(arrays: Mapping[str, NDArray[Any]], name: str, dtype: type[_T], *shape: int | None) -> NDArray[_T]:
    """Return a copy of a stored array, as numbers of a type.

    Parameters
    ----------
    shape
        Expected length of each axis; None: any.

    Raises
    ------
    UnfitState
        When it is not there, or of another shape.

    >>> stored({"counts": np.ones(3)}, "counts", np.int64, None).tolist()
    [1, 1, 1]
    >>> stored({"counts": np.ones(3)}, "counts", np.int64, 2)
    Traceback (most recent call last):
    streamrec.errors.UnfitState: counts is of shape (3,), not (2,)
    """
    if name not in arrays:
        raise UnfitState(f"{name} is missing")
    array = arrays[name]
    fits = len(array.shape) == len(shape) and all(
        wanted in (None, n) for n, wanted in zip(array.shape, shape, strict=True)
    )
    if not fits:
        expected = tuple("any" if n is None else n for n in shape)
        raise UnfitState(f"{name} is of shape {array.shape}, not {expected}")
    return roomy(array.astype(dtype, copy=False))


def demand_equal_lengths(**lengths: int) -> None:
    """Check that columns of one table are of one length.

    Raises
    ------
    UnfitState
        When they are not.
    """
    if len({*lengths.values()}) > 1:
        of_each = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise UnfitState(f"lengths differ: {of_each}")
