"""The two ways of searching: every row, or some of the lists that the rows are clustered into.

Both are exact in what they look at, so a list search misses a row only when it does not look at its list.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping
from typing import NamedTuple, Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from streamrec.adapters.faiss.rows import Bitmap, Rows, VectorRows, Vectors


class Found(NamedTuple):
    """Up to k rows and their inner products, best first."""

    rows: Rows
    scores: NDArray[np.float32]


class Search(Protocol):
    """A way of searching, told of every change."""

    def search(self, vector: Vectors, k: int, allowed: Bitmap, depth: int) -> Found:
        """Return the best of the allowed rows for a (D + 1,) vector.

        `depth` is how far down the ranking of all rows the answer may reach: k and the number left out.
        """

    def put(self, rows: Rows, vectors: Vectors) -> None:
        """Take in new or changed rows, each once."""

    def remove(self, rows: Rows) -> None:
        """Forget rows."""


class ExactSearch:
    """Looks at every row, where it stands: nothing to build, nothing to keep in step."""

    def __init__(self, rows: VectorRows) -> None:
        self._rows = rows

    def search(self, vector: Vectors, k: int, allowed: Bitmap, depth: int) -> Found:
        """Return exactly the best of the allowed rows."""
        return search_exactly(self._rows.used, vector, k, allowed)

    def put(self, rows: Rows, vectors: Vectors) -> None:
        """Nothing to do: the rows are the index."""

    def remove(self, rows: Rows) -> None:
        """Nothing to do: the bitmap leaves dead rows out."""


def search_exactly(vectors: Vectors, vector: Vectors, k: int, allowed: Bitmap) -> Found:
    """Rank (R, D + 1) vectors by their inner product with one (D + 1,) vector."""
    scores, rows = np.empty(k, np.float32), np.empty(k, np.int64)
    selector = _selector(allowed)
    faiss.knn_inner_product(
        faiss.swig_ptr(vector),
        faiss.swig_ptr(vectors),
        vectors.shape[1],
        1,
        len(vectors),
        k,
        faiss.swig_ptr(scores),
        faiss.swig_ptr(rows),
        selector,
    )
    is_found = rows >= 0
    return Found(rows[is_found], scores[is_found])


class ClusteredSearch:
    """Faiss's inverted file of plain vectors, with lists assigned by distance and chosen by inner product.

    Assigning a vector to the list whose centroid has the largest inner product, as Faiss would, heaps most
    vectors onto the few longest centroids. Centroids never change: a vector that changes moves to another
    list (20 us), so updates can't make the lists stale, only uneven.
    """

    def __init__(self, centroids: Vectors) -> None:
        """Start empty, with (L, D + 1) centroids."""
        n_lists, dimension = centroids.shape
        self.n_lists = n_lists
        self.set_n_probes({1: n_lists})
        self._by_distance = faiss.IndexFlatL2(dimension)
        self._by_distance.add(centroids)
        self._by_product = faiss.IndexFlatIP(dimension)
        self._by_product.add(centroids)
        self._index = faiss.IndexIVFFlat(self._by_product, dimension, n_lists, faiss.METRIC_INNER_PRODUCT)
        self._index.is_trained = True
        self._index.set_direct_map_type(faiss.DirectMap.Hashtable)

    @property
    def n_probes_at(self) -> Mapping[int, int]:
        """Depth of an answer -> lists looked at."""
        return self._n_probes_at

    def set_n_probes(self, n_probes_at: Mapping[int, int]) -> None:
        """Look at so many lists from now on; depths between those named are interpolated."""
        self._n_probes_at = dict(sorted(n_probes_at.items()))
        self._depths, self._n_probes_of_depths = list(self._n_probes_at), list(self._n_probes_at.values())

    def search(self, vector: Vectors, k: int, allowed: Bitmap, depth: int) -> Found:
        """Return the best of the allowed rows in the best lists; looks on where these hold too few."""
        n_probes = self._n_probes(depth)
        scores, rows = np.empty(k, np.float32), np.empty(k, np.int64)
        pointers = [faiss.swig_ptr(array) for array in (scores, rows)]
        selector = _selector(allowed)
        while True:
            parameters = faiss.SearchParametersIVF(sel=selector, nprobe=n_probes)
            self._index.search_c(1, faiss.swig_ptr(vector), k, *pointers, parameters)
            if rows[-1] >= 0:  # what was not found stands last
                return Found(rows, scores)
            if n_probes == self.n_lists:
                is_found = rows >= 0
                return Found(rows[is_found], scores[is_found])
            n_probes = min(4 * n_probes, self.n_lists)

    def put(self, rows: Rows, vectors: Vectors) -> None:
        """Take in new or changed rows, each once; a changed one may move to another list."""
        self.remove(rows)
        # Faiss takes plain pointers: the arrays must be contiguous, and must live until the call returns.
        vectors = np.ascontiguousarray(vectors)
        lists = np.ascontiguousarray(self.lists_of(vectors))
        pointers = [faiss.swig_ptr(array) for array in (vectors, rows, lists)]
        self._index.add_core(len(rows), *pointers)

    def remove(self, rows: Rows) -> None:
        """Forget rows; those that are not here are passed over."""
        self._index.remove_ids(faiss.IDSelectorArray(rows))

    def lists_of(self, vectors: Vectors) -> Rows:
        """Return (B,) the list that each of (B, D + 1) vectors belongs to."""
        # Of the calling thread only. One thread a request: more would get in each other's way.
        faiss.omp_set_num_threads(1)
        lists: Rows = self._by_distance.search(vectors, 1)[1][:, 0]
        return lists

    def list_ranks(self, vector: Vectors) -> NDArray[np.int64]:
        """Return (L,) the rank of each list in the order in which a search for this vector looks at them."""
        order = self._by_product.search(vector[np.newaxis], self.n_lists)[1][0]
        ranks = np.empty(self.n_lists, np.int64)
        ranks[order] = np.arange(self.n_lists)
        return ranks

    def _n_probes(self, depth: int) -> int:
        depths, n_probes = self._depths, self._n_probes_of_depths
        right = bisect_left(depths, depth)
        if right in (0, len(depths)):
            return n_probes[min(right, len(depths) - 1)]
        share = (depth - depths[right - 1]) / (depths[right] - depths[right - 1])
        return math.ceil(n_probes[right - 1] + share * (n_probes[right] - n_probes[right - 1]))


def _selector(allowed: Bitmap) -> faiss.IDSelectorBitmap:
    return faiss.IDSelectorBitmap(allowed)
