"""Ends tasks of an event loop for certain."""

import asyncio

_PATIENCE_S = 0.1


async def end_tasks(*tasks: asyncio.Task[object] | None) -> None:
    """Cancel tasks, and return once they have ended; None is passed over.

    More than once: drivers swallow a cancellation that comes while they connect.
    """
    given = [task for task in tasks if task is not None]
    pending = {task for task in given if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_PATIENCE_S)
    await asyncio.gather(*given, return_exceptions=True)
