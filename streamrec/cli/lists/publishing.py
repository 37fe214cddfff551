"""Lists from a file into the document store."""

import asyncio
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from streamrec.adapters.opening import open_store, open_trainer_store
from streamrec.cli.screen import Show
from streamrec.datasets.files.parts import hash_of
from streamrec.datasets.list_files import iter_lists
from streamrec.domain.events.erasure import digest_of
from streamrec.domain.items.batch_lists import Batch, checked_name
from streamrec.errors import InvalidInput
from streamrec.ports import BatchListCatalog, ErasureStore

_AT_ONCE = 500
"""Lists of one write: some 400 KB, and some ms for which the trainer's own writing waits."""


class Published(NamedTuple):
    """Number of lists that are published, and of those that were left out because their users are erased."""

    n_lists: int
    n_erased: int


def publish_lists(store_url: str, file: Path, name: str, show: Show) -> Published:
    """Publish the lists of a file under a name, in place of those that are there.

    They count once all are written: whoever asks meanwhile, or after a crash, gets the ones before. Users who
    were ever erased are left out: their lists may have been made of what they did before.

    Raises
    ------
    InvalidInput
        When the name can't be one, or the file can't be read or holds no list.
    Unavailable
        When the store does not answer.
    """
    checked_name(name)
    if not file.is_file():
        raise InvalidInput(f"there is no file {str(file)!r}; lists are made by: python -m lab all")
    return asyncio.run(_publish(store_url, file, name, show))


def withdraw_lists(store_url: str, name: str) -> bool:
    """Delete published lists; return whether there were any."""

    async def delete() -> bool:
        store = open_store(store_url)
        try:
            return await store.delete_batch(name)
        finally:
            await store.aclose()

    return asyncio.run(delete())


def published_batches(store_url: str) -> list[Batch]:
    """Return what is published, in order of names."""

    async def get() -> list[Batch]:
        store = open_store(store_url)
        try:
            return await store.get_batches()
        finally:
            await store.aclose()

    return asyncio.run(get())


async def _publish(store_url: str, file: Path, name: str, show: Show) -> Published:
    store, erasures = open_store(store_url), open_trainer_store(store_url)
    try:
        version = time.time_ns() // 1000
        user_ids = await _written(store, file, name, version, show)
        if not user_ids:
            raise InvalidInput(f"{file} holds no list")
        # Written first, asked afterwards: who is erased from now on deletes what is written.
        n_erased = await _without_erased(store, erasures, name, version, user_ids)
        n_lists = len(user_ids) - n_erased
        await store.publish_batch(Batch(name, version, n_lists, time.time(), hash_of(file)))
        return Published(n_lists, n_erased)
    finally:
        erasures.close()
        await store.aclose()


async def _written(store: BatchListCatalog, file: Path, name: str, version: int, show: Show) -> list[str]:
    user_ids: list[str] = []
    lists = iter_lists(file)
    while some := dict(islice(lists, _AT_ONCE)):
        await store.put_batch_lists(name, version, some)
        user_ids += some
        show(len(user_ids))
    return user_ids


async def _without_erased(
    store: BatchListCatalog, erasures: ErasureStore, name: str, version: int, user_ids: list[str]
) -> int:
    erased = {erasure.digest for erasure in erasures.read_erasures()}
    if not erased:
        return 0
    salt = erasures.erasure_salt()
    gone: Iterator[str] = (user_id for user_id in user_ids if digest_of(user_id, salt) in erased)
    n_erased = 0
    while some := list(islice(gone, _AT_ONCE)):
        n_erased += await store.drop_batch_lists(name, version, some)
    return n_erased
