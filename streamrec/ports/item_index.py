"""Ports of the index, as servers use it: asynchronous, a request at a time."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class ByVector(NamedTuple):
    """Search for the ids of items whose vectors have the largest inner products with one.

    Attributes
    ----------
    vector
        (D + 1,) float32 bytes.
    exclude
        Ids to leave out.
    generation
        Which one answers; None: the current one.
    """

    vector: bytes
    k: int
    exclude: Sequence[str] = ()
    generation: str | None = None


class ById(NamedTuple):
    """Search for the items that are similar to one, without itself; fields as in `ByVector`."""

    id: str
    k: int
    exclude: Sequence[str] = ()
    generation: str | None = None


class UsersByProfile(NamedTuple):
    """Search for users similar to one; if the index has no such user, to one who chose the `recent` items.

    No vector is sent, so the current generation answers unless another is named, whatever that of the user's
    document is: this stays an older one where a new one was learned from a history without the user.
    """

    user_id: str
    k: int
    recent: Sequence[str] = ()
    exclude: Sequence[str] = ()
    generation: str | None = None


ItemQuery = ByVector | ById

IndexQuery = ItemQuery | UsersByProfile


class IndexAnswer(NamedTuple):
    """Ids, best first, and a score for each.

    Attributes
    ----------
    is_missing
        The index does not have the generation or the id asked for. Users that are found all the same are
        similar to one who chose the recent items.
    hashes
        Python's own of `ids`, where the index is in this process and has them at hand.
    """

    generation: str
    ids: Sequence[str] = ()
    scores: Sequence[float] = ()
    is_missing: bool = False
    hashes: NDArray[np.int64] | None = None


class VectorSearch(Protocol):
    """The vectors of items, searched and read by id."""

    async def search(self, query: ItemQuery) -> IndexAnswer:
        """Return up to `k` items by inner product, without the excluded ones and without `id` itself."""

    async def vectors(self, ids: Sequence[str], generation: str | None = None) -> dict[str, bytes]:
        """Return (D + 1,) float32 bytes by id, of up to 1,000; what the generation has not is left out."""


class ItemIndex(VectorSearch, Protocol):
    """The index as a server uses it."""

    async def search(self, query: IndexQuery) -> IndexAnswer:
        """Return up to `k` ids without the excluded ones and without the one asked for.

        Items by inner product, users by the cosine of their vectors.

        Raises
        ------
        Unavailable
            When users are asked for, and are not indexed.
        """

    async def check(self) -> None:
        """Return when the index answers."""
