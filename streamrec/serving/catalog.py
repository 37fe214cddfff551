"""Changes of items and users that services own: durable store first, then the cache, then the command."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from streamrec.domain.items.item import Item
from streamrec.domain.users.user import UserDocument
from streamrec.errors import Damaged, StreamrecError, UnknownId
from streamrec.markers import ErasureMarker, encode_marker
from streamrec.ports import COMMANDS, INTERACTIONS, DocumentStore, EventSink, Message
from streamrec.serving.item_reader import ItemReader
from streamrec.serving.users.accepted import AcceptedChoices
from streamrec.wire import Command, encode_command

CommandName = Literal["item_changed", "item_deleted", "user_erased"]

ORIGIN = "recommender"


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

    async def find_users(self, prefix: str, limit: int) -> list[str]:
        """Return ids that start with `prefix`, in order of their bytes."""
        return await self._store.find_users(prefix, limit)

    async def put_attributes(self, user_id: str, attributes: Mapping[str, Any]) -> None:
        """Replace a user's attributes; creates the user."""
        await self._store.put_attributes(user_id, attributes)

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
            mark = await asyncio.to_thread(self._sink.mark, INTERACTIONS, marker)
            await self._store.note_erasure(user_id, mark, now)
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
        await asyncio.to_thread(self._sink.append, COMMANDS, messages)
