"""Click model: clicks follow attraction and position as they should, and users' lists have their law."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from lab.experiments.click_model import ClickModel, attraction_of, simulated
from streamrec.errors import InvalidInput


def test_clicks_fall_with_the_position_by_the_law() -> None:
    model = ClickModel(position_bias=0.7, noise=0.0)
    assert model.chances(np.full(8, 0.5)) == pytest.approx(0.5 * np.arange(1, 9) ** -0.7)
    assert ClickModel(position_bias=0.0, noise=0.0).chances(np.full(3, 0.5)) == pytest.approx(np.full(3, 0.5))


def test_noise_is_the_share_of_clicks_that_it_says() -> None:
    attraction = np.array([[0.0, 0.8], [0.8, 0.0]])
    with_noise = ClickModel(position_bias=0.0, noise=0.25).chances(attraction)
    assert with_noise.sum() == pytest.approx(attraction.sum())
    assert with_noise[attraction == 0].sum() / with_noise.sum() == pytest.approx(0.125)  # half of the noise


def test_totals_are_those_of_the_chances() -> None:
    random = np.random.default_rng(1)
    attraction = np.tile([0.6, 0.3, 0.0], (30_000, 1))
    model = ClickModel(noise=0.0, purchase_chance=0.5, max_lists=4)
    found = simulated(attraction, model, random)
    n_lists = found.n_exposures.sum()
    chances = model.chances(attraction[0])
    assert found.n_clicks.sum() / n_lists == pytest.approx(chances.sum(), rel=0.02)
    answered = 1 - (1 - chances).prod()
    assert found.n_answered.sum() / n_lists == pytest.approx(answered, rel=0.02)
    assert found.n_purchases.sum() / n_lists == pytest.approx((chances * 0.5 * attraction[0]).sum(), rel=0.05)
    assert (found.n_answered <= found.n_exposures).all()
    metrics = found.metrics()
    assert ((metrics["ctr"] >= 0) & (metrics["ctr"] <= 1)).all()


def test_lists_per_user_have_zipfs_law() -> None:
    model = ClickModel(lists_exponent=1.5, max_lists=6)
    drawn = model.lists_shown(20_000, np.random.default_rng(2))
    wanted = np.arange(1.0, 7) ** -1.5
    counts = np.bincount(drawn, minlength=7)[1:]
    assert scipy.stats.chisquare(counts, wanted / wanted.sum() * 20_000).pvalue > 0.001
    other = np.arange(1.0, 7) ** -1.4
    assert scipy.stats.chisquare(counts, other / other.sum() * 20_000).pvalue < 0.001


@given(affinities=st.lists(st.floats(0, 1), min_size=2, max_size=10), n_items=st.integers(1, 10**6))
def test_attraction_rises_with_affinity(affinities: list[float], n_items: int) -> None:
    found = attraction_of(np.sort(np.array(affinities)), n_items)
    assert ((found >= 0) & (found < 1)).all()
    assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize("bad", [-0.1, 1.1, float("nan")])
def test_attraction_that_is_no_chance_is_named(bad: float) -> None:
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        ClickModel().chances(np.array([0.5, bad]))


def test_nobody_does_nothing() -> None:
    found = simulated(np.zeros((0, 5)), ClickModel(), np.random.default_rng(3))
    assert found.metrics()["ctr"].shape == (0,)
