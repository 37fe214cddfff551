"""The sequential test: what it finds, how soon, and that chance alone does not set it off."""

import numpy as np
import pytest

from streamrec.shadow.worsening import Worsening


def worse_after(worsening: Worsening, chances: tuple[float, float], n: int, seed: int) -> int | None:
    """Note events that two lists have by these chances, each for itself; return at which it was worse."""
    random = np.random.default_rng(seed)
    hits = random.random((n, 2)) < chances
    for number, (is_hit, is_hit_of_other) in enumerate(hits.tolist(), start=1):
        worsening.note(is_hit, is_hit_of_other)
        if worsening.is_worse:
            return number
    return None


@pytest.mark.parametrize("seed", range(10))
def test_chance_alone_says_nothing_however_long(seed: int) -> None:
    # The least that a list may have: the bound on false alarms is of this case.
    assert worse_after(Worsening(least=0.9), (0.135, 0.15), 20_000, seed) is None
    assert worse_after(Worsening(kept_lead=0.7), (0.15, 0.07), 20_000, seed) is None


@pytest.mark.parametrize("seed", range(5))
def test_a_list_that_fell_is_found_however_long_it_was_good(seed: int) -> None:
    for n_good in (0, 20_000):
        worsening = Worsening()
        assert worse_after(worsening, (0.2, 0.1), n_good, seed) is None
        found = worse_after(worsening, (0.1, 0.2), 5000, seed)
        assert found is not None
        assert found < 2000


@pytest.mark.parametrize("seed", range(5))
def test_a_lead_that_is_lost_is_found_though_the_other_is_not_better(seed: int) -> None:
    worsening = Worsening(kept_lead=0.7)
    assert worse_after(worsening, (0.15, 0.07), 20_000, seed) is None
    # As on MovieLens with its items shuffled.
    found = worse_after(worsening, (0.04, 0.05), 5000, seed)
    assert found is not None


def test_what_is_good_again_is_called_so_soon() -> None:
    worsening = Worsening()
    assert worse_after(worsening, (0.0, 0.3), 2000, seed=1)
    for _ in range(200_000 // 1000):
        worse_after(worsening, (0.0, 0.3), 1000, seed=2)
    random = np.random.default_rng(3)
    n = 0
    while worsening.is_worse:
        worsening.note(*(random.random(2) < (0.2, 0.1)).tolist())
        n += 1
    assert n < 2000


def test_a_lead_is_not_believed_before_there_are_hits() -> None:
    worsening = Worsening(kept_lead=0.7)
    for _ in range(20):
        worsening.note(is_hit=True, is_hit_of_other=False)
    assert worse_after(worsening, (0.1, 0.1), 2000, seed=1) is None
