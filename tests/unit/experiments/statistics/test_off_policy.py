"""Values of a policy that was never shown, beside the truth of a simulator in which it is known."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamrec.errors import InvalidInput
from streamrec.experiments.statistics.off_policy import Expected, Logged, OffPolicy, off_policy

N_SEGMENTS, N_ITEMS = 4, 12


class World(NamedTuple):
    """A simulated shop: chances of a click by segment and item, and two policies by the same."""

    clicks: NDArray[np.float64]
    shown: NDArray[np.float64]
    target: NDArray[np.float64]
    segments: NDArray[np.float64]

    @property
    def truth(self) -> float:
        """Mean click rate of the target policy."""
        return float(self.segments @ (self.target * self.clicks).sum(1))


def softmax(scores: NDArray[np.float64], explored: float) -> NDArray[np.float64]:
    powers = np.exp(scores - scores.max(1, keepdims=True))
    chances: NDArray[np.float64] = (1 - explored) * powers / powers.sum(1, keepdims=True) + explored / N_ITEMS
    return chances


@pytest.fixture(scope="module")
def world() -> World:
    chance = np.random.default_rng(5)
    clicks = chance.beta(1, 6, (N_SEGMENTS, N_ITEMS))
    shown = softmax(chance.normal(0, 1, (N_SEGMENTS, N_ITEMS)), explored=0.2)
    target = softmax(25 * clicks, explored=0.02)
    return World(clicks, shown, target, np.array([0.4, 0.3, 0.2, 0.1]))


def simulated(
    world: World, seed: int, *, n_users: int = 400, taste: float = 0.0, model_error: float = 0.0
) -> tuple[Logged, Expected]:
    """Return what a few impressions of each user bring, and what a model expects of them.

    Parameters
    ----------
    taste
        How much users differ in how readily they click.
    model_error
        Of the model, in click rates.
    """
    chance = np.random.default_rng(seed)
    n_each = chance.integers(1, 9, n_users)
    users = np.repeat(np.arange(n_users), n_each)
    segments = np.repeat(chance.choice(N_SEGMENTS, n_users, p=world.segments), n_each)
    # A user has as many impressions as any other, whatever the segment.
    readiness = np.repeat(1 + taste * chance.choice([-1.0, 1.0], n_users), n_each)
    drawn = chance.random(len(users))[:, None] > world.shown[segments].cumsum(1)
    items = np.minimum(drawn.sum(1), N_ITEMS - 1)
    rewards = chance.random(len(users)) < world.clicks[segments, items] * readiness
    model = world.clicks + model_error
    expected = Expected(model[segments, items], (world.target * model).sum(1)[segments])
    logged = Logged(users, world.shown[segments, items], world.target[segments, items], rewards.astype(float))
    return logged, expected


def estimates(world: World, n: int, **options: Any) -> list[OffPolicy]:
    return [off_policy(*simulated(world, seed, **options)) for seed in range(n)]


def values(found: list[OffPolicy], name: str) -> NDArray[np.float64]:
    return np.array([getattr(one, name).value for one in found])


def n_covering(found: list[OffPolicy], name: str, truth: float) -> int:
    bounds = [getattr(one, name).interval for one in found]
    return sum(low <= truth <= high for low, high in bounds)


@pytest.mark.parametrize("taste", [0.0, 0.9])
def test_intervals_hold_the_truth_as_often_as_they_say(world: World, taste: float) -> None:
    found = estimates(world, 300, taste=taste)
    for name in ("ips", "snips", "doubly_robust"):
        assert n_covering(found, name, world.truth) >= 272, name  # 95 % less three standard deviations
        error = values(found, name).std() / np.sqrt(300)
        assert abs(values(found, name).mean() - world.truth) < 4 * error + 0.002, name
    assert sum(one.is_supported for one in found) >= 272
    logged = values(found, "logged").mean()
    assert abs(logged - world.truth) > 0.05  # what was shown is no answer


def test_a_model_makes_intervals_narrower_and_a_wrong_one_does_no_harm_but_width(world: World) -> None:
    right, wrong = (estimates(world, 200, model_error=error) for error in (0.0, 0.3))
    assert values(right, "doubly_robust").std() < 0.9 * values(right, "ips").std()
    assert values(wrong, "doubly_robust").std() > values(right, "doubly_robust").std()
    assert abs(values(wrong, "doubly_robust").mean() - world.truth) < 0.01
    assert n_covering(wrong, "doubly_robust", world.truth) >= 178


def test_a_right_model_mends_wrong_propensities(world: World) -> None:
    found = []
    for seed in range(100):
        logged, expected = simulated(world, seed)
        wrong = np.minimum(np.asarray(logged.propensities) * 1.6, 1.0)
        found.append(off_policy(logged._replace(propensities=wrong), expected))
    assert abs(values(found, "ips").mean() - world.truth) > 0.05
    assert abs(values(found, "doubly_robust").mean() - world.truth) < 0.01
    assert not any(one.is_supported for one in found)


def test_a_user_who_comes_often_is_not_many(world: World) -> None:
    logged, _ = simulated(world, 1)
    once = off_policy(logged).ips.interval
    tenfold = off_policy(Logged(*(np.tile(column, 10) for column in logged))).ips.interval
    assert once is not None
    assert tenfold == pytest.approx(once)


def test_what_the_logged_policy_never_shows_is_noticed(world: World) -> None:
    chance = np.random.default_rng(0)
    rewards = chance.random(1000) < 0.3
    found = off_policy(Logged(np.arange(1000), np.full(1000, 0.5), np.full(1000, 0.3), rewards))
    assert not found.is_supported
    assert found.snips.value == pytest.approx(rewards.mean())


def test_large_weights_are_cut_and_counted() -> None:
    logged = Logged([1, 2, 3, 4], [0.01, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5], [1.0, 0.0, 1.0, 0.0])
    whole, cut = off_policy(logged), off_policy(logged, max_weight=10.0)
    assert (whole.n_clipped, cut.n_clipped) == (0, 1)
    assert (whole.ips.value, cut.ips.value) == (51 / 4, 11 / 4)
    assert whole.effective_n < cut.effective_n < 4


def test_one_user_or_no_weight_has_no_interval() -> None:
    one = off_policy(Logged(["u", "u"], [0.5, 0.5], [1.0, 0.0], [1.0, 0.0]), Expected([0.5, 0.5], [1.0, 1.0]))
    assert one.ips.interval is None
    assert one.doubly_robust is not None
    assert one.doubly_robust.interval is None
    nothing = off_policy(Logged([1, 2], [0.5, 0.5], [0.0, 0.0], [1.0, 0.0]))
    assert (nothing.ips.value, nothing.snips, nothing.effective_n) == (0.0, (0.0, None), 0.0)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"propensities": [0.0, 0.5]}, "propensities: 1 are not above 0"),
        ({"propensities": [1.5, 0.5]}, "propensities: 1 are not above 0"),
        ({"targets": [-0.1, 0.5]}, "targets: 1 do not lie"),
        ({"rewards": [np.nan, 0.5]}, "rewards: 1 of 2 values are not finite"),
        ({"targets": [0.5]}, "targets: shape"),
        ({"users": [1]}, "users: shape"),
        ({"rewards": []}, "rewards: 0 values"),
    ],
)
def test_what_can_not_be_is_named(changed: dict[str, Any], said: str) -> None:
    logged = Logged([1, 2], [0.5, 0.5], [0.5, 0.5], [1.0, 0.0])
    with pytest.raises(InvalidInput, match=said):
        off_policy(logged._replace(**changed))
    with pytest.raises(InvalidInput, match="of_target: shape"):
        off_policy(logged, Expected([0.5, 0.5], [0.5]))
    with pytest.raises(InvalidInput, match="max_weight"):
        off_policy(logged, max_weight=0.0)


@given(st.lists(st.tuples(st.floats(0.01, 1), st.floats(0, 1), st.floats(0, 5)), min_size=3, max_size=30))
def test_the_self_normalized_estimate_lies_among_the_rewards_and_moves_with_them(
    rows: list[tuple[float, float, float]],
) -> None:
    propensities, targets, rewards = (np.array(column) for column in zip(*rows, strict=True))
    logged = Logged(np.arange(len(rows)), propensities, targets, rewards)
    found, moved = off_policy(logged).snips, off_policy(logged._replace(rewards=rewards + 7)).snips
    if targets.sum() > 1e-6:
        assert rewards.min() - 1e-9 <= found.value <= rewards.max() + 1e-9
        assert moved.value == pytest.approx(found.value + 7)
    same = off_policy(logged._replace(targets=propensities))
    assert same.ips.value == pytest.approx(same.logged.value)
    assert same.effective_n == pytest.approx(len(rows))
