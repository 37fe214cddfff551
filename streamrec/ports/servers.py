"""Ports of the servers: asynchronous, a request at a time."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from streamrec.domain.bars.bar import HeldBars
from streamrec.domain.items.item import Item, ItemVersions
from streamrec.domain.popularity.ranked_item import RankedItem
from streamrec.domain.ranking.published_blend import Blend
from streamrec.domain.similarity.neighbour import Neighbours
from streamrec.domain.users.user import UserDocument
from streamrec.ports.logs import Mark

NO_VERSIONS: Mapping[str, int] = MappingProxyType({})
"""Nothing is known of the items' versions."""


class UserProfile(NamedTuple):
    """Data of a user that an answer needs; an unknown user has no document, but may have seen items."""

    document: UserDocument | None
    seen: list[str]


class UserStore(Protocol):
    """The document store's users as a server uses them."""

    async def get_profile(self, user_id: str, n_seen: int) -> UserProfile:
        """Return document and newest `n_seen` seen items, in the time of the slower of the two."""

    async def get_user(self, user_id: str) -> UserDocument | None:
        """Return the document, or None for an unknown user."""

    async def get_users(self, user_ids: Sequence[str]) -> dict[str, UserDocument]:
        """Return the documents of these, up to 2,000; unknown users are left out."""

    async def seen_items(self, user_id: str, limit: int) -> list[str]:
        """Return the newest `limit` items that this user has seen, newest first."""

    async def put_attributes(self, user_id: str, attributes: Mapping[str, Any]) -> None:
        """Replace the attributes; creates the document of an unknown user."""

    async def find_users(self, prefix: str, limit: int) -> list[str]:
        """Return ids that start with `prefix`, in order of their bytes."""

    async def erase_user(self, user_id: str) -> bool:
        """Delete everything stored of a user; return whether there was anything."""

    async def note_erasure(self, user_id: str, mark: Mark, erased_at: float) -> None:
        """Write down, durably and for good, where in the log a user was erased.

        Parameters
        ----------
        erased_at
            Unix seconds.
        """


class ItemCatalog(Protocol):
    """Item metadata as a server uses it."""

    async def get_items(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return what is known of these; unknown ids are left out."""

    async def get_versions(self, item_ids: Sequence[str]) -> ItemVersions:
        """Return these as they are now, deleted ones included; never an older state than was acknowledged."""

    async def put_items(self, items: Sequence[Item]) -> None:
        """Replace whole items; durable on return."""

    async def delete_item(self, item_id: str) -> bool:
        """Delete; return whether it was there."""


class DocumentStore(UserStore, ItemCatalog, Protocol):
    """The whole document store as a server uses it."""

    async def check(self) -> None:
        """Return when the store answers."""

    async def aclose(self) -> None:
        """Release the connection."""


class Rankings(Protocol):
    """Rankings that the trainer publishes for everybody."""

    async def popular(self, name: str, limit: int) -> list[RankedItem]:
        """Return the head of a ranking, best first; empty when there is none of this name."""

    async def neighbours(self, item_ids: Sequence[str]) -> dict[str, Neighbours]:
        """Return the neighbours of these, nearest first; items without any are left out."""

    async def blend(self) -> Blend | None:
        """Return the blend as last published; None when there is none, or one of another version."""


class HotCache(Rankings, Protocol):
    """The hot cache as a server uses it."""

    async def check(self) -> None:
        """Return when the cache answers."""

    async def counters(self) -> dict[str, float]:
        """Return the trainer's counters as last published."""

    async def history(self, item_id: str) -> HeldBars | None:
        """Return an item's minutes as last published; None for an item without any."""

    async def get_items(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return cached metadata; what is not cached is left out."""

    async def last_known(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Return cached metadata, of hidden items also what is too old: for when the store is away."""

    async def put_items(self, items: Sequence[Item], versions: Mapping[str, int] = NO_VERSIONS) -> None:
        """Cache metadata, unless a newer version is known of an item.

        Parameters
        ----------
        versions
            By id; 0 where there is none.
        """

    async def drop_items(self, item_ids: Sequence[str], versions: Mapping[str, int] = NO_VERSIONS) -> None:
        """Forget cached metadata after a change, unless it is of a newer version than that.

        Of an item with a version, no older one is cached for a while.
        """

    async def aclose(self) -> None:
        """Release the connection."""


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
    """

    generation: str
    ids: Sequence[str] = ()
    scores: Sequence[float] = ()
    is_missing: bool = False


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
