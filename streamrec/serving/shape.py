"""The last step of an answer: of a pool of candidates, those that make a good list together."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.diversity import Pool, Shape, arranged
from streamrec.domain.recommendation import RecommendedItem
from streamrec.ports import ItemIndex
from streamrec.serving.guard import Attempts, Guard


class ListShaper:
    """Arranges pools; asks the index for vectors only where likeness counts."""

    def __init__(self, index: ItemIndex, guard: Guard) -> None:
        self._index = index
        self._guard = guard

    async def shaped(
        self,
        pool: Sequence[RecommendedItem],
        k: int,
        shape: Shape,
        generation: str | None,
        attempts: Attempts,
    ) -> list[RecommendedItem]:
        """Return up to `k` items of a pool, best first on entry, in the order in which they are to be shown.

        When the index does not answer, nothing is known to be alike: the order stays, and the cap on
        categories still holds.

        Parameters
        ----------
        generation
            Of the vectors that items are compared by; None: the current one.
        """
        if not shape.changes_lists:
            return list(pool[:k])
        vectors: Mapping[str, bytes] = {}
        if shape.diversity > 0:
            item_ids = [item.item_id for item in pool]
            nothing: dict[str, bytes] = {}
            vectors = await attempts.of(
                self._guard, lambda: self._index.vectors(item_ids, generation), nothing
            )
        embeddings = embeddings_of([vectors.get(item.item_id) for item in pool])
        scores, categories = [item.score for item in pool], [item.categories for item in pool]
        return [pool[place] for place in arranged(Pool(scores, embeddings, categories), k, shape)]


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
