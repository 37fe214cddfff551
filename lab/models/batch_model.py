"""Interface of every batch model."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from lab.matrices.similarity import Similarity, nearest
from lab.models.contents import Contents
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.item import Item
from streamrec.domain.rows.id_map import IdMap
from streamrec.errors import InvalidInput, UnknownId, Unsupported


class Scored(NamedTuple):
    """A user or an item in an answer.

    Attributes
    ----------
    id
        The external id.
    score
        Higher is better; always above 0.
    support
        What the score stands on: for what is similar, how many items, users or tags the two have in common;
        for a recommendation, how many neighbours vote for it.
    """

    id: str
    score: float
    support: int


class BatchModel(ABC):
    """A model that is fitted on a whole history, any number of times: each fit replaces all that was known.

    Before the first fit nobody is known. A fit that fails leaves what was there. Answers hold at most k
    entries, best first, equal scores in the order in which their ids were first seen.

    Attributes
    ----------
    kind
        What files and commands call the model.
    """

    kind: ClassVar[str]

    @abstractmethod
    def fit(self, interactions: Iterable[Interaction], items: Sequence[Item] = ()) -> None:
        """Learn a history, in any order.

        Parameters
        ----------
        items
            What is known of items; those without any event become known too. Of one given twice, it is
            hidden if it is so once, and has the tags of both.

        Raises
        ------
        InvalidInput
            When an id is no text or empty, or a value is infinite or beyond 1e100. NaN is no value.
        """

    def similar_items(self, item_id: str, k: int = 10) -> list[Scored]:
        """Return the items most like one, itself left out; none when nothing is known but the id.

        Raises
        ------
        UnknownId
            When the model has never seen the item.
        InvalidInput
            When k is below 1.
        Unsupported
            When this kind of model does not compare items.
        """
        raise Unsupported(f"{self.kind} does not compare items ({item_id!r}, k={k})")

    def similar_users(self, user_id: str, k: int = 10) -> list[Scored]:
        """Return the users most like one, themselves left out; none when nothing is known but the id.

        Raises
        ------
        UnknownId
            When the model has never seen the user.
        InvalidInput
            When k is below 1.
        Unsupported
            When this kind of model does not compare users.
        """
        raise Unsupported(f"{self.kind} does not compare users ({user_id!r}, k={k})")

    @abstractmethod
    def recommend(self, user_id: str, k: int = 10, *, exclude_seen: bool = True) -> list[Scored]:
        """Return items for a user, never hidden or disliked ones; none when nothing is known but the id.

        Raises
        ------
        UnknownId
            When the model has never seen the user.
        InvalidInput
            When k is below 1.
        """

    @abstractmethod
    def contents(self) -> Contents:
        """Return all that a file must hold to restore the model."""

    @classmethod
    @abstractmethod
    def restored(cls, contents: Contents) -> "BatchModel":
        """Return the model that a file holds.

        Raises
        ------
        CorruptArtifact
            When something is missing or does not fit.
        """


def known_row(ids: IdMap, id_: str, role: str, k: int) -> int:
    """Return the row of a user or an item that is asked for, and check k.

    Raises
    ------
    UnknownId, InvalidInput
        When it is not known; when k is below 1.
    """
    if k < 1:
        raise InvalidInput(f"k is {k}; wanted at least 1")
    row = ids.row(id_)
    if row < 0:
        hint = "" if isinstance(id_, str) else "; ids are text"
        raise UnknownId(f"no {role} {id_!r} in what the model was fitted on{hint}")
    return row


def most_similar(similarity: Similarity, ids: IdMap, row: int, k: int) -> list[Scored]:
    """Return what is most like a row, itself left out."""
    (found,) = nearest(similarity, np.array([row]), k)
    supports = similarity.supports(row, found.rows).tolist()
    # Rounding may bring a cosine above 1.
    scores = np.minimum(found.scores, 1.0).tolist()
    return list(map(Scored, ids.ids_at(found.rows.tolist()), scores, supports))
