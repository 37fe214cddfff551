"""A/A streams through the attribution: alarms are as rare as they are promised to be."""

import pytest

from benchmarks.experiments.alike_streams import alike_streams


def test_some_streams_end_without_alarm() -> None:
    found = alike_streams(n_streams=4, n_exposures=2000, seed=3)
    assert (found.decided.n, found.decided.of) == (0, 4)
    assert found.sample_ratio.n == 0


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_at_most_one_in_twenty_alarms_over_all_looks() -> None:
    found = alike_streams(n_streams=200, n_exposures=10_000, seed=100)
    assert found.decided.share <= 0.05, found.decided
    assert found.sample_ratio.share <= 0.05, found.sample_ratio
