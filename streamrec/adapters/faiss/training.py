"""Training of the lists' centroids, and the number of lists that a search must look at."""

import math
from collections.abc import Callable

import faiss
import numpy as np

from streamrec.adapters.faiss.rows import Vectors
from streamrec.adapters.faiss.search import ClusteredSearch

WANTED_RECALL = 0.975
"""Recall demanded on the sample in tuning, so that the promised .95 holds for other queries and after drift:
on 256 queries the mean is known to .006."""

DEPTHS = (10, 210, 1010, 3010)
"""Depth of answers: 10 items, and 10 below 200, 1,000 or 3,000 that the user has seen. A seen item is
most often one of the user's nearest, so leaving them out asks for what lies further away, in more lists."""

REPORTED_DEPTH = 210

_BAND = 10
_POINTS_PER_LIST = 40
_N_ITERATIONS = 6

Nearest = Callable[[Vectors, int], Vectors]
"""(D + 1,) query, k -> (at most k, D + 1) vectors of the exactly best rows, best first."""


def n_lists_for(n_rows: int) -> int:
    """Return how many lists `n_rows` are clustered into.

    At the square root of the rows, choosing lists costs as much as looking through one. Twice as many still
    searched faster (100,000 and 1,000,000 rows); four times as many took a minute to build.

    >>> n_lists_for(100_000), n_lists_for(1_000_000)
    (632, 2000)
    """
    return max(1, int(2 * math.sqrt(n_rows)))


def sample_size_for(n_lists: int) -> int:
    """Return how many vectors are worth learning so many centroids from."""
    return n_lists * _POINTS_PER_LIST


def learn_centroids(vectors: Vectors, n_lists: int, seed: int) -> Vectors:
    """Cluster (S, D + 1) vectors by distance into (L, D + 1) centroids, on one thread.

    Plain vectors, not normalized: long ones (popular items) get lists of their own, which most searches look
    at, and which normalizing would mix with short ones (measured: .50 instead of .80 at equal cost).
    """
    faiss.omp_set_num_threads(1)
    kmeans = faiss.Kmeans(
        vectors.shape[1],
        n_lists,
        niter=_N_ITERATIONS,
        seed=seed,
        min_points_per_centroid=1,
        max_points_per_centroid=_POINTS_PER_LIST,
    )
    kmeans.train(vectors)
    centroids: Vectors = kmeans.centroids
    return centroids


def tune(search: ClusteredSearch, nearest: Nearest, queries: Vectors, n_rows: int) -> float:
    """Make `search` look at as few lists as reach the recall wanted, for answers of each depth.

    A list search finds an item if and only if it looks at the item's list. So the recall of every possible
    number of lists follows from one exact search a query: of the items that are exactly at the
    ranks in question, count those whose list stands among the first so many.

    Parameters
    ----------
    queries
        (Q, D + 1) what users ask with.
    n_rows
        Living rows: depths beyond are left out.

    Returns
    -------
    float
        recall@10 on the queries with the 200 nearest left out.
    """
    depths = [depth for depth in DEPTHS if depth <= n_rows] or [n_rows]
    ranks: dict[int, list[int]] = {depth: [] for depth in depths}
    for query in queries:
        best = nearest(query, depths[-1])
        list_ranks = search.list_ranks(query)
        for depth in depths:
            band = np.ascontiguousarray(best[max(0, depth - _BAND) : depth])
            ranks[depth] += list_ranks[search.lists_of(band)].tolist()
    wanted = [int(np.quantile(ranks[depth], WANTED_RECALL, method="higher")) + 1 for depth in depths]
    # A few odd queries can make a lesser depth look harder.
    n_probes_at = dict(zip(depths, np.maximum.accumulate(wanted).tolist(), strict=True))
    search.set_n_probes(n_probes_at)
    reported = REPORTED_DEPTH if REPORTED_DEPTH in ranks else depths[-1]
    return float(np.mean(np.asarray(ranks[reported]) < n_probes_at[reported]))
