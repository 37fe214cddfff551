"""Vectors with the spectrum of trained ones, and exact answers to compare with."""

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

D = 64
N_EXCLUDED = 200
K = 10

_SPECTRUM_EXPONENT = 1 / 3
"""Singular values of GMF embeddings trained on MovieLens-100K: 1, .44 at rank 5, .31 at 21, .23 at 61, which
is rank ** -1/3. A spectrum that falls so slowly is the hard case: many lists hold some of the best items."""

_BIAS_SHARE = 0.3
_N_CLUSTERS = 200


def items(n: int, chance: np.random.Generator) -> Vectors:
    """Return (n, D + 1) item vectors: clustered, popular ones longer and with a larger bias."""
    popularity = chance.standard_normal(n)
    embeddings = (
        _centres()[chance.integers(_N_CLUSTERS, size=n)] + chance.standard_normal((n, D))
    ) / np.sqrt(2)
    embeddings *= _spectrum() * np.exp(0.3 * popularity)[:, np.newaxis]
    return np.hstack([embeddings, _BIAS_SHARE * popularity[:, np.newaxis]]).astype(np.float32)


def users(n: int, chance: np.random.Generator) -> Vectors:
    """Return (n, D + 1) user vectors: each likes two clusters and something of its own."""
    liked = _centres()[chance.integers(_N_CLUSTERS, size=(n, 2))].mean(axis=1)
    tastes = (liked + 0.7 * chance.standard_normal((n, D))) * _spectrum() * np.sqrt(D)
    return np.hstack([tastes / np.sqrt(np.mean(tastes**2) * D), np.ones((n, 1))]).astype(np.float32)


def nearest(vectors: Vectors, user: Vectors, n: int) -> NDArray[np.int64]:
    """Return exactly the n best rows for a user, best first."""
    scores = vectors @ user
    rows = np.argpartition(-scores, n)[:n]
    return rows[np.argsort(-scores[rows])]


def _spectrum() -> NDArray[np.float64]:
    values = np.arange(1, D + 1, dtype=np.float64) ** -_SPECTRUM_EXPONENT
    return np.asarray(values / np.sqrt((values**2).sum()))


def _centres() -> NDArray[np.float64]:
    return np.random.default_rng(0).standard_normal((_N_CLUSTERS, D))
