"""Simulated users click on real answers while parts are killed; what is counted is what they remember."""

import msgspec
import pytest

from benchmarks.experiments.ledger import Counts
from benchmarks.experiments.loop import AB, BETTER, MIXED, Loop, Rules, run


@pytest.mark.timeout(900)
def test_what_a_population_did_is_counted_though_the_recommender_is_killed() -> None:
    loop = run(Rules(n_users=40, max_visits=3, outcome_s=4.0), killed=("recommender",))
    assert loop.differences == []
    assert loop.n_lost == 0
    assert loop.counts.keys() == {AB, MIXED}
    assert sum(counts.clicks for one in loop.counts.values() for counts in one.variants.values()) > 0


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_counts_are_those_of_a_run_in_which_nothing_was_killed() -> None:
    rules = Rules(n_users=600, outcome_s=120.0)
    killed, undisturbed = run(rules), run(rules, killed=())
    for loop in (killed, undisturbed):
        assert loop.differences == []
        assert loop.n_lost == 0
        assert loop.verdicts[MIXED] == ("ship", BETTER)
    assert killed.visits == undisturbed.visits
    assert totals(killed) == totals(undisturbed)
    repeats = [sum(of.exposures for of in counted(loop)) - loop.n_unseen for loop in (killed, undisturbed)]
    assert repeats[0] == repeats[1], "what was asked for again is all that one has more"


def counted(loop: Loop) -> list[Counts]:
    """Return the counts of all variants."""
    return [counts for one in loop.counts.values() for counts in one.variants.values()]


def totals(loop: Loop) -> list[Counts]:
    """Return the counts of all variants that no repeated request and no late click changes."""
    return [msgspec.structs.replace(counts, exposures=0, means={}) for counts in counted(loop)]
