"""Loops over arrays, compiled to machine code."""

from collections.abc import Callable
from typing import TypeVar, cast

import numpy as np
from numba import njit

_F = TypeVar("_F", bound=Callable[..., object])

_ARITHMETIC = {"reassoc", "contract", "nsz", "arcp"}
"""Sums may be taken in another order, several terms at a time. What is not finite stays so, to be found."""


def compiled(function: _F) -> _F:
    """Compile a function of arrays and numbers when it is first called; the result is kept on disk.

    Beside the source, or, where that can't be written, in the user's cache: `NUMBA_CACHE_DIR` names another.
    """
    return cast("_F", njit(cache=True, fastmath=_ARITHMETIC, error_model="numpy")(function))


def inlined(function: _F) -> _F:
    """Compile a function into those that call it: for the few operations on one row that loops consist of."""
    return cast("_F", njit(inline="always", fastmath=_ARITHMETIC, error_model="numpy")(function))


@inlined
def mixed(number: np.uint64) -> np.uint64:
    """Mix the bits of a number (the finalizer of splitmix64; Steele et al. 2014)."""
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return number ^ (number >> np.uint64(31))
