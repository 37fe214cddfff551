"""Losses of one positive among N sampled negatives, with their gradients in closed form.

Each takes logits (1 + N,), the positive's first. Its gradient is given by its *size* and by the *pulls* that
replace the logits: the derivative by logit j is ``-size * pulls[j]``. A pull is positive for the positive and
negative for a negative, so a step against the gradient widens the *margin* ``sum(pulls * logits)``.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.exponentials import exponentiate
from streamrec.domain.rows.compiled import compiled_in_place

SOFTMAX, BPR, LOGISTIC = 0, 1, 2

LOSSES = {"softmax": SOFTMAX, "bpr": BPR, "logistic": LOGISTIC}

Number = float | np.floating[Any]

_ONE = np.float32(1.0)


@compiled_in_place
def gradient_of(
    loss: int, logits: NDArray[np.float32], powers: NDArray[np.float32], power_bits: NDArray[np.int32]
) -> tuple[Number, Number]:
    """Return the loss and its gradient's size, zero without negatives; replace the logits by pulls.

    Parameters
    ----------
    powers, power_bits
        Memory of at least so many numbers, and the same memory as integers.
    """
    if loss == SOFTMAX:
        return _softmax(logits, powers, power_bits)
    if loss == BPR:
        return _bpr(logits)
    return _logistic(logits)


@compiled_in_place
def _softmax(
    logits: NDArray[np.float32], powers: NDArray[np.float32], power_bits: NDArray[np.int32]
) -> tuple[Number, Number]:
    """Score ``-log softmax`` of the positive."""
    positive = top = logits[0]
    for j in range(1, len(logits)):
        top = max(top, logits[j])
    for j in range(len(logits)):
        logits[j] -= top
    exponentiate(logits, powers, power_bits)
    whole = np.float32(0.0)
    for j in range(len(logits)):
        whole += logits[j]
    negatives = whole - logits[0]
    # By what they are, not by the difference: that is nothing but rounding beside a large positive.
    if negatives < np.float32(1e-3) * whole:
        negatives = np.float32(0.0)
        for j in range(1, len(logits)):
            negatives += logits[j]
    factor = -_ONE / max(negatives, np.float32(1e-30))
    for j in range(1, len(logits)):
        logits[j] *= factor
    logits[0] = _ONE
    return math.log(whole) + top - positive, negatives / whole


@compiled_in_place
def _bpr(logits: NDArray[np.float32]) -> tuple[Number, Number]:
    """Score ``-log sigmoid(positive - negative)``, the sum over the negatives.

    Rendle et al. 2009, Bayesian Personalized Ranking from Implicit Feedback, section 4.
    """
    loss = size = np.float32(0.0)
    for j in range(1, len(logits)):
        margin = logits[0] - logits[j]
        loss += _softplus(-margin)
        logits[j] = _sigmoid(-margin)
        size += logits[j]
    factor = -_ONE / max(size, np.float32(1e-30))
    for j in range(1, len(logits)):
        logits[j] *= factor
    logits[0] = _ONE
    return loss, size


@compiled_in_place
def _logistic(logits: NDArray[np.float32]) -> tuple[Number, Number]:
    """Score each logit alone by binary cross entropy, the sum over the positive and the negatives.

    He et al. 2017, Neural Collaborative Filtering, section 3.1.2.
    """
    loss = _softplus(-logits[0])
    logits[0] = size = _sigmoid(-logits[0])
    for j in range(1, len(logits)):
        loss += _softplus(logits[j])
        logits[j] = -_sigmoid(logits[j])
        size -= logits[j]
    factor = _ONE / max(size, np.float32(1e-30))
    for j in range(len(logits)):
        logits[j] *= factor
    return loss, size


@compiled_in_place
def _sigmoid(x: Number) -> np.float32:
    # Beyond 80 exp overflows float32, and the sigmoid is zero anyway.
    return _ONE / (_ONE + np.float32(math.exp(min(-float(x), 80.0))))


@compiled_in_place
def _softplus(x: Number) -> np.float32:
    return np.float32((x if x > 0 else 0.0) + math.log1p(math.exp(-abs(float(x)))))
