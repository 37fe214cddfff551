"""Keys that hold a value of another kind than ours: a list, say, where a set is wanted."""

from collections.abc import Sequence
from typing import Any, cast

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import ResponseError

_WRONG_KIND = "WRONGTYPE"
"""Beginning of the complaint of Redis."""


def is_of_wrong_kind(error: Exception) -> bool:
    """Return whether Redis found a value of another kind."""
    return isinstance(error, ResponseError) and _WRONG_KIND in str(error)


def keys_of_other_kinds(redis: Redis, keys: Sequence[str], kind: bytes) -> list[str]:
    """Return those of some keys that hold something, but nothing of this kind (``b"set"``)."""
    with redis.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.type(key)
        held: list[Any] = pipeline.execute()
    return [key for key, found in zip(keys, held, strict=True) if found not in (kind, b"none")]


def text_at(pipeline: Pipeline, key: str) -> bytes:
    """Return what a watched key holds, if it is a text."""
    try:
        return cast("bytes | None", pipeline.get(key)) or b""
    except ResponseError as error:
        if not is_of_wrong_kind(error):
            raise
        return b""
