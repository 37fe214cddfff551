"""Hard streams: a few of them here, the whole grid at night."""

import numpy as np
import pytest

from benchmarks.learning.stability import complaints, try_out
from benchmarks.learning.stability_streams import (
    N_EVENTS,
    POPULARITIES,
    TASTE_SHARE,
    Combination,
    combinations,
    draw_stream,
)
from streamrec.settings.processes import LearningSettings

LEARNING = LearningSettings()

WORST = [
    Combination("zipf 1", 1024, "ones", 1_000),
    Combination("zipf 1.3", 8192, "spikes", 50),
    Combination("half", 8192, "values", 1_000),
    Combination("half", 1, "spikes", 50),
]


@pytest.mark.parametrize("combination", WORST, ids=lambda combination: combination.name)
def test_learning_holds_on_the_worst_streams(combination: Combination) -> None:
    n_events = 10_000 if combination.batch == 1 else 60_000
    assert complaints(try_out(combination, LEARNING, n_events)) == []


@pytest.mark.parametrize("loss", ["softmax", "bpr", "logistic"])
@pytest.mark.parametrize("weights", ["spikes", "5", "100"])
def test_any_loss_and_any_weights_stay_bounded(loss: str, weights: str) -> None:
    settings = LEARNING.model_copy(update={"loss": loss})
    outcome = try_out(Combination("zipf 1", 1024, weights, 1_000), settings, 15_000)
    assert outcome.flaw is None
    assert np.isfinite(outcome.losses).all()
    assert outcome.losses[-1] <= outcome.losses[0]


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("combination", combinations(), ids=lambda combination: combination.name)
def test_learning_holds_on_the_whole_grid(combination: Combination) -> None:
    assert complaints(try_out(combination, LEARNING)) == []


def test_the_grid_is_what_was_promised() -> None:
    assert len(combinations()) == len(set(combinations())) == 4 * 4 * 4 * 3
    assert N_EVENTS == 300_000


@pytest.mark.parametrize("popularity", POPULARITIES)
def test_streams_have_the_popularity_and_the_tastes_that_they_say(popularity: str) -> None:
    stream = draw_stream(popularity, "ones", 1_000, 50_000)
    counts = np.sort(np.bincount(stream.items))[::-1]
    exponent = 1.0 if popularity == "half" else float(popularity.removeprefix("zipf "))
    shares = np.arange(1, 1_001) ** -exponent
    shares /= shares.sum()
    rest = shares[0] / 2 if popularity == "half" else 0.0
    expected = 0.5 + rest if popularity == "half" else shares[0]
    # Tastes shift what is chosen: a group has as many friends as any, however popular its items are.
    assert counts[0] / len(stream.items) == pytest.approx(expected, rel=0.6 if popularity != "half" else 0.15)
    assert np.array_equal(np.unique(stream.items), np.arange(stream.items.max() + 1))
    assert 0 < TASTE_SHARE < 1


def test_weights_are_as_settings_make_them() -> None:
    for kind, found in {"ones": {1.0}, "types": {0.5, 0.7, 1.0}, "spikes": {1.0, 50.0}, "5": {5.0}}.items():
        weights = draw_stream("zipf 1", kind, 50, 5_000).weights
        assert {round(float(weight), 6) for weight in np.unique(weights)} == found
    values = draw_stream("zipf 1", "values", 50, 5_000).weights
    assert (values.min(), values.max()) == (pytest.approx(0.2), pytest.approx(5.0))
