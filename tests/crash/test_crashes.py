"""kill -9, and errors of the disk, at any step that lasts: a restart leaves what an undisturbed run leaves.

The points are those that an undisturbed run reaches. They are hit in courses of several processes, each of
which goes on where the one before was killed; the last one finishes the work.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.crash.killing import copied, course, differing, errors, kills, recorded, warm_up
from tests.crash.places import Places, places_in
from tests.crash.scenarios import SCENARIOS

_IN_A_COURSE = 8


class Figures(NamedTuple):
    """How many faults happen: kills and errors at each change, and every night."""

    kills: int
    errors: int
    kills_nightly: int
    errors_nightly: int


FIGURES = {
    "learning and a promotion": Figures(18, 4, 270, 50),
    "a first model": Figures(6, 2, 60, 20),
    "bars": Figures(7, 2, 60, 20),
    "an experiment": Figures(5, 1, 50, 10),
    "an erasure": Figures(4, 1, 60, 20),
}
"""40 kills, and 500; most where most is done."""


class Undisturbed(NamedTuple):
    """What a run starts from that nobody disturbs, the points that it reaches, and what it leaves."""

    name: str
    start: Places
    points: list[str]
    outcome: Mapping[str, Any]


@pytest.fixture(scope="module", autouse=True)
def warm_processes() -> None:
    """Spare each process the imports."""
    warm_up()


@pytest.fixture(scope="module", params=SCENARIOS)
def undisturbed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """A run of each scenario."""
    folder = tmp_path_factory.mktemp("undisturbed")
    scenario, start = SCENARIOS[request.param], places_in(folder / "run")
    start.folder.mkdir()
    scenario.prepare(start)
    points, outcome = recorded(scenario, copied(start, folder / "smooth"))
    return Undisturbed(request.param, start, points, outcome)


def crash(undisturbed: Undisturbed, folder: Path, faults: Iterator[str], n: int) -> None:
    """Let `n` faults happen in courses; fail where one leaves something else."""
    n_hit = 0
    for number in range(4 * n):
        places = copied(undisturbed.start, folder / str(number))
        crashed = course(SCENARIOS[undisturbed.name], places, faults, min(_IN_A_COURSE, n - n_hit))
        assert differing(undisturbed.outcome, crashed.outcome) == {}, crashed.hit
        n_hit += len(crashed.hit)
        if n_hit >= n:
            return
    pytest.fail(f"of {n} faults only {n_hit} happened")


@pytest.mark.timeout(900)
def test_kill_9_at_any_point_changes_nothing(undisturbed: Undisturbed, tmp_path: Path) -> None:
    crash(undisturbed, tmp_path, kills(undisturbed.points, seed=1), FIGURES[undisturbed.name].kills)


@pytest.mark.timeout(900)
def test_an_error_of_the_disk_changes_nothing(undisturbed: Undisturbed, tmp_path: Path) -> None:
    crash(undisturbed, tmp_path, errors(undisturbed.points, seed=1), FIGURES[undisturbed.name].errors)


@pytest.mark.nightly
@pytest.mark.timeout(14_400)
def test_500_kills_change_nothing(undisturbed: Undisturbed, tmp_path: Path) -> None:
    crash(undisturbed, tmp_path, kills(undisturbed.points, seed=2), FIGURES[undisturbed.name].kills_nightly)


@pytest.mark.nightly
@pytest.mark.timeout(14_400)
def test_120_errors_of_the_disk_change_nothing(undisturbed: Undisturbed, tmp_path: Path) -> None:
    crash(undisturbed, tmp_path, errors(undisturbed.points, seed=2), FIGURES[undisturbed.name].errors_nightly)
