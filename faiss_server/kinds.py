"""What an index can be of: items, or users. What differs between them stands here, and nowhere else."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from streamrec.adapters.faiss.rows import Vectors
from streamrec.ports import ITEM_VECTORS, USER_VECTORS


class Kind(NamedTuple):
    """Where an index's changes come from, and how they become its rows.

    Attributes
    ----------
    topic
        Of the changelog.
    deletion
        The command that takes an id out.
    metrics
        What the names of its metrics begin with.
    indexed
        From (B, D + 1) published vectors to those that are searched, of the same shape.
    """

    topic: str
    deletion: str
    metrics: str
    indexed: Callable[[Vectors], Vectors]


def as_published(vectors: Vectors) -> Vectors:
    """Return the vectors: inner products with those of users are logits."""
    return vectors


def directions(vectors: Vectors) -> Vectors:
    """Return vectors of length one without their last component, so that inner products are cosines.

    The last one stands where an item's bias does, which says how popular an item is and not what it is like.
    How far a vector reaches says how much was learned, and not what. One that points nowhere stays zero.

    >>> directions(np.array([[3, 4, 1], [0, 0, 1]], np.float32)).tolist()
    [[0.6000000238418579, 0.800000011920929, 0.0], [0.0, 0.0, 0.0]]
    """
    directed = np.array(vectors, np.float32)
    directed[:, -1] = 0.0
    lengths = np.linalg.norm(directed.astype(np.float64), axis=1, keepdims=True)
    return (directed / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)


ITEMS = Kind(ITEM_VECTORS, "item_deleted", "index", as_published)

USERS = Kind(USER_VECTORS, "user_erased", "index.users", directions)
