"""Calls of the disk that fail now and then, SQLite's own among them: once it is mended, nothing is amiss.

The fault points let each step fail that is ours; fiu-utils, where they are installed, each call of libc.
"""

import time
from pathlib import Path

import pytest

from streamrec.cli.ending import EXIT_ERROR
from tests.crash.failing_disk import OnFailingDisk, why_not
from tests.crash.killing import Ended, copied, differing
from tests.crash.places import Places, places_in
from tests.crash.scenarios import SCENARIOS

LEASES = {"bars": "history", "an experiment": "attribution", "learning and a promotion": "trainer"}

FAILING_S = 6.0

needs_fiu = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


def work(name: str, places: Places, probability: float, failing_s: float = 0.0) -> Ended:
    """Work on a failing disk for some seconds, and on a mended one to the end."""
    is_done, until = SCENARIOS[name].is_done, time.monotonic() + failing_s
    assert is_done is not None
    process = OnFailingDisk(name, LEASES[name], places, probability)
    try:
        if failing_s:
            process.wait(lambda: process.has_failed_calls() and time.monotonic() > until)
            assert process.has_failed_calls(), process.said()
            process.mend()
        # Of a failing disk the line that tells of it may be lost; and who ended what is done has followed.
        process.wait(lambda: (failing_s > 0 or process.is_following()) and is_done(places))
    finally:
        ended = process.end()
    return ended


def fail(name: str, folder: Path, probability: float, failing_s: float) -> None:
    """Fail where calls that failed leave another outcome than an undisturbed run."""
    scenario, start = SCENARIOS[name], places_in(folder / "run")
    start.folder.mkdir()
    scenario.prepare(start)
    failing, steady = copied(start, folder / "failing"), copied(start, folder / "steady")
    ended = work(name, failing, probability, failing_s)
    assert "Traceback" not in ended.said, ended.said
    if ended.code == EXIT_ERROR:  # it could not go on, and has said so: whoever started it starts it again
        ended = work(name, failing, 0.0)
    assert (ended.code, work(name, steady, 0.0).code) == (0, 0), ended.said
    assert differing(scenario.outcome(steady), scenario.outcome(failing)) == {}


@needs_fiu
@pytest.mark.timeout(600)
def test_calls_that_fail_change_no_bars(tmp_path: Path) -> None:
    fail("bars", tmp_path, 0.1, FAILING_S)


@needs_fiu
@pytest.mark.nightly
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("name", LEASES)
@pytest.mark.parametrize("probability", [0.01, 0.05, 0.1, 0.3])
def test_calls_that_fail_change_nothing(name: str, probability: float, tmp_path: Path) -> None:
    fail(name, tmp_path, probability, 5 * FAILING_S)
