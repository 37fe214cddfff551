import numpy as np
import pytest

from streamrec.domain.items.content_index import ContentIndex
from streamrec.learning.counting import count_history, observed
from streamrec.learning.effective import EffectiveEvents
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.settings.processes import TrainerSettings
from tests.builders import GENERATION, LEARNING, WEIGHTS

WINDOWS = ("all", "week", "day", "hour", "recent")

ROBOT, LIKED, PUSHED = 1000, 0, 1


RULES = LearningRules(WEIGHTS, False, ContentIndex())


def fresh() -> TrainerState:
    return TrainerState(GENERATION, LEARNING, TrainerSettings())


def choices(users: np.ndarray, items: np.ndarray, times: np.ndarray) -> EffectiveEvents:
    n = len(users)
    nothing = np.full(n, np.nan)
    return EffectiveEvents(users, items, [""] * n, times, np.ones(n), nothing, np.zeros(n, np.bool_))


def shares_of(state: TrainerState, acting: EffectiveEvents) -> np.ndarray:
    """Count some choices as the stream does, and return what they count."""
    events = observed(state, acting, RULES, state.learner.histories_before).events
    state.observe(events, 0.0)
    shares: np.ndarray = events.choices.counted
    return shares


def fifty_people() -> EffectiveEvents:
    return choices(np.arange(50), np.full(50, LIKED), np.linspace(0.0, 60.0, 50))


def test_the_default_windows_are_five() -> None:
    assert fresh().popularity.windows == WINDOWS


@pytest.mark.parametrize("duration_s", [0.0, 1800.0])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_robot_of_100_000_events_makes_no_item_popular(duration_s: float, *, is_first: bool) -> None:
    n = 100_000
    robot = choices(np.full(n, ROBOT), np.full(n, PUSHED), 60.0 + np.linspace(0.0, duration_s, n))
    state = fresh()
    for events in (robot, fifty_people()) if is_first else (fifty_people(), robot):
        count_history(state, events, RULES)
    for window in WINDOWS:
        scores = state.popularity.scores(window)
        assert state.popularity.top(window, 1).tolist() == [LIKED], window
        assert scores[PUSHED] <= 1.0
        assert scores[LIKED] > 10.0


def test_a_robot_that_walks_through_the_catalogue_lifts_nothing_above_what_people_like() -> None:
    n = 100_000
    state = fresh()
    count_history(state, fifty_people(), RULES)
    count_history(
        state, choices(np.full(n, ROBOT), 1 + np.arange(n) % 9000, 60.0 + np.arange(n) / 100), RULES
    )
    for window in WINDOWS:
        assert state.popularity.top(window, 1).tolist() == [LIKED], window
        assert state.popularity.scores(window)[1:].max() <= 1.0 + 1e-9


def test_half_the_users_are_robots() -> None:
    """Fifty robots of ten thousand events and more push an item each; fifty people share ten items."""
    rng = np.random.default_rng(2)
    n = 600_000
    is_robot = rng.random(n) < 0.98
    who = rng.integers(0, 50, n)
    users, items = np.where(is_robot, ROBOT + who, who), np.where(is_robot, 100 + who, rng.integers(0, 10, n))
    state = fresh()
    count_history(state, choices(users, items, np.arange(n) / 20), RULES)
    for window in WINDOWS:
        assert sorted(state.popularity.top(window, 10).tolist()) == list(range(10)), window


def test_the_weights_returned_are_those_under_the_cap() -> None:
    state = fresh()
    cap = TrainerSettings().user_cap
    n = 4 * int(cap)
    weights = shares_of(state, choices(np.full(n, ROBOT), np.arange(n), np.zeros(n)))
    assert weights == pytest.approx(np.minimum(1.0, cap / np.arange(1, n + 1)))
    assert shares_of(state, choices(np.arange(3), np.arange(3), np.zeros(3))).tolist() == [1.0, 1.0, 1.0]


def test_a_history_counts_as_the_stream_would_have() -> None:
    rng = np.random.default_rng(0)
    n = 5000
    events = choices(rng.integers(0, 40, n), rng.integers(0, 60, n), np.sort(rng.random(n)) * 1e5)
    state, streamed = fresh(), fresh()
    weights = count_history(state, events, RULES)
    assert weights.tolist() == [1.0] * n
    for first in range(0, n, 100):
        part = events.at(slice(first, first + 100))
        shares_of(streamed, part)
        streamed.learner.remember(part.user_rows, part.item_rows, part.timestamps)
    for window in WINDOWS:
        expected = streamed.popularity.scores(window)
        assert state.popularity.scores(window)[:60] == pytest.approx(expected[:60], rel=1e-9)
    assert state.new_items.scores(1e5).argmax() == streamed.new_items.scores(1e5).argmax()
    everything = np.arange(60)
    near, of_stream = (each.covisitation.neighbours(everything, 5) for each in (state, streamed))
    assert near.supports == pytest.approx(of_stream.supports, rel=1e-4)
    assert state.users.n_events[:40].tolist() == streamed.users.n_events[:40].tolist()


def test_a_history_leaves_users_and_items_in_its_order() -> None:
    state = fresh()
    count_history(state, choices(np.array([0, 1, 0]), np.array([0, 0, 1]), np.arange(3.0)), RULES)
    assert state.touched.users.longest_ago(9).tolist() == [1, 0]
    assert state.touched.items.longest_ago(9).tolist() == [0, 1]
