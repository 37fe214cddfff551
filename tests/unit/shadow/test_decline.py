"""The test against the model's own past: what it finds, how soon, and what must not set it off."""

import pickle

import numpy as np
import pytest
from numpy.typing import NDArray

from streamrec.shadow.decline import Decline

WITHIN = 5000
N_CLEAN = 100_000


def worse_after(decline: Decline, chances: NDArray[np.float64], seed: int, n_users: int = 2000) -> int | None:
    """Note events of random users that a list has by these chances; return at which it was worse."""
    random = np.random.default_rng(seed)
    hits = random.random(len(chances)) < chances
    users = random.integers(n_users, size=len(chances))
    for number, (user, is_hit) in enumerate(zip(users.tolist(), hits.tolist(), strict=True), start=1):
        decline.note(f"user-{user}", is_hit)
        if decline.is_worse:
            return number
    return None


@pytest.mark.parametrize("seed", range(3))
def test_a_fall_to_half_is_found_however_long_it_was_good(seed: int) -> None:
    for n_good in (4000, 40_000):
        decline = Decline()
        assert worse_after(decline, np.full(n_good, 0.15), seed) is None
        found = worse_after(decline, np.full(WITHIN, 0.07), seed + 100)
        assert found is not None
        assert found < WITHIN


@pytest.mark.parametrize("seed", range(3))
def test_no_alarm_where_it_learns_and_then_falls_slowly(seed: int) -> None:
    # A quarter in 20,000 events: as where a catalogue grows.
    n = np.arange(N_CLEAN)
    chances = 0.2 * np.minimum(1, n / 3000) * np.maximum(0.75 ** (n / 20_000), 0.25)
    assert worse_after(Decline(), chances, seed) is None


@pytest.mark.parametrize("seed", range(3))
def test_no_alarm_where_it_goes_up_and_down(seed: int) -> None:
    n = np.arange(N_CLEAN)
    assert worse_after(Decline(), 0.15 * (1 + 0.1 * np.sin(2 * np.pi * n / 6000)), seed) is None


@pytest.mark.parametrize("seed", range(3))
def test_no_alarm_where_users_come_one_after_the_other_and_differ(seed: int) -> None:
    random = np.random.default_rng(seed)
    decline = Decline()
    for user in range(N_CLEAN // 200):
        # One to three hundred events each; one user of ten gets next to nothing that fits.
        chance = 0.01 if random.random() < 0.1 else 0.2
        for is_hit in (random.random(random.integers(100, 300)) < chance).tolist():
            decline.note(f"user-{user}", is_hit)
            assert not decline.is_worse


def test_one_user_who_is_never_hit_sets_off_nothing() -> None:
    decline = Decline()
    assert worse_after(decline, np.full(20_000, 0.2), seed=1) is None
    for _ in range(700):
        decline.note("robot", is_hit=False)
    assert not decline.is_worse


def test_what_stays_so_becomes_usual() -> None:
    decline = Decline()
    assert worse_after(decline, np.full(20_000, 0.2), seed=1) is None
    assert worse_after(decline, np.full(WITHIN, 0.1), seed=2) is not None
    random = np.random.default_rng(4)
    n = 0
    while decline.is_worse:
        decline.note(f"user-{random.integers(2000)}", bool(random.random() < 0.1))
        n += 1
    assert n < 60_000


def test_who_is_erased_leaves_nothing() -> None:
    decline = Decline()
    for number in range(3000):
        decline.note(f"user-{number % 7}", is_hit=True)
    decline.forget({"user-3", "unknown"})
    assert b"user-3" not in pickle.dumps(decline)
    assert b"user-4" in pickle.dumps(decline)
    for number in range(3000):
        decline.note(f"user-{number % 7}", is_hit=True)
    assert not decline.is_worse
