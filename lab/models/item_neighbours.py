"""Item-item neighbours: items chosen by the same users, or valued similarly by them."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np

from lab.matrices.similarity import Nearest, nearest
from lab.matrices.user_items import UserItems, read_user_items
from lab.models.batch_model import BatchModel, Scored, known_row, most_similar
from lab.models.contents import Contents, user_items_contents
from lab.models.neighbour_options import NeighbourOptions
from lab.models.offers import Votes
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.item import Item


class ItemNeighbours(BatchModel):
    """Compares items by the users that they share.

    >>> model = ItemNeighbours(NeighbourOptions())
    >>> model.fit([Interaction(u, i, 0.0) for u, i in (("u", "a"), ("u", "b"), ("v", "b"), ("v", "c"))])
    >>> [(item.id, item.support) for item in model.similar_items("a")]
    [('b', 1)]
    >>> [item.id for item in model.recommend("u")]
    ['c']
    """

    kind: ClassVar[str] = "item-neighbours"

    def __init__(self, options: NeighbourOptions) -> None:
        self._options = options
        self.fit(())

    def fit(self, interactions: Iterable[Interaction], items: Sequence[Item] = ()) -> None:
        """Learn a history; see `BatchModel.fit`."""
        matrix, _ = read_user_items(interactions, items, self._options.cells)
        self._set(matrix)

    def similar_items(self, item_id: str, k: int = 10) -> list[Scored]:
        """Return the items most like one; support is in users that have both."""
        row = known_row(self._matrix.items, item_id, "item", k)
        return most_similar(self._similarity, self._matrix.items, row, k)

    def recommend(self, user_id: str, k: int = 10, *, exclude_seen: bool = True) -> list[Scored]:
        """Return items like those of a user; support is in items of the user's."""
        row = known_row(self._matrix.users, user_id, "user", k)
        own = self._matrix.cells[[row]]
        votes = Votes(len(self._matrix.items))
        own_items = own.indices.tolist()
        self._find_neighbours(own_items)
        for item, amount in zip(own_items, own.data.tolist(), strict=True):
            votes.from_similar_items(self._neighbours[item], amount)
        return votes.best(self._matrix, row, k, exclude_seen=exclude_seen)

    def contents(self) -> Contents:
        """Return all that a file must hold."""
        return user_items_contents(self._options, self._matrix)

    @classmethod
    def restored(cls, contents: Contents) -> "ItemNeighbours":
        """Return the model that a file holds."""
        model = cls(contents.options_as(NeighbourOptions))
        model._set(contents.user_items())
        return model

    def _set(self, matrix: UserItems) -> None:
        similarity = self._options.similarity(matrix.cells.T.tocsr())
        self._matrix, self._similarity = matrix, similarity
        self._neighbours: dict[int, Nearest] = {}

    def _find_neighbours(self, items: list[int]) -> None:
        """Find the neighbours of items that have none yet: once a fit, for whichever user."""
        missing = [item for item in items if item not in self._neighbours]
        found = nearest(self._similarity, np.array(missing, np.int64), self._options.n_neighbours)
        self._neighbours.update(zip(missing, found, strict=True))
