"""Exponentials of many numbers, compiled: a library's function would be called for each of them."""

import math

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.rows.compiled import compiled_in_place

_ONE = np.float32(1.0)

_LOG2_E, _LN_2 = np.float32(math.log2(math.e)), np.float32(math.log(2.0))


@compiled_in_place
def exponentiate(
    numbers: NDArray[np.float32], powers: NDArray[np.float32], power_bits: NDArray[np.int32]
) -> None:
    """Replace (N,) numbers that are zero or less by their exponentials, eight at a time.

    As a whole power of two, put together as a float's bits, times a polynomial for what is left of the
    exponent: within 3e-7 of the result; below 2**-126 it is zero.

    Parameters
    ----------
    powers, power_bits
        Memory of at least N numbers, and the same memory as integers.
    """
    for j in range(len(numbers)):
        exponent = max(numbers[j] * _LOG2_E, np.float32(-127.0))
        whole = np.int32(exponent - np.float32(0.5))
        rest = (exponent - np.float32(whole)) * _LN_2
        power_bits[j] = (whole + np.int32(127)) << np.int32(23)
        series = _ONE + rest * (np.float32(1 / 5) + rest * np.float32(1 / 30))
        series = _ONE + rest * np.float32(1 / 4) * series
        numbers[j] = _ONE + rest * (
            _ONE + rest * np.float32(1 / 2) * (_ONE + rest * np.float32(1 / 3) * series)
        )
    for j in range(len(numbers)):
        numbers[j] *= powers[j]
