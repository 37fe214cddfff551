"""One fault of one dependency: what each route answers, what the loops do, and how all recovers."""

import json
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from streamrec.log_limits import INTERVAL_S
from tests.dependencies.faults import Fault
from tests.dependencies.following import Counted, Log, counted_by_loops
from tests.dependencies.requests import Reply, ask_all, event, questions_and_changes
from tests.dependencies.system import System

LASTS_S = 14.0
"""Usual length of a fault: longer than the longest pause after a failure and between two lines of a kind."""

_RECOVERY_S = 180.0

_SLACK_S = 1.5
"""For a machine that has other things to do."""

_NUMBERS = re.compile(r"\d+")

_OF_REQUESTS = frozenset({"request", "problem"})
"""Lines that tell of one request each."""


class Answers(NamedTuple):
    """Answers of a group of routes while something is amiss.

    Attributes
    ----------
    kind
        The worst of them once the fault was a while old: "whole", "degraded", or a status.
    took_s
        Longest time of all.
    """

    kind: str
    took_s: float


class Cell(NamedTuple):
    """What was seen of one fault.

    Attributes
    ----------
    groups
        Answers by the group of the routes.
    wrong
        Whatever no promise allows, a line each; empty where all is as it should be.
    lines
        By process, the most lines in ten seconds, those of single requests left out.
    recovered_s
        Seconds from the mending until every route was whole and every loop at the log's end.
    """

    dependency: str
    fault: str
    groups: Mapping[str, Answers]
    wrong: list[str]
    lines: Mapping[str, int]
    recovered_s: float


def watched(system: System, log: Log, fault: Fault, lasts_s: float) -> Cell:
    """Let a fault come, ask everything while it lasts, mend it, and wait until all is whole."""
    pids = {name: process.running.pid for name, process in system.processes.items()}
    began = time.time()
    fault.do()
    try:
        rounds = list(_rounds(system, lasts_s))
    finally:
        fault.undo()
    mended = time.monotonic()
    wrong = [*_of_replies(reply for replies in rounds for reply in replies)]
    wrong += _whole_again(system)
    wrong += _in_place(system, log, [reply for replies in rounds for reply in replies])
    recovered_s = time.monotonic() - mended
    lines = {name: list(_lines(system, name, began)) for name in system.processes}
    wrong += [
        f"{name} wrote {event} {n} times in 10 s" for name in lines for event, n in _repeated(lines[name])
    ]
    for name, pid in pids.items():
        if system.processes[name].running.pid != pid and fault.dependency != name:
            wrong.append(f"{name} was started again")
        if system.processes[name].running.poll() is not None:
            wrong.append(f"{name} ended: {system.processes[name].said()[-500:]}")
    most = {name: max(_in_ten_seconds([at for at, _ in said]), default=0) for name, said in lines.items()}
    return Cell(fault.dependency, fault.name, _groups(rounds), wrong, most, recovered_s)


def _rounds(system: System, lasts_s: float) -> Iterator[list[Reply]]:
    """Ask everything again and again while the fault lasts, and twice at least."""
    end, n_rounds = time.monotonic() + lasts_s, 0
    while n_rounds < 2 or time.monotonic() < end:
        yield list(ask_all(system.port, [*questions_and_changes(), *(event() for _ in range(5))]))
        n_rounds += 1
        time.sleep(2.5)


def _of_replies(replies: Iterable[Reply]) -> Iterator[str]:
    found: Counter[str] = Counter()
    for reply in replies:
        name = f"{reply.request.method} {reply.request.target.partition('?')[0]}"
        name = reply.request.name if any(digit.isdigit() for digit in name) else name
        if not reply.is_declared:
            found[f"{name} answered {reply.status}: {reply.text[:200]}"] += 1
        if reply.took_s > reply.request.deadline_s + _SLACK_S:
            found[f"{name} took longer than {reply.request.deadline_s} s"] += 1
    yield from (f"{told} ({n} times)" for told, n in found.items())


def _whole_again(system: System) -> list[str]:
    """Wait until every route answers whole; tell which do not."""
    end = time.monotonic() + _RECOVERY_S
    while left := [one for one in ask_all(system.port, questions_and_changes()) if not one.is_whole]:
        if time.monotonic() > end:
            return [f"{one.request.name} is not whole again: {one.status} {one.text[:200]}" for one in left]
        time.sleep(0.2)
    return []


def _in_place(system: System, log: Log, replies: Sequence[Reply]) -> list[str]:
    """Wait until each loop has counted the log once; tell which has not, and what the log lacks."""
    wanted: Any = None
    found: Any = None

    def is_counted() -> bool:
        nonlocal wanted, found
        wanted, found = log.counted(), counted_by_loops(system)
        return bool(wanted == found)

    end = time.monotonic() + _RECOVERY_S
    while not is_counted() and time.monotonic() < end:
        time.sleep(0.5)
    wrong = [
        f"{name} counted {have} of {want}"
        for name, have, want in zip(Counted._fields, found, wanted, strict=True)
        if have != want
    ]
    for reply in replies:
        if reply.status == 202:
            n = log.events[reply.request.body["user_id"], reply.request.body["item_id"]]
            if n != 1:
                wrong.append(f"an event that was accepted is {n} times in the log")
    return wrong


def _groups(rounds: Sequence[Sequence[Reply]]) -> dict[str, Answers]:
    groups = dict.fromkeys(reply.request.group for reply in rounds[0])
    return {
        group: Answers(
            _worst(_kind(one) for replies in rounds[1:] for one in replies if one.request.group == group),
            max(one.took_s for replies in rounds for one in replies if one.request.group == group),
        )
        for group in groups
    }


def _worst(kinds: Iterable[str]) -> str:
    return min(kinds, key=lambda kind: {"whole": 2, "degraded": 1}.get(kind, 0))


def _kind(reply: Reply) -> str:
    if reply.is_whole:
        return "whole"
    return "degraded" if reply.is_degraded else str(reply.status)


def _lines(system: System, name: str, since: float) -> Iterator[tuple[float, dict[str, Any]]]:
    """Yield Unix seconds and contents of each warning or error since then."""
    for line in system.processes[name].said().splitlines():
        try:
            told = json.loads(line)
            at = datetime.fromisoformat(told["timestamp"]).timestamp()
        except (ValueError, KeyError, TypeError):
            yield since, {"event": line[:200]}
            continue
        if at >= since and told.get("event") not in _OF_REQUESTS:
            yield at, told


def _repeated(lines: Sequence[tuple[float, dict[str, Any]]]) -> Iterator[tuple[str, int]]:
    """Yield lines of one kind of which there were several in ten seconds: a kind is an event and its part."""
    kinds: dict[str, list[float]] = {}
    for at, told in lines:
        about = str(told.get("part") or told.get("error") or "").partition(" ")[0]
        event = _NUMBERS.sub("#", str(told["event"]))
        kinds.setdefault(f"{event} of {about}", []).append(at)
    for kind, times in kinds.items():
        most = max(_in_ten_seconds(times))
        if most > 1:
            yield kind, most


def _in_ten_seconds(times: Sequence[float]) -> Iterator[int]:
    """Yield, for each line, how many there were in the ten seconds from it on, but for a clock's grain."""
    for first in times:
        yield sum(first <= at < first + INTERVAL_S - 0.2 for at in times)


def steady(system: System, log: Log) -> None:
    """Wait until all is whole before the first fault."""
    assert _whole_again(system) == []
    assert _in_place(system, log, []) == []
