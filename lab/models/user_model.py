"""Answers of models that compare users."""

from abc import abstractmethod

import numpy as np

from lab.matrices.similarity import Similarity, nearest
from lab.matrices.user_items import UserItems
from lab.models.batch_model import BatchModel, Scored, known_row, most_similar
from lab.models.contents import Contents
from lab.models.offers import Votes


class UserModel(BatchModel):
    """Answers from the similarity of users, and from what they did.

    Attributes
    ----------
    similarity
        Of the users, by the rows of `matrix.users`.
    matrix
        What they did.
    """

    similarity: Similarity
    matrix: UserItems
    _n_neighbours: int

    def similar_users(self, user_id: str, k: int = 10) -> list[Scored]:
        """Return the users most like one; support is in what both have."""
        row = known_row(self.matrix.users, user_id, "user", k)
        return most_similar(self.similarity, self.matrix.users, row, k)

    def recommend(self, user_id: str, k: int = 10, *, exclude_seen: bool = True) -> list[Scored]:
        """Return items of similar users; support is in neighbours that have the item."""
        row = known_row(self.matrix.users, user_id, "user", k)
        (neighbours,) = nearest(self.similarity, np.array([row]), self._n_neighbours)
        votes = Votes(len(self.matrix.items))
        votes.from_similar_users(neighbours, self.matrix)
        return votes.best(self.matrix, row, k, exclude_seen=exclude_seen)

    @classmethod
    @abstractmethod
    def restored(cls, contents: Contents) -> "UserModel":
        """Return the model that a file holds; see `BatchModel.restored`."""
