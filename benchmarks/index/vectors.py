"""Vectors shaped like trained ones, and exact answers to compare with."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

D = 64
N_EXCLUDED = 200
K = 10

_N_CLUSTERS = 200


class Shape(NamedTuple):
    """Distribution that vectors are drawn from.

    Attributes
    ----------
    spectrum
        (D,) singular values, the largest 1.
    bias_share
        Spread of the item biases, in that of the products of embeddings.
    """

    spectrum: NDArray[np.float64]
    bias_share: float


_RANKS = np.arange(1, D + 1, dtype=np.float64)

SHAPES = {
    # As this project learns MovieLens-100K, event by event: 1, .14 at rank 7, .08 at 13, .06 at 61.
    "as learned": Shape(np.where(_RANKS == 1, 1, 0.2 * _RANKS**-0.3), 0.9),
    # As many epochs of Adam on the logistic loss leave it: 1, .44 at rank 5, .31 at 21, .23 at 61. The hard
    # case: where every direction counts, many lists hold some of the best items.
    "hard": Shape(_RANKS ** (-1 / 3), 0.3),
}


def items(n: int, shape: Shape, chance: np.random.Generator) -> Vectors:
    """Return (n, D + 1) item vectors: clustered, popular ones longer and with a larger bias."""
    popularity = chance.standard_normal(n)
    embeddings = _centres()[chance.integers(_N_CLUSTERS, size=n)] + chance.standard_normal((n, D))
    embeddings *= _scaled(shape) * np.exp(0.3 * popularity)[:, np.newaxis] / np.sqrt(2)
    return np.hstack([embeddings, shape.bias_share * popularity[:, np.newaxis]]).astype(np.float32)


def users(n: int, shape: Shape, chance: np.random.Generator) -> Vectors:
    """Return (n, D + 1) user vectors: each likes two clusters and something of its own."""
    liked = _centres()[chance.integers(_N_CLUSTERS, size=(n, 2))].mean(axis=1)
    tastes = (liked + 0.7 * chance.standard_normal((n, D))) * _scaled(shape)
    # So long that the products with items have a spread of about 1.
    products = tastes * _scaled(shape)
    tastes /= np.sqrt(np.mean((products**2).sum(axis=1)))
    return np.hstack([tastes, np.ones((n, 1))]).astype(np.float32)


def nearest(vectors: Vectors, user: Vectors, n: int) -> NDArray[np.int64]:
    """Return exactly the n best rows for a user, best first."""
    scores = vectors @ user
    rows = np.argpartition(-scores, n)[:n]
    return rows[np.argsort(-scores[rows])]


def _scaled(shape: Shape) -> NDArray[np.float64]:
    """Return the spectrum, so scaled that embeddings have a length of about 1."""
    return np.asarray(shape.spectrum / np.sqrt((shape.spectrum**2).sum()))


def _centres() -> NDArray[np.float64]:
    return np.random.default_rng(0).standard_normal((_N_CLUSTERS, D))
