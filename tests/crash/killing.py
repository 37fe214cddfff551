"""Processes that are ended at a fault point, started again, and run to the end."""

import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, NamedTuple

import typer

from streamrec.cli.ending import EXIT_ERROR, ending_with_a_line
from tests.crash.places import Places, environment, places_in

PATIENCE_S = 120.0

_STEPS_THAT_CAN_FAIL = ("write", "fsync", "rename", "open", "mkdir", "link", "commit")

_EXIT_FINE = (0, 3)
"""3: a first model that ranks no better than popularity."""

_SAID = "said"

_PRELOADED = (
    "initial_training",
    "incremental_training",
    "streamrec.cli.training.attribution",
    "streamrec.cli.training.bars",
    "streamrec.experiments.results",
    "tests.crash.scenarios",
    "tests.crash.warm",
)

processes = multiprocessing.get_context("forkserver")


def warm_up() -> None:
    """Have processes forked from a server that has imported torch and loaded what is compiled.

    There is one such server for all tests of a process, and who started it chose what it has loaded.
    """
    forkserver._forkserver._stop()  # type: ignore[attr-defined]
    processes.set_forkserver_preload(list(_PRELOADED))


class Scenario(NamedTuple):
    """Work that is done over a fixed log, by a process that may be killed anywhere.

    Attributes
    ----------
    prepare
        Makes log, stores and files to start from.
    work
        Does the work, in a process of its own.
    is_done
        Whether all of it is done, so that the process is told to stop; None: it ends by itself.
    settle
        Does what others do afterwards, before the outcome is looked at.
    outcome
        Returns all that counts and must not depend on crashes, by what it is.
    """

    prepare: Callable[[Places], None]
    work: Callable[[Places], None]
    is_done: Callable[[Places], bool] | None
    settle: Callable[[Places], None]
    outcome: Callable[[Places], Mapping[str, Any]]


class Ended(NamedTuple):
    """How a process ended, and what it said."""

    code: int
    said: str

    @property
    def is_killed(self) -> bool:
        """Whether it was killed."""
        return self.code == -signal.SIGKILL


def _child(work: Callable[[Places], None], places: Places, fault: str) -> None:
    said = os.open(places.folder / _SAID, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    for number in (1, 2):
        os.dup2(said, number)
    os.environ.update(environment(places) | ({"STREAMREC_FAULT": fault} if fault else {}))
    try:
        with ending_with_a_line():  # as its command does
            work(places)
    except typer.Exit as ended:
        sys.exit(ended.exit_code)


def run(scenario: Scenario, places: Places, fault: str = "") -> Ended:
    """Run the process until its work is done, or it ended otherwise."""
    (places.folder / _SAID).write_bytes(b"")
    process = processes.Process(target=_child, args=(scenario.work, places, fault), daemon=True)
    process.start()
    assert process.pid is not None
    try:
        is_done = scenario.is_done
        if is_done is not None:
            _wait(process, lambda: is_following(_said(places)) and is_done(places), fault)
            if process.is_alive():
                os.kill(process.pid, signal.SIGTERM)
        _wait(process, lambda: False, fault)
    finally:
        process.kill()
        process.join()
    assert process.exitcode is not None
    return Ended(process.exitcode, _said(places))


def _said(places: Places) -> str:
    """Return what the process has said that runs or ran last."""
    return (places.folder / _SAID).read_text("utf-8", "replace")


def is_following(said: str) -> bool:
    """Return whether a process has begun to follow the log: told to stop before, it would publish nothing."""
    return '"event":"following"' in said or '"event":"training"' in said


def _wait(process: ForkServerProcess, is_enough: Callable[[], bool], fault: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while process.is_alive() and not is_enough():
        assert time.monotonic() < deadline, f"it hangs at {fault!r}"
        process.join(0.01)


def finish(scenario: Scenario, places: Places) -> Mapping[str, Any]:
    """Run the work to its end, and return what it leaves."""
    ended = run(scenario, places)
    assert ended.code in _EXIT_FINE, ended.said
    scenario.settle(places)
    return scenario.outcome(places)


def recorded(scenario: Scenario, places: Places) -> tuple[list[str], Mapping[str, Any]]:
    """Return the points that a run without any fault reaches, in order, and what it leaves."""
    record = places.folder / "points"
    ended = run(scenario, places, f"record:{record}")
    assert ended.code in _EXIT_FINE, ended.said
    scenario.settle(places)
    return record.read_text().split("\n")[:-1], scenario.outcome(places)


def kills(points: Sequence[str], seed: int, latest: int = sys.maxsize) -> Iterator[str]:
    """Yield faults that end the process, without end: at each name in turn, at its `latest` hit at most."""
    return _faults(
        points, lambda name: ("torn", "kill") if name.startswith("write:") else ("kill",), seed, latest
    )


def errors(points: Sequence[str], seed: int) -> Iterator[str]:
    """Yield faults that let a step fail."""

    def actions(name: str) -> Sequence[str]:
        return ("short", "enospc", "eio") if name.startswith("write:") else ("enospc", "eio")

    that_can_fail = [name for name in points if name.startswith(_STEPS_THAT_CAN_FAIL)]
    return _faults(that_can_fail, actions, seed, sys.maxsize)


def _faults(
    points: Sequence[str], actions: Callable[[str], Sequence[str]], seed: int, latest: int
) -> Iterator[str]:
    chance, n_hits = random.Random(seed), Counter(points)
    names = sorted(n_hits)
    while True:
        chance.shuffle(names)
        for name in names:
            # A restart begins to count anew, and has less to do.
            nth = chance.randint(1, min(latest, max(1, n_hits[name] // 2)))
            yield f"{name}:{nth}:{chance.choice(actions(name))}"


class Crashed(NamedTuple):
    """A course of processes that were killed, or failed, at one point each, and of one that finished.

    Attributes
    ----------
    hit
        Faults that happened.
    """

    hit: list[str]
    outcome: Mapping[str, Any]


def course(scenario: Scenario, places: Places, faults: Iterable[str], n: int) -> Crashed:
    """Kill at up to `n` faults one after the other, over the same files; then let the work be finished."""
    hit: list[str] = []
    for fault in faults:
        ended = run(scenario, places, fault)
        if ended.is_killed:
            hit.append(fault)
        elif fault.rpartition(":")[2] not in ("kill", "torn"):
            assert "Traceback" not in ended.said, (fault, ended.said)
            assert ended.code in (*_EXIT_FINE, EXIT_ERROR), (fault, ended.said)
            assert ended.code != EXIT_ERROR or ended.said, fault
            hit.append(fault)
        else:
            assert ended.code in _EXIT_FINE, (fault, ended.said)
        if len(hit) == n or ended.code in _EXIT_FINE:
            break
    return Crashed(hit, finish(scenario, places))


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return what differs between two outcomes, shortened."""
    names = sorted({*one, *other})
    return {
        name: (str(one.get(name))[:400], str(other.get(name))[:400])
        for name in names
        if one.get(name) != other.get(name)
    }


def copied(start: Places, folder: Path) -> Places:
    """Return a copy of what a run starts from; its folder has the same name, as points may have it."""
    target = folder / start.folder.name
    shutil.copytree(start.folder, target)
    return places_in(target)
