"""Work in a process of its own, and what it cost."""

import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

import msgspec

from streamrec.errors import ConfigurationError, Unavailable

_KIB = 1024

P = ParamSpec("P")
T = TypeVar("T")


class Cost(msgspec.Struct, frozen=True):
    """Cost of a piece of work.

    Attributes
    ----------
    wall_s, cpu_s
        Elapsed time, and processor time of all threads.
    peak_bytes
        Of the whole process, with all that the work was given.
    """

    wall_s: float
    cpu_s: float
    peak_bytes: int


class Timed:
    """A stopwatch of elapsed and of processor time."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def cost(self) -> Cost:
        """Return what it cost since this was made."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB
        return Cost(time.perf_counter() - self._wall, time.process_time() - self._cpu, peak)


def done_apart(what: str, work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """Do work in a fresh process, and return its result.

    Memory that the work took is free again afterwards, and its peak is its own. The process is no copy of
    this one: a library whose threads have run here would stand still in a copy.

    Parameters
    ----------
    what
        The work, for errors.
    work
        A function of a module.

    Raises
    ------
    Unavailable
        When the process was killed, as for want of memory.
    ConfigurationError
        When a library of the laboratory is not installed.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(work, *given, **named).result()
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                f"{what} needs {error.name}: pip install -r requirements-lab.txt -c constraints.txt,"
                " or outside of the repository 'streamrec[lab]'"
            ) from error
        except BrokenProcessPool as error:
            raise Unavailable(f"{what}: its process was killed; is there memory enough?") from error
