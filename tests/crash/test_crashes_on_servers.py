"""kill -9 of a trainer on Kafka, MongoDB and Redis, at points of all three."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.crash import outcomes
from tests.crash.killing import course, differing, kills, recorded, warm_up
from tests.crash.logs import NEW
from tests.crash.places import Places
from tests.crash.scenarios import LEARNING

N_KILLS = 8

N_KILLS_NIGHTLY = 40


def _outcome(places: Places) -> Mapping[str, Any]:
    found = outcomes.of_checkpoint(places, NEW) | outcomes.of_roles(places)
    del found["state/log"]  # two logs have two names
    return found | outcomes.of_users(places, [f"u{number}" for number in range(40)])


def _places(folder: Path, name: str, kafka_url: str, mongo_url: str, redis_url: str) -> Places:
    (folder / name).mkdir()
    kafka = f"{kafka_url}{name}."
    return Places(folder / name, kafka, kafka, f"{mongo_url}-{name}", f"{redis_url}?prefix={name}")


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("n", [N_KILLS, pytest.param(N_KILLS_NIGHTLY, marks=pytest.mark.nightly)])
def test_kill_9_on_servers_changes_nothing(
    n: int, tmp_path: Path, kafka_url: str, mongo_url: str, redis_url: str
) -> None:
    warm_up()
    scenario = LEARNING._replace(outcome=_outcome)

    def prepared(name: str) -> Places:
        places = _places(tmp_path, name, kafka_url, mongo_url, redis_url)
        scenario.prepare(places)
        return places

    points, wanted = recorded(scenario, prepared("smooth"))
    of_servers = [point for point in points if point.startswith(("kafka:", "mongo:", "redis:"))]
    assert {point.partition(":")[0] for point in of_servers} == {"kafka", "mongo", "redis"}
    # Early ones: what is left to do after some kills reaches no later hit.
    faults, n_hit = kills(of_servers, seed=1, latest=3), 0
    for number in range(n):
        crashed = course(scenario, prepared(f"rough{number}"), faults, n - n_hit)
        assert differing(wanted, crashed.outcome) == {}, crashed.hit
        n_hit += len(crashed.hit)
        if n_hit >= n:
            return
    pytest.fail(f"of {n} kills only {n_hit} happened")
