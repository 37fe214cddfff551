"""The last step of an answer: of a pool of candidates, those that make a good list together."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.items.item import Item
from streamrec.domain.ranking.diversity import Pool, Shape, arranged
from streamrec.domain.ranking.recommendation import RecommendedItem
from streamrec.domain.similarity.like_order import LikeOrder
from streamrec.domain.sources.table import LABELS


def shaped(
    pool: Sequence[RecommendedItem], k: int, shape: Shape, vectors: Mapping[str, bytes]
) -> list[RecommendedItem]:
    """Return up to `k` items of a pool in the order in which they are to be shown.

    Parameters
    ----------
    pool
        Best first; scores are probabilities.
    vectors
        (D + 1,) float32 bytes by item; one without is unlike all others.
    """
    embeddings = embeddings_of([vectors.get(item.item_id) for item in pool])
    categories = [item.categories for item in pool]
    candidates = Pool(log_scores([item.score for item in pool]), embeddings, categories)
    return [pool[position] for position in arranged(candidates, k, shape)]


def like_first(pool: Sequence[RecommendedItem], looked_at: Item, order: LikeOrder) -> list[RecommendedItem]:
    """Return a pool with those that are similar to an item in the order given, and the others after them."""

    def sorting_key(item: RecommendedItem) -> tuple[bool, bool, float]:
        if not LABELS[item.source].is_by_items:
            return True, False, 0.0
        return False, *order.sort_key(item.categories, item.attributes, looked_at)

    return sorted(pool, key=sorting_key)


def log_scores(scores: Sequence[float]) -> list[float]:
    """Return logarithms of probabilities: a step of them means the same at the top and farther down.

    What has none, as an item that no source proposed, stands with the lowest that has.

    >>> log_scores([1.0, 0.5, 0.0]) == [0.0, math.log(0.5), math.log(0.5)]
    True
    """
    least = min((score for score in scores if score > 0), default=1.0)
    return [math.log(max(score, least)) for score in scores]


def embeddings_of(vectors: Sequence[bytes | None]) -> NDArray[np.float32]:
    """Return (P, D) embeddings: vectors of D + 1 numbers without their biases, zeros where there is none.

    The bias says how popular an item is, not what it is like.

    >>> embeddings_of([np.array([1, 2, 9], "<f4").tobytes(), None]).tolist()
    [[1.0, 2.0], [0.0, 0.0]]
    >>> embeddings_of([None]).shape
    (1, 0)
    """
    n_bytes = max((len(vector) for vector in vectors if vector is not None), default=4)
    nothing = bytes(n_bytes)
    rows = np.frombuffer(b"".join(vector or nothing for vector in vectors), "<f4")
    return rows.reshape(len(vectors), n_bytes // 4)[:, :-1].astype(np.float32)
