"""Two ways to keep what users have seen in MongoDB: a document a pair, or a document a sight."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pymongo

from streamrec.ports import UserUpdates

N_PAIRS = 20_000
_BATCH = 1000

Documents = dict[str, Any]
Sight = tuple[str, str, float]


def sights_of(updates: UserUpdates) -> list[Documents]:
    """Return the documents of a publication's sights, as the store writes them."""
    return [
        {"_id": {"user_id": user_id, "at": at, "item_id": item_id}} for user_id, item_id, at in updates.seen
    ]


def measure_layouts(url: str) -> dict[str, float]:
    """Write pairs by upsert under an index of newest first, and sights by insert; return pairs a second."""
    pairs = [
        (f"user-{number * 7919 % 5000}", f"item-{number * 104729 % 9973}", 1.7e9 + number)
        for number in range(N_PAIRS)
    ]
    with pymongo.MongoClient[Documents](url, w="majority", journal=True) as client:
        by_pair, by_sight = client["layouts"]["by_pair"], client["layouts"]["by_sight"]
        by_pair.create_index([("_id.user_id", 1), ("at", -1), ("_id.item_id", 1)])

        def upsert(chunk: Sequence[Sight]) -> None:
            by_pair.bulk_write(
                [
                    pymongo.UpdateOne(
                        {"_id": {"user_id": user_id, "item_id": item_id}}, {"$max": {"at": at}}, upsert=True
                    )
                    for user_id, item_id, at in chunk
                ],
                ordered=False,
            )

        def insert(chunk: Sequence[Sight]) -> None:
            by_sight.insert_many(sights_of(UserUpdates([], chunk)), ordered=False)

        def insert_again(chunk: Sequence[Sight]) -> None:
            try:
                insert(chunk)
            except pymongo.errors.BulkWriteError as error:
                if len(error.details["writeErrors"]) != len(chunk):
                    raise

        return {
            "upserted_pairs_per_s": rate(upsert, pairs),
            "inserted_sights_per_s": rate(insert, pairs),
            "upserted_again_per_s": rate(upsert, pairs),
            "inserted_again_per_s": rate(insert_again, pairs),
        }


def rate(write: Callable[[Sequence[Sight]], None], pairs: Sequence[Sight]) -> float:
    """Return pairs written a second."""
    started = time.perf_counter()
    for chunk in _chunks(pairs):
        write(chunk)
    return len(pairs) / (time.perf_counter() - started)


def _chunks(pairs: Sequence[Sight]) -> Iterator[Sequence[Sight]]:
    for first in range(0, len(pairs), _BATCH):
        yield pairs[first : first + _BATCH]
