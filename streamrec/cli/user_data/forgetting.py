"""Whether each part has forgotten a user who was erased."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from models.checkpoint import checkpoint_folders
from streamrec.adapters.files.roles import SnapshotRoles
from streamrec.adapters.files.snapshot_retention import CHECKPOINTS
from streamrec.adapters.opening import open_cache, open_store
from streamrec.cli.screen import progress_bar
from streamrec.cli.service_call import Service, quoted
from streamrec.cli.user_data.entries import has_read, is_in_checkpoint
from streamrec.domain.events.erasure import Erasure
from streamrec.errors import CorruptArtifact, StreamrecError, Unavailable, UnknownId
from streamrec.settings.processes import LocationSettings

_PAUSE_S = 0.5

_ASKED_S = 5.0


class Forgetting(NamedTuple):
    """Parts of an installation that forget a user by themselves, and the user.

    Attributes
    ----------
    erasure
        The last one, which the trainer must have read; None: there is none in this log.
    """

    user_id: str
    locations: LocationSettings
    erasure: Erasure | None

    def wait(self, longest_s: float) -> dict[str, str]:
        """Wait until all have forgotten; return what those that have not say, by part."""
        parts: dict[str, Callable[[], str]] = {
            "document store": lambda: asyncio.run(self._in_store()),
            "hot cache": lambda: asyncio.run(self._in_cache()),
            "trainer": self._in_trainer,
        }
        if not self.locations.is_index_in_process:
            parts["index server"] = self._in_index
        deadline = time.monotonic() + longest_s
        with progress_bar("Parts that have forgotten", len(parts)) as show:
            while True:
                told = {name: _said(ask) for name, ask in parts.items()}
                remembering = {name: said for name, said in told.items() if said}
                show(len(parts) - len(remembering))
                if not remembering or time.monotonic() > deadline:
                    return remembering
                time.sleep(_PAUSE_S)

    async def _in_store(self) -> str:
        store = open_store(self.locations.store_url)
        try:
            document = await store.get_user(self.user_id)
            seen = await store.seen_items(self.user_id, 1)
            lists = [await store.get_batch_list(batch, self.user_id) for batch in await store.get_batches()]
        finally:
            await store.aclose()
        found = {"a document": document is not None, "seen items": bool(seen), "lists": any(lists)}
        return ", ".join(name for name, is_there in found.items() if is_there)

    async def _in_cache(self) -> str:
        cache = open_cache(self.locations.cache_url)
        try:
            return "steps" if await cache.steps(self.user_id) else ""
        finally:
            await cache.aclose()

    def _in_trainer(self) -> str:
        """Look into the newest checkpoints of the generations that learn.

        The champion must have read the erasure: until then it may publish the user. A challenger publishes
        nobody, and one whose trainer does not run reads the erasure when that is started.
        """
        artifacts_dir = self.locations.artifacts_dir
        champion, challenger = SnapshotRoles(artifacts_dir).read()[:2]
        for generation in (champion, challenger):
            if generation is None:
                continue
            newest = checkpoint_folders(artifacts_dir / CHECKPOINTS / generation)[:1]
            with suppress(CorruptArtifact, OSError):  # the trainer has just removed it: look again
                must_read = self.erasure if generation == champion else None
                if newest and must_read is not None and not has_read(newest[0], must_read):
                    return f"the newest checkpoint of {generation} is from before; does a trainer run?"
                if newest and is_in_checkpoint(newest[0], self.user_id):
                    return f"the newest checkpoint of {generation} has the user"
        return ""

    def _in_index(self) -> str:
        index = Service(self.locations.index_url, timeout_s=_ASKED_S)
        try:
            index.get(f"/v1/users/{quoted(self.user_id)}/similar?k=1")
        except UnknownId:
            return ""
        except Unavailable as error:
            # One that does not run holds nothing, and one without users has nothing to forget.
            return "" if _holds_no_users(error) else str(error)
        return "it finds who is similar to the user"


def _holds_no_users(error: Unavailable) -> bool:
    return "does not answer" in str(error) or "turned off" in str(error)


def _said(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except StreamrecError as error:
        return str(error)
