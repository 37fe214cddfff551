"""Random histories: whatever happens to the system, it shows what was said, and recovers by itself.

``python -m tests.histories --help`` lets one of a seed happen again.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from streamrec.cli.launch.local_servers import KINDS
from tests.conftest import REQUIRED
from tests.histories import recovery
from tests.histories.actions.changes import events_of
from tests.histories.actions.steps import Step, WrongAnswer
from tests.histories.campaign import Campaign
from tests.histories.generate import generated, kept
from tests.histories.happen import Failed, happen
from tests.histories.shrink import shrunk
from tests.histories.system.planted import FAULTS, is_lost
from tests.histories.system.system import RECOVERS_WITHIN_S, System
from tests.histories.truth import ITEMS, Place, Truth

pytestmark = pytest.mark.timeout(1200)

N_ACTIONS = 25


def skip_without_servers(place: Place) -> None:
    for kind in KINDS.values() if place == "services" else ():
        if why_not := kind.why_not():
            (pytest.fail if REQUIRED else pytest.skip)(why_not)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    campaign = Campaign(tmp_path_factory.mktemp("histories"), "embedded", N_ACTIONS)
    yield campaign
    campaign.close()


def test_short_histories_on_files(embedded: Campaign) -> None:
    for seed in range(5):
        assert (failure := embedded.failure_of(seed)) is None, failure


def test_short_histories_on_servers(tmp_path: Path) -> None:
    skip_without_servers("services")
    campaign = Campaign(tmp_path, "services", N_ACTIONS)
    seed_with_a_backup = 239
    steps = [step.action for step in generated(seed_with_a_backup, N_ACTIONS, "services")]
    assert {"back up", "restore", "kill server", "click"} <= set(steps)
    try:
        assert (failure := campaign.failure_of(seed_with_a_backup)) is None, failure
    finally:
        campaign.close()


@pytest.mark.nightly
@pytest.mark.timeout(6 * 3600)
@pytest.mark.parametrize(("place", "n"), [("embedded", 140), ("services", 60)])
def test_long_histories(place: Place, n: int, tmp_path: Path) -> None:
    skip_without_servers(place)
    campaign = Campaign(tmp_path, place, n_actions=60)
    try:
        failures = [campaign.failure_of(seed) for seed in range(1000, 1000 + n)]
    finally:
        campaign.close()
    assert (found := [failure for failure in failures if failure is not None]) == [], "\n\n".join(found)


def test_planted_faults_are_found(embedded: Campaign) -> None:
    """Each by a history that is wrong at any moment, however late or early the looks at it are."""
    system = embedded.system()
    first, last = Step("say", "u0", 0), Step("say", "u0", 3)
    n_first, n_last = len(events_of(first)), len(events_of(last))
    assert n_last <= n_first  # else what is learned of the last ones looks right before all are
    ticks = [Step("say", "u0", number) for number in range(20)]
    assert {said.item_id for step in ticks for said in events_of(step) if is_lost(said.value)} & {*ITEMS}
    wanted = {
        "erasures are forgotten": (
            "recommender",
            [first, Step("settle", "", 1), Step("erase", "u0", 2), last],
            f"u0 has {n_first + n_last} events of {n_last} to",
        ),
        "hidden items are shown": (
            "recommender",
            [Step("show", "i1", 0), Step("settle", "", 1), Step("hide", "i1", 2)],
            r"\['i1'\] are offered to u",
        ),
        "ticks are lost": ("bars", ticks, r"i\d has bars .*, not "),
        "clicks are counted twice": (
            "attribution",
            [Step("offer", "u1", 1), Step("click", "u1", 2)],
            "2 clicks of 1 to 1",
        ),
    }
    assert wanted.keys() == FAULTS.keys() - {""}
    try:
        for planted, (name, history, found) in wanted.items():
            happen(system, history)
            system.parts[name].kill()
            system.start(name, planted)
            assert_found(found, system, history)
            system.parts[name].kill()
            system.start(name)
            system.recovers_within_s = RECOVERS_WITHIN_S
    finally:
        embedded.close()


def assert_found(pattern: str, system: System, history: list[Step]) -> None:
    """See a history fail each time; a busy machine gets more time to come so far that it shows why."""
    for system.recovers_within_s in (3.0, 15.0, 75.0):
        with pytest.raises(Failed) as failed:
            happen(system, history)
        if re.search(pattern, str(failed.value)):
            return
    raise failed.value


def test_what_is_right_for_a_moment_has_not_recovered(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [["not yet"], [], ["too many"], [], []]
    monkeypatch.setattr(recovery, "wrong_after_all", lambda _system, _truth: looks.pop(0))
    system = cast("System", SimpleNamespace(parts={}, ended_by_themselves=list, recovers_within_s=60.0))
    recovery.recover(system, Truth("embedded"))
    assert looks == []
    looks = [[], ["too many"]]
    system.recovers_within_s = 0.0
    with pytest.raises(WrongAnswer, match="too many"):
        recovery.recover(system, Truth("embedded"))


def test_a_seed_gives_one_history_whose_preconditions_hold() -> None:
    places: tuple[Place, ...] = ("embedded", "services")
    for place in places:
        history = generated(7, 60, place)
        assert history == generated(7, 60, place) == kept(history, place)
        assert history != generated(8, 60, place)


def test_the_shortest_history_that_fails_is_found() -> None:
    history = generated(3, 400, "embedded")
    wanted = [("say", "u1"), ("erase", "u1"), ("kill", "trainer-1"), ("start", "trainer-1")]

    def fails(steps: list[Step]) -> bool:
        """Return whether these stand in it in this order, as in a fault of a restart behind an erasure."""
        left = iter(step[:2] for step in steps)
        return all(step in left for step in wanted)

    def kept_of(steps: list[Step]) -> list[Step]:
        return kept(steps, "embedded")

    assert fails(history)
    shortest = shrunk(history, fails, kept_of)
    assert [step[:2] for step in shortest] == wanted
    assert kept_of(shortest) == shortest
