"""The document store in memory: for tests, and for evaluation without a disk."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

from streamrec.adapters.memory.batch_lists import MemoryBatchLists
from streamrec.adapters.memory.catalog import MemoryCatalog
from streamrec.adapters.memory.challenger import MemoryChallengerUsers
from streamrec.adapters.memory.experiments import MemoryExperiments
from streamrec.domain.events.erasure import SALT_BYTES, Erasure, clipped, digest_of
from streamrec.domain.users.choosers import MAX_LOOKED_AT, Choosers, chooser_of
from streamrec.domain.users.user import UserDocument, UserState
from streamrec.errors import LeaseLost
from streamrec.ports import Lease, Mark, UserProfile, UserUpdates


class MemoryStore(MemoryCatalog, MemoryExperiments, MemoryBatchLists, MemoryChallengerUsers):
    """Implements `TrainerStore` and `DocumentStore` over the same documents."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        MemoryCatalog.__init__(self, clock)
        MemoryExperiments.__init__(self)
        MemoryBatchLists.__init__(self)
        MemoryChallengerUsers.__init__(self)
        self._states: dict[str, UserState] = {}
        self._attributes: dict[str, dict[str, Any]] = {}
        self._seen: dict[str, dict[str, float]] = {}
        self._leases: dict[str, Lease] = {}
        self._tokens: dict[str, int] = {}
        self._erasures: dict[tuple[bytes, str], Erasure] = {}
        self._salt = os.urandom(SALT_BYTES)
        self._lock = Lock()

    def publish_users(self, updates: UserUpdates, lease: Lease) -> None:
        """Upsert states, take out of the seen sets and add to them.

        Raises
        ------
        LeaseLost
            When a larger token has been given out.
        """
        with self._lock:
            self._check(lease)
            for state in updates.states:
                self._states[state.user_id] = state
            for user_id, item_id in updates.unseen:
                self._seen.get(user_id, {}).pop(item_id, None)
            for user_id, item_id, seen_at in updates.seen:
                seen = self._seen.setdefault(user_id, {})
                seen[item_id] = max(seen_at, seen.get(item_id, seen_at))

    def forget_users(self, user_ids: Sequence[str], lease: Lease) -> None:
        """Delete states and seen sets.

        Raises
        ------
        LeaseLost
            When a larger token has been given out.
        """
        with self._lock:
            self._check(lease)
            for user_id in user_ids:
                self._states.pop(user_id, None)
                self._seen.pop(user_id, None)

    def _check(self, lease: Lease) -> None:
        token = self._tokens.get(lease.name, 0)
        if token > lease.token:
            raise LeaseLost(
                f"lease {lease.name!r} has gone to another trainer (token {token} > {lease.token})"
            )

    def read_attributes(self, user_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the attributes of users; those without any are left out."""
        return {user_id: dict(given) for user_id in user_ids if (given := self._attributes.get(user_id))}

    def acquire(self, name: str, owner: str, duration_s: float, now: float) -> Lease | None:
        """Take or renew the lease; None while somebody else holds it."""
        with self._lock:
            held = self._leases.get(name)
            if held is None or held.owner != owner:
                if held is not None and held.expires_at > now:
                    return None
                self._tokens[name] = max(*self._tokens.values(), 0, int(now) - 1) + 1
            self._leases[name] = Lease(name, owner, self._tokens[name], now + duration_s)
            return self._leases[name]

    def held(self, name: str) -> Lease | None:
        """Return the lease as it was last given out; None when nobody has it."""
        return self._leases.get(name)

    def release(self, lease: Lease) -> None:
        """Give it up; without effect when it is no longer ours."""
        held = self._leases.get(lease.name)
        if held is not None and (held.owner, held.token) == (lease.owner, lease.token):
            del self._leases[lease.name]

    async def get_profile(self, user_id: str, n_seen: int) -> UserProfile:
        """Return document and newest `n_seen` seen items."""
        return UserProfile(await self.get_user(user_id), await self.seen_items(user_id, n_seen))

    async def get_profiles(self, user_ids: Sequence[str], n_seen: int) -> dict[str, UserProfile]:
        """Return the same of many users."""
        return {user_id: await self.get_profile(user_id, n_seen) for user_id in user_ids}

    async def get_user(self, user_id: str) -> UserDocument | None:
        """Return the document, or None for an unknown user."""
        if user_id not in self._states and user_id not in self._attributes:
            return None
        return UserDocument(user_id, self._states.get(user_id), self._attributes.get(user_id, {}))

    async def get_users(self, user_ids: Sequence[str]) -> dict[str, UserDocument]:
        """Return the documents of these; unknown users are left out."""
        found = [await self.get_user(user_id) for user_id in user_ids]
        return {document.user_id: document for document in found if document is not None}

    async def seen_items(self, user_id: str, limit: int) -> list[str]:
        """Return the newest `limit` items that this user has seen, newest first."""
        seen = self._seen.get(user_id, {})
        return sorted(seen, key=seen.__getitem__, reverse=True)[:limit]

    async def put_attributes(self, user_id: str, attributes: Mapping[str, Any]) -> None:
        """Replace the attributes; creates the document for an unknown user."""
        self._attributes[user_id] = dict(attributes)

    async def find_users(self, prefix: str, limit: int, after: str = "") -> list[str]:
        """Return ids that start with `prefix` and come after `after`, in order of their bytes."""
        user_ids = self._states.keys() | self._attributes.keys()
        # Code points sort as their UTF-8 does.
        return sorted(one for one in user_ids if one.startswith(prefix) and one > after)[:limit]

    async def find_choosers(self, item_id: str, limit: int, after: str = "") -> Choosers:
        """Return users after `after` who have the item among their recent ones."""
        looked_at = sorted(user_id for user_id in list(self._states) if user_id > after)
        end = looked_at[MAX_LOOKED_AT - 1] if len(looked_at) > MAX_LOOKED_AT else None
        choosers = [chooser_of(self._states[user_id], item_id) for user_id in looked_at[:MAX_LOOKED_AT]]
        found = [chooser for chooser in choosers if chooser is not None]
        return Choosers(found[:limit], found[limit - 1].user_id if len(found) > limit else end)

    async def erase_user(self, user_id: str) -> bool:
        """Delete everything stored of a user; return whether there was anything."""
        owners = (self._states, self._attributes, self._seen, self._challenger_users)
        return any([owner.pop(user_id, None) is not None for owner in owners])

    async def note_erasure(self, user_id: str, mark: Mark, erased_at: float) -> None:
        """Write down where in the log a user was erased."""
        digest = digest_of(user_id, self._salt)
        before = self._erasures.get((digest, mark.log), Erasure(digest, mark.log, {}, erased_at))
        latest = {
            partition: max(offset, before.offsets.get(partition, 0))
            for partition, offset in mark.offsets.items()
        }
        self._erasures[digest, mark.log] = Erasure(
            digest, mark.log, {**before.offsets, **latest}, max(erased_at, before.erased_at)
        )

    def erasure_salt(self) -> bytes:
        """Return what digests of user ids are made with."""
        return self._salt

    def read_erasures(self, digests: Sequence[bytes] | None = None) -> list[Erasure]:
        """Return the erasures of these users, or all."""
        erasures = list(self._erasures.values())
        return erasures if digests is None else [one for one in erasures if one.digest in digests]

    def limit_erasures(self, log: str, ends: Mapping[int, int]) -> None:
        """Let no erasure stand behind the end of a log that was cut."""
        self._erasures.update(
            (key, clipped(erasure, ends))
            for key, erasure in self._erasures.copy().items()
            if erasure.log == log
        )

    def close(self) -> None:
        """Nothing to release."""

    async def check(self) -> None:
        """Memory is always there."""

    async def aclose(self) -> None:
        """Nothing to release."""
