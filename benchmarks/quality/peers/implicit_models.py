"""Models of the library `implicit` 0.7.3 (MIT), used as its documentation shows.

Fitted again every `REFIT_EVERY` events, which is often for a batch library; in between a user is answered by
all items chosen until now (`recalculate_user`), as far as the last fit knows them.
"""

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from benchmarks.quality.peers.peer import Histories, RefittedPeer
from streamrec.domain.ranking.prequential import Events, Rows
from streamrec.errors import ConfigurationError

REFIT_EVERY = 5_000

N_NEIGHBOURS = 100

N_FACTORS = 64


def require_implicit() -> None:
    """Make sure that the library is there, before a measurement that takes minutes.

    Raises
    ------
    ConfigurationError
        When it is not installed.
    """
    if find_spec("implicit") is None:
        raise ConfigurationError("peers need implicit: pip install -r requirements-lab.txt")


class ImplicitPeer(RefittedPeer):
    """A model of the library.

    Parameters
    ----------
    made
        Returns an unfitted one.
    """

    def __init__(self, history: Events, made: Callable[[], Any], refit_every: int = REFIT_EVERY) -> None:
        self._made = made
        self._n_items = 0
        super().__init__(history, refit_every)

    def _fit(self, histories: Histories) -> None:
        from implicit.utils import ParameterWarning
        from threadpoolctl import threadpool_limits

        # The library asks for it: its own threads and those of BLAS would stand in each other's way.
        with threadpool_limits(1, "blas"), warnings.catch_warnings():
            # Of a conversion inside of the library.
            warnings.simplefilter("ignore", ParameterWarning)
            self._model = self._made()
            self._n_items = histories.n_items
            self._model.fit(self._matrix(histories.all()), show_progress=False)

    def _best(self, own: Rows, k: int) -> Rows:
        known = own[own < self._n_items]
        if not len(known):
            return known
        found, _ = self._model.recommend(0, self._matrix([known]), N=k, recalculate_user=True)
        # Where there are fewer than k, the library fills up with what the user has, last.
        return np.asarray(found[np.isin(found, known, invert=True)], np.int64)

    def _matrix(self, choices: list[Rows]) -> csr_matrix:
        """Return (B, I) the choices of B users as ones."""
        starts = np.concatenate([[0], np.cumsum([len(items) for items in choices])])
        columns = np.concatenate(choices)
        ones = np.ones(len(columns), np.float32)
        matrix = csr_matrix((ones, columns, starts), shape=(len(choices), self._n_items))
        matrix.sort_indices()
        return matrix


def cosine(history: Events) -> ImplicitPeer:
    """Return items next to a user's items by the cosine of who chose them."""

    def made() -> Any:  # noqa: ANN401
        from implicit.nearest_neighbours import CosineRecommender

        return CosineRecommender(K=N_NEIGHBOURS, num_threads=1)

    return ImplicitPeer(history, made)


def bm25(history: Events) -> ImplicitPeer:
    """Return the same with the weights of BM25, as the library's author prefers it."""

    def made() -> Any:  # noqa: ANN401
        from implicit.nearest_neighbours import BM25Recommender

        return BM25Recommender(K=N_NEIGHBOURS, num_threads=1)

    return ImplicitPeer(history, made)


def als(history: Events, seed: int) -> ImplicitPeer:
    """Return ALS (Hu, Koren, Volinsky 2008, Collaborative filtering for implicit feedback datasets)."""

    def made() -> Any:  # noqa: ANN401
        from implicit.cpu.als import AlternatingLeastSquares

        return AlternatingLeastSquares(N_FACTORS, num_threads=1, random_state=seed)

    return ImplicitPeer(history, made)
