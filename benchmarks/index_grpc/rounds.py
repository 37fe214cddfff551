"""Asks an index one way or another, and measures what it costs."""

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import psutil

from benchmarks.index_grpc.clients import Searcher
from benchmarks.index_grpc.relay import Relay
from streamrec.ports import ByVector

SIDE_BY_SIDE = 16
_N_ALONE = 400
_N_BUSY = 1200
"""Half a second of each: short, so that what else the machine does changes little within a turn of all ways;
long, because CPU time of other processes is told in steps of 10 ms."""

_N_COUNTED = 100
_WARM_UP = 20
"""Searches before bytes are counted: connections are made, and HTTP/2 has learnt the headers, by then."""


class Question(NamedTuple):
    """A query, and the ids that the index in process answers, best first."""

    query: ByVector
    ids: list[str]


class Way(NamedTuple):
    """One way to ask.

    Attributes
    ----------
    connect
        Connects a searcher to a port of this machine.
    n_searchers
        How many share the callers; more than one where a connection carries one search at a time.
    """

    name: str
    connect: Callable[[int], Searcher]
    port: int
    server: psutil.Process
    n_searchers: int = 1

    def searchers(self) -> list[Searcher]:
        """Return new searchers; they connect when first asked."""
        return [self.connect(self.port) for _ in range(self.n_searchers)]


class OpenWay(NamedTuple):
    """A way with its searchers."""

    way: Way
    searchers: list[Searcher]


async def check_answers(opened: OpenWay, questions: Sequence[Question]) -> None:
    """Ask everything once, side by side, as a warm-up too; end the process when an answer differs."""
    queries = iter(questions)

    async def ask(searcher: Searcher) -> None:
        for question in queries:
            answer = await searcher.search(question.query)
            ids = list(answer.ids)
            if ids != question.ids:
                raise SystemExit(f"{opened.way.name} answers {ids}, the index {question.ids}")

    searchers = itertools.islice(itertools.cycle(opened.searchers), SIDE_BY_SIDE)
    await asyncio.gather(*map(ask, searchers))


async def measure_round(opened: OpenWay, questions: Sequence[Question]) -> dict[str, float]:
    """Search one at a time, then `SIDE_BY_SIDE` at a time."""
    alone = await _measure(opened, questions, 1, _N_ALONE)
    busy = await _measure(opened, questions, SIDE_BY_SIDE, _N_BUSY)
    return {
        **{f"alone_{name}": figure for name, figure in alone.items()},
        **{f"busy_{name}": figure for name, figure in busy.items()},
    }


async def _measure(
    opened: OpenWay, questions: Sequence[Question], n_callers: int, n_searches: int
) -> dict[str, float]:
    queries = itertools.islice(itertools.cycle(questions), n_searches)
    durations_s: list[float] = []

    async def ask(searcher: Searcher) -> None:
        for question in queries:
            start = time.perf_counter()
            await searcher.search(question.query)
            durations_s.append(time.perf_counter() - start)

    searchers = itertools.islice(itertools.cycle(opened.searchers), n_callers)
    server_cpu_s, client_cpu_s = _cpu_s(opened.way.server), time.process_time()
    started = time.perf_counter()
    await asyncio.gather(*map(ask, searchers))
    took_s = time.perf_counter() - started
    client_cpu_s = time.process_time() - client_cpu_s
    server_cpu_s = _cpu_s(opened.way.server) - server_cpu_s
    return {
        "ms_p50": float(np.median(durations_s)) * 1e3,
        "ms_p99": float(np.quantile(durations_s, 0.99)) * 1e3,
        "per_s": n_searches / took_s,
        "client_cpu_ms": client_cpu_s / n_searches * 1e3,
        "server_cpu_ms": server_cpu_s / n_searches * 1e3,
        "cpu_ms": (client_cpu_s + server_cpu_s) / n_searches * 1e3,
    }


async def count_bytes(way: Way, questions: Sequence[Question]) -> dict[str, float]:
    """Return the bytes of TCP's payload a search, one search at a time."""
    relay = Relay(way.port)
    searcher = way.connect(await relay.start())
    try:
        for question in questions[:_WARM_UP]:
            await searcher.search(question.query)
        n_sent, n_received = relay.n_sent, relay.n_received
        for question in questions[:_N_COUNTED]:
            await searcher.search(question.query)
        return {
            "bytes_sent": (relay.n_sent - n_sent) / _N_COUNTED,
            "bytes_received": (relay.n_received - n_received) / _N_COUNTED,
        }
    finally:
        await searcher.close()
        await relay.close()


def _cpu_s(process: psutil.Process) -> float:
    """Return what a process and its children have used; gunicorn's worker is a child."""
    times = [each.cpu_times() for each in (process, *process.children())]
    return float(sum(each.user + each.system for each in times))
