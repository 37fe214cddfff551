"""Methods that go through to their end though their caller stops waiting."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")
C = TypeVar("C", bound=type)

_CLOSING = "aclose"

_PATIENCE_S = 2.0
"""At the end: a service that is told to stop has three seconds."""

_under_way: WeakKeyDictionary[object, set[asyncio.Future[Any]]] = WeakKeyDictionary()
"""Calls of each object. The event loop itself holds tasks by weak references."""


def finishing(cls: C) -> C:
    """Let the public coroutine methods of a class go on, within their own limits, when they are cancelled.

    On Python 3.11 a call that is cancelled while the driver looks for a server, as all are that miss the
    time for an answer during an outage, may leave the lock of its view of all servers taken for ever: nothing
    reaches MongoDB any more until the process is started again. `aclose` waits for these calls, for two
    seconds at most: one that went on behind it would open a connection that nobody closes.
    """
    for name, method in list(vars(cls).items()):
        if iscoroutinefunction(method) and not name.startswith("_"):
            setattr(cls, name, _closing(method) if name == _CLOSING else _finishing(method))
    return cls


def _finishing(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    @functools.wraps(method)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        task = asyncio.ensure_future(method(*args, **kwargs))
        of_self = _under_way.setdefault(args[0], set())

        def hear(task: asyncio.Future[T]) -> None:
            of_self.discard(task)
            if not task.cancelled():
                task.exception()  # of which nobody may wait to hear any more, and which would else be logged

        of_self.add(task)
        task.add_done_callback(hear)
        return await asyncio.shield(task)

    return call


def _closing(method: Callable[[S], Awaitable[T]]) -> Callable[[S], Awaitable[T]]:
    @functools.wraps(method)
    async def call(self: S, /) -> T:
        if tasks := tuple(_under_way.get(self, ())):
            await asyncio.wait(tasks, timeout=_PATIENCE_S)
        return await method(self)

    return call
