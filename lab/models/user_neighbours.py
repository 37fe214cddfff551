"""User-user neighbours: users who choose the same items, or value them similarly."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from lab.matrices.user_items import UserItems, read_user_items
from lab.models.contents import Contents, user_items_contents
from lab.models.neighbour_options import NeighbourOptions
from lab.models.user_model import UserModel
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.item import Item


class UserNeighbours(UserModel):
    """Compares users by the items that they share.

    >>> model = UserNeighbours(NeighbourOptions(measure="euclidean", shrinkage=0.0))
    >>> model.fit([Interaction(u, i, 0.0) for u, i in (("u", "a"), ("u", "b"), ("v", "a"), ("v", "c"))])
    >>> model.similar_users("u")  # they differ by one b and one c: the distance is the root of 2
    [Scored(id='v', score=0.4142135623730951, support=1)]
    """

    kind: ClassVar[str] = "user-neighbours"

    def __init__(self, options: NeighbourOptions) -> None:
        self._options = options
        self._n_neighbours = options.n_neighbours
        self.fit(())

    def fit(self, interactions: Iterable[Interaction], items: Sequence[Item] = ()) -> None:
        """Learn a history; see `BatchModel.fit`."""
        matrix, _ = read_user_items(interactions, items, self._options.cells)
        self._set(matrix)

    def contents(self) -> Contents:
        """Return all that a file must hold."""
        return user_items_contents(self._options, self.matrix)

    @classmethod
    def restored(cls, contents: Contents) -> "UserNeighbours":
        """Return the model that a file holds."""
        model = cls(contents.options_as(NeighbourOptions))
        model._set(contents.user_items())
        return model

    def _set(self, matrix: UserItems) -> None:
        self.matrix, self.similarity = matrix, self._options.similarity(matrix.cells)
