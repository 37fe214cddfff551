"""Kinds of ids that an index is of, items or users, and all that differs between them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from streamrec.adapters.faiss.rows import Vectors
from streamrec.ports import ITEM_VECTORS, USER_VECTORS


class Kind(NamedTuple):
    """Source of an index's changes, how they become its rows, and the words for its ids.

    Attributes
    ----------
    name
        Of one: begins the name of its field for an id; with an s it is that of a list of them.
    topic
        Of the changelog.
    deletion
        The command that takes an id out.
    metrics
        What the names of its metrics begin with.
    indexed
        From (B, D + 1) published vectors to those that are searched, of the same shape.
    """

    name: str
    topic: str
    deletion: str
    metrics: str
    indexed: Callable[[Vectors], Vectors]

    @property
    def number(self) -> str:
        """Name of the figure that tells how many there are."""
        return f"n_{self.name}s"


def as_published(vectors: Vectors) -> Vectors:
    """Return the vectors: inner products with those of users are logits."""
    return vectors


def directions(vectors: Vectors) -> Vectors:
    """Return vectors of length one without their last component, so that inner products are cosines.

    The last one is an item's bias, which says how popular an item is and not what it is like. The length of a
    vector says how much was learned, and not what. One that points nowhere stays zero.

    >>> directions(np.array([[3, 4, 1], [0, 0, 1]], np.float32)).tolist()
    [[0.6000000238418579, 0.800000011920929, 0.0], [0.0, 0.0, 0.0]]
    """
    directed = np.array(vectors, np.float32)
    directed[:, -1] = 0.0
    lengths = np.linalg.norm(directed.astype(np.float64), axis=1, keepdims=True)
    return (directed / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)


ITEMS = Kind("item", ITEM_VECTORS, "item_deleted", "index", as_published)

USERS = Kind("user", USER_VECTORS, "user_erased", "index.users", directions)
