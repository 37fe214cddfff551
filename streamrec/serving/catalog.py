"""Changes of items and users that services own: durable store first, then the cache, then the command."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from streamrec.domain.items.item import FoundItems, Item
from streamrec.domain.users.choosers import Choosers
from streamrec.domain.users.user import UserDocument
from streamrec.errors import Damaged, StreamrecError, UnknownId
from streamrec.markers import ErasureMarker, encode_marker
from streamrec.ports import COMMANDS, INTERACTIONS, DocumentStore, EventSink, Message
from streamrec.serving.guard import by_the_log
from streamrec.serving.item_reader import ItemReader
from streamrec.serving.users.accepted import AcceptedChoices
from streamrec.wire import Command, encode_command

CommandName = Literal["item_changed", "item_deleted", "user_changed", "user_erased"]

ORIGIN = "recommender"


class FoundUsers(NamedTuple):
    """Ids of users, and the one behind which the next page begins; None: there are no more."""

    user_ids: list[str]
    next_after: str | None


class Catalog:
    """Items and users as people and other services read and change them.

    Every change that the trainer or an index server must know of is appended to the commands. It comes last:
    whoever acts on it finds the new state. A change that fails half way is repeated by its caller; each step
    may be repeated without harm.
    """

    def __init__(
        self,
        store: DocumentStore,
        items: ItemReader,
        sink: EventSink,
        accepted: AcceptedChoices,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._items = items
        self._sink = sink
        self._accepted = accepted
        self._clock = clock
        self._searching = asyncio.Lock()

    async def get_item(self, item_id: str) -> Item:
        """Return an item as it is stored.

        Raises
        ------
        UnknownId
            When there is none.
        """
        found = await self._store.get_items([item_id])
        if item_id not in found:
            raise UnknownId(f"there is no item {item_id!r}")
        return found[item_id]

    async def find_items(self, text: str, limit: int, after: str, *, with_text: bool) -> FoundItems:
        """Return items by the beginning of their ids or by their titles, if wanted with their long texts.

        One search at a time: each may walk over all items.
        """
        async with self._searching:
            found = await self._store.find_items(text, limit, after)
        if with_text:
            return found
        return found._replace(items=[msgspec.structs.replace(item, text=None) for item in found.items])

    async def find_choosers(self, item_id: str, limit: int, after: str) -> Choosers:
        """Return users who chose an item lately, of the next `MAX_LOOKED_AT`; one search at a time.

        Raises
        ------
        UnknownId
            When there is nobody, and no metadata of the item.
        """
        async with self._searching:
            choosers = await self._store.find_choosers(item_id, limit, after)
        if not choosers.found and choosers.next_after is None and not await self.has_item(item_id):
            raise UnknownId(f"there is no item {item_id!r}")
        return choosers

    async def has_item(self, item_id: str) -> bool:
        """Return whether there is metadata of this item, if only damaged."""
        try:
            return item_id in await self._store.get_items([item_id])
        except Damaged:
            return True

    async def put_items(self, items: Sequence[Item]) -> None:
        """Replace whole items, all or none; durable on return."""
        now = self._clock()
        await self._store.put_items([msgspec.structs.replace(item, updated_at=now) for item in items])
        await self._announce("item_changed", [item.item_id for item in items])

    async def delete_item(self, item_id: str) -> None:
        """Delete an item's metadata and take it out of the index.

        Raises
        ------
        UnknownId
            When there is none.
        """
        was_there = await self._store.delete_item(item_id)
        # Also when it was not: an item that only ever had interactions is in the index nevertheless.
        await self._announce("item_deleted", [item_id])
        self._accepted.forget_item(item_id)
        if not was_there:
            raise UnknownId(f"there is no item {item_id!r}")

    async def get_user(self, user_id: str) -> UserDocument:
        """Return a user's document.

        Raises
        ------
        UnknownId
            When there is none.
        """
        document = await self._store.get_user(user_id)
        if document is None:
            raise UnknownId(f"there is no user {user_id!r}")
        return document

    async def has_user(self, user_id: str) -> bool:
        """Return whether there is a document of this user, if only a damaged one."""
        try:
            return await self._store.get_user(user_id) is not None
        except Damaged:
            return True

    async def find_users(self, prefix: str, limit: int, after: str) -> FoundUsers:
        """Return ids that start with `prefix` and come after `after`, in order of their bytes."""
        found = await self._store.find_users(prefix, limit + 1, after)
        return FoundUsers(found[:limit], found[limit - 1] if len(found) > limit else None)

    async def put_attributes(self, user_id: str, attributes: Mapping[str, Any]) -> None:
        """Replace a user's attributes; creates the user."""
        await self._store.put_attributes(user_id, attributes)
        await self._append("user_changed", [user_id])

    async def erase_user(self, user_id: str) -> None:
        """Delete everything stored of a user, and let no event from before now count any more.

        Markers in the log of the interactions say what came before; their offsets are written down for
        whoever reads the log from before them. So also for an unknown user: the log may hold events that
        nobody read yet. A repeat, after a failure at any step, marks a later offset, and that one counts.
        """
        try:
            await self._store.erase_user(user_id)
            now = self._clock()
            marker = Message(user_id, encode_marker(ErasureMarker("user_erased", now, ORIGIN)))
            mark = await by_the_log(self._sink.mark, INTERACTIONS, marker)
            await self._store.note_erasure(user_id, mark, now)
            # After it is noted: who publishes lists writes them first, and then asks who was erased.
            await self._store.erase_batch_lists(user_id)
            await self._append("user_erased", [user_id])
        finally:
            # Behind the marker: whoever appended before it has noted by now what was appended.
            self._accepted.forget_user(user_id)

    async def _announce(self, name: CommandName, item_ids: Sequence[str]) -> None:
        # A failure must not keep the change from those who act on it; the trainer tells the cache, too.
        with contextlib.suppress(StreamrecError):
            await self._items.note_changes(item_ids)
        await self._append(name, item_ids)

    async def _append(self, name: CommandName, keys: Sequence[str]) -> None:
        payload = encode_command(Command(name, self._clock(), ORIGIN, is_marked=name == "user_erased"))
        messages = [Message(key, payload) for key in keys]
        await by_the_log(self._sink.append, COMMANDS, messages)
