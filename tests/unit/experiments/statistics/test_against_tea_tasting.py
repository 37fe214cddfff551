"""Adjusted differences and relative uplifts: those of tea-tasting, where it is installed."""

import numpy as np
import pytest

from streamrec.domain.experiments.outcomes import Moments
from streamrec.experiments.statistics.means import difference

tea_tasting = pytest.importorskip("tea_tasting")
pyarrow = pytest.importorskip("pyarrow")


def test_cuped_and_the_delta_method_are_those_of_tea_tasting() -> None:
    chance = np.random.default_rng(1)
    n = 2000
    before = chance.gamma(2.0, 2.0, n)
    variant = chance.random(n) < 0.4
    outcome = before + 0.3 * variant + chance.normal(0, 1, n)
    table = pyarrow.table({"variant": variant.astype(int), "outcome": outcome, "before": before})
    expected = tea_tasting.Experiment(
        plain=tea_tasting.Mean("outcome"), adjusted=tea_tasting.Mean("outcome", "before")
    ).analyze(table)

    def sums(part: np.ndarray, covariate: np.ndarray) -> Moments:
        x, y = outcome[part], covariate[part]
        return Moments(len(x), x.sum(), x @ x, y.sum(), y @ y, x @ y)

    # Its coefficient is that over all users, ours that within variants: they differ by what chance did.
    for name, covariate, close in (("plain", np.zeros(n), 1e-9), ("adjusted", before, 1e-3)):
        found = difference(sums(~variant, covariate), sums(variant, covariate))
        assert found is not None
        assert found.uplift == pytest.approx(expected[name].effect_size, rel=close)
        assert found.p_value() == pytest.approx(expected[name].pvalue, rel=100 * close, abs=1e-12)
        theirs = (expected[name].effect_size_ci_lower, expected[name].effect_size_ci_upper)
        assert found.interval(0.05) == pytest.approx(theirs, rel=close)
