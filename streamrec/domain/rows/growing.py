"""Arrays with a row per id, which grow with the ids.

A large array stands at the beginning of a stretch of addresses that nothing else uses, and grows into it: the
system gives memory to a page when it is first written, so what is not used costs nothing, and nobody waits
for a copy. How long such an array takes to grow does not depend on how long it is.
"""

import mmap
import platform
from math import prod
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_T = TypeVar("_T", bound=np.generic)

_LARGE_BYTES = 1 << 22
"""Copies of smaller arrays take about a millisecond."""

_ROOM_BYTES = 1 << 34
"""Addresses of a large array, of the 2^47 that a process has; one that outgrows them is copied once more."""

_STEP_BYTES = 1 << 20
"""A large array becomes so much longer at once: to fill it takes less than a millisecond."""

_NO_RESERVE = 0x4000
"""MAP_NORESERVE of Linux: these addresses do not count as memory. Python names it from 3.13 on."""


class _Room(mmap.mmap):
    """Addresses of one array.

    Attributes
    ----------
    n_used
        Bytes that an array had some time: behind them there are zeros, and no memory.
    """

    n_used = 0


def grown(table: NDArray[_T], n_rows: int, fill: float = 0) -> NDArray[_T]:
    """Return the table when it has at least `n_rows` rows, else one that is longer, by a tenth at most.

    The table that was given is not to be used any more: it may share its memory with the one returned.

    Parameters
    ----------
    table
        (N, ...).
    fill
        What the new rows hold. Zeros of a large table take memory only once something else is written.

    >>> grown(np.array([1, 2]), 2).tolist(), grown(np.array([1, 2]), 4).tolist()
    ([1, 2], [1, 2, 0, 0])
    """
    n_before = len(table)
    if n_rows <= n_before:
        return table
    longer, n_not_zero = _lengthened(table, length_for(table, n_rows))
    longer[n_before : n_not_zero if fill == 0 else None] = fill
    return longer


def rows_of_a_step(table: NDArray[_T]) -> int:
    """Return how many rows a large array becomes longer at once; at least one."""
    return max(1, _STEP_BYTES // max(1, _row_bytes(table)))


def length_for(table: NDArray[_T], n_rows: int) -> int:
    """Return how long a table becomes that must have more rows: a tenth more, a large one a step."""
    n_before = len(table)
    return max(n_rows, n_before + min(n_before // 10, rows_of_a_step(table)))


def _lengthened(table: NDArray[_T], n_rows: int) -> tuple[NDArray[_T], int]:
    """Return a longer table, and from which row on, at the latest, it holds zeros."""
    n_bytes, n_before = n_rows * _row_bytes(table), len(table)
    room = _room_of(table)
    if room is not None and n_bytes <= len(room):
        return _at(room, table, n_rows)
    room = _new_room(n_bytes) if n_bytes >= _LARGE_BYTES else None
    shape = (n_rows, *table.shape[1:])
    longer, n_not_zero = (np.empty(shape, table.dtype), n_rows) if room is None else _at(room, table, n_rows)
    longer[:n_before] = table
    return longer, max(n_before, n_not_zero)


def roomy(table: NDArray[_T]) -> NDArray[_T]:
    """Return a copy of a table that can grow without being copied again, where it is large."""
    longer, n_not_zero = _lengthened(table[:0], len(table))
    if n_not_zero or table.any():  # else it holds the zeros that are wanted, without memory
        longer[:] = table
    return longer


def _row_bytes(table: NDArray[_T]) -> int:
    return prod(table.shape[1:]) * table.dtype.itemsize


def _at(room: _Room, table: NDArray[_T], n_rows: int) -> tuple[NDArray[_T], int]:
    row_bytes = _row_bytes(table)
    n_not_zero = -(-room.n_used // max(1, row_bytes))
    room.n_used = max(room.n_used, n_rows * row_bytes)
    of_rows = np.frombuffer(room, np.uint8)[: n_rows * row_bytes].view(table.dtype)
    return of_rows.reshape(n_rows, *table.shape[1:]), n_not_zero


def _room_of(table: NDArray[_T]) -> _Room | None:
    """Return the whole room that a table begins."""
    whole: object = table.base  # numpy says that it is an array, but it may be whatever has a buffer
    if not isinstance(whole, np.ndarray) or table.ctypes.data != whole.ctypes.data:
        return None
    memory: object = whole.base
    return memory.obj if isinstance(memory, memoryview) and isinstance(memory.obj, _Room) else None


def _new_room(n_bytes: int) -> _Room | None:
    """Return addresses for an array of so many bytes that may grow; None where there are none."""
    if platform.system() != "Linux":
        return None
    size = max(_ROOM_BYTES, 2 * n_bytes)
    # Not shared, as Python's default is: a process that is forked off must keep what stood there then.
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE
    try:
        return _Room(-1, size, flags)
    except OSError:  # the system counts addresses as memory
        return None
