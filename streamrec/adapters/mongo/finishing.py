"""Methods that go through to their end though their caller stops waiting."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound=type)

_CLOSING = frozenset({"aclose"})

_under_way: set[asyncio.Future[Any]] = set()
"""The event loop itself holds tasks by weak references."""


def finishing(cls: C) -> C:
    """Let the public coroutine methods of a class go on, within their own limits, when they are cancelled.

    On Python 3.11 a call that is cancelled while the driver looks for a server, as all are that miss the
    time for an answer during an outage, may leave the lock of its view of all servers taken for ever: nothing
    reaches MongoDB any more until the process is started again.
    """
    for name, method in list(vars(cls).items()):
        if iscoroutinefunction(method) and not name.startswith("_") and name not in _CLOSING:
            setattr(cls, name, _finishing(method))
    return cls


def _hear(task: asyncio.Future[Any]) -> None:
    """Take note of an error of which nobody waits to hear any more, which would else be logged."""
    _under_way.discard(task)
    if not task.cancelled():
        task.exception()


def _finishing(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    @functools.wraps(method)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        task = asyncio.ensure_future(method(*args, **kwargs))
        _under_way.add(task)
        task.add_done_callback(_hear)
        return await asyncio.shield(task)

    return call
