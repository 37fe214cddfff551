"""Loops over arrays, compiled to machine code."""

import hashlib
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np

_F = TypeVar("_F", bound=Callable[..., object])

_ARITHMETIC = {"reassoc", "contract", "nsz", "arcp"}
"""Sums may be taken in another order, several terms at a time. What is not finite stays so, to be found."""

_NUMBA: Any = numba.config

_ROOT = Path(__file__).parents[3]

_SOURCES = ("models/*.py", "streamrec/domain/**/*.py", "streamrec/learning/**/*.py")
"""Folders of functions that are compiled. Code that was kept holds what it calls in other files; numba looks
at its own file alone to see whether it is still right."""


def compiled(function: _F) -> _F:
    """Compile a function of arrays and numbers when it is first called.

    The code is kept for the next process: in a folder beside this file, or, where that can't be written, in
    the user's cache, with what lies in that folder; `NUMBA_CACHE_DIR` names another. Where nothing can be
    written, or no more is, each process compiles.
    """
    return _compiled(function)


def compiled_in_place(function: _F) -> _F:
    """Compile a function as `compiled` does, which makes and returns no array.

    References to arrays, which whoever calls it holds, are not counted in it: each count locks a line of the
    processor's cache, and the loops over one event's rows would take hundreds. numba refuses such a function
    that makes an array.
    """
    return _compiled(function, _nrt=False)


def compiled_beside_others(function: _F) -> _F:
    """Compile a function as `compiled_in_place` does: one of milliseconds, while other threads run.

    No other thread may touch its arrays meanwhile.
    """
    return _compiled(function, nogil=True, _nrt=False)


def _compiled(function: _F, **options: object) -> _F:
    try:
        return _kept_if_possible(_jit(cache=True, **options)(function))
    except RuntimeError:  # numba found no folder that can be written
        return _jit(**options)(function)


def _kept_if_possible(function: _F) -> _F:
    """Let a function be compiled where its code can't be kept or read: the disk is full, a file damaged."""
    dispatcher: Any = function
    cache = dispatcher._cache  # noqa: SLF001  # there is no public way to it
    load, keep = cache.load_overload, cache.save_overload

    def load_if_possible(signature: object, context: object) -> object:
        try:
            return load(signature, context)
        except Exception:  # noqa: BLE001  # a file that is damaged raises whatever its bytes come to
            with suppress(OSError):
                cache.flush()
            return None

    def keep_if_possible(signature: object, code: object) -> None:
        # It is compiled by now. RuntimeError: numba lost its code, which was seen once on a busy machine.
        with suppress(OSError, RuntimeError):
            keep(signature, code)

    cache.load_overload, cache.save_overload = load_if_possible, keep_if_possible
    return function


def inlined(function: _F) -> _F:
    """Compile a function into those that call it: for the few operations on one row that loops consist of."""
    return _jit(inline="always")(function)


def _jit(**options: object) -> Callable[[_F], _F]:
    jit: Any = numba.njit
    return cast("Callable[[_F], _F]", jit(fastmath=_ARITHMETIC, error_model="numpy", **options))


def version_of(files: Iterable[Path]) -> str:
    """Return a name that changes with any of the files."""
    stats = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in sorted(files)]
    return hashlib.sha256(repr(stats).encode()).hexdigest()[:16]


def folder_for(version: str, folders: Iterable[Path]) -> Path | None:
    """Return the folder of a version's code in the first one that can be written, where others' code goes.

    numba reads only where it can write as well. An image holds what was compiled with it, in a folder that
    can't be written: that is copied.
    """
    came_along = None
    for folder in folders:
        ours = folder / f"compiled-{version}"
        try:
            ours.mkdir(parents=True, exist_ok=True)
            (ours / "is_writable").touch()
        except OSError:
            came_along = ours if ours.is_dir() else came_along
            continue
        if came_along is not None:
            shutil.copytree(came_along, ours, ignore=lambda *_: ["is_writable"], dirs_exist_ok=True)
        for other in folder.glob("compiled-*"):
            if other != ours:
                shutil.rmtree(other, ignore_errors=True)
        return ours
    return None


def _keep_code_of_this_version() -> None:
    version = version_of(file for pattern in _SOURCES for file in _ROOT.glob(pattern))
    folders = (Path(__file__).parent / "__pycache__", Path("~/.cache/streamrec").expanduser())
    ours = folder_for(version, folders)
    if ours is not None:
        _NUMBA.CACHE_DIR = str(ours)


if not _NUMBA.CACHE_DIR:
    _keep_code_of_this_version()

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""Step between numbers that are mixed one after the other: 2**64 by the golden ratio (Steele et al. 2014)."""


@inlined
def mixed(number: np.uint64) -> np.uint64:
    """Mix the bits of a number (the finalizer of splitmix64; Steele et al. 2014)."""
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return number ^ (number >> np.uint64(31))
