import numpy as np
import pytest

from streamrec.domain.events.recent_pairs import N_SLOTS
from streamrec.domain.popularity.counts import Popularity
from streamrec.errors import UnfitState

WINDOWS = {"all": None, "hour": 3600.0, "minute": 60.0}


def rows(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def add(popularity: Popularity, items: np.ndarray, times: np.ndarray | float, weight: float = 1.0) -> None:
    """Count items that somebody else chose each."""
    n = len(items)
    popularity.add(np.arange(n), items, np.broadcast_to(times, n).astype(float), np.full(n, weight))


def counted(order: slice | list[int] = slice(None)) -> Popularity:
    random = np.random.default_rng(0)
    users, items = random.integers(0, 50, 400), random.integers(0, 20, 400)
    times = 1.7e9 + random.random(400) * 7200
    popularity = Popularity(WINDOWS)
    for part in np.array_split(np.arange(400)[order], 9):
        popularity.add(users[part], items[part], times[part], np.ones(len(part)))
    return popularity


def test_an_event_counts_half_after_a_half_life() -> None:
    popularity = Popularity({"minute": 60.0})
    add(popularity, rows(0), 1000.0, weight=4.0)
    add(popularity, rows(1), 1060.0)
    assert popularity.scores("minute") == pytest.approx([2.0, 1.0])


def test_order_of_arrival_makes_no_difference_also_where_users_repeat_items() -> None:
    for window in WINDOWS:
        forwards = counted().scores(window)
        assert counted(slice(None, None, -1)).scores(window) == pytest.approx(forwards)


def test_each_window_forgets_at_its_own_pace() -> None:
    popularity = Popularity(WINDOWS)
    add(popularity, np.arange(400) % 20, np.linspace(0.0, 7200.0, 400))
    assert popularity.scores("all").sum() == 400
    assert 400 > popularity.scores("hour").sum() > popularity.scores("minute").sum() > 0


def test_a_window_in_events_goes_on_by_their_weight_and_not_by_time() -> None:
    popularity = Popularity({"recent": "10 events"})
    add(popularity, rows(0), 0.0)
    add(popularity, rows(1), 1e9, weight=1.0)
    assert popularity.scores("recent") == pytest.approx([2**-0.1, 1.0])
    for _ in range(90):
        add(popularity, rows(2), 1e9, weight=0.1)
    assert popularity.scores("recent")[:2] == pytest.approx([0.5, 2**-0.9])


def test_what_is_no_number_of_events_is_refused() -> None:
    with pytest.raises(ValueError, match="1000 events"):
        Popularity({"recent": "a thousand events"})


def test_a_repeat_adds_what_had_faded_and_nothing_more() -> None:
    popularity = Popularity(WINDOWS)
    for time in (0.0, 0.0, 60.0, 3600.0):
        add(popularity, rows(7), time)
        assert popularity.scores("all")[7] == 1.0
        assert popularity.scores("hour")[7] == pytest.approx(1.0)
        assert popularity.scores("minute")[7] == pytest.approx(1.0)


def test_a_stronger_visit_of_the_same_user_counts_by_its_weight() -> None:
    popularity = Popularity({"all": None})
    for weight in (0.5, 2.0, 0.5):
        add(popularity, rows(0), 0.0, weight)
    assert popularity.scores("all").tolist() == [2.0]


def test_pairs_beyond_the_table_are_counted_anew_and_bound_the_memory() -> None:
    popularity = Popularity({"all": None})
    users, items = np.arange(3 * N_SLOTS), np.arange(3 * N_SLOTS) % 100
    popularity.add(users, items, np.zeros(len(users)), np.ones(len(users)))
    assert popularity.scores("all").sum() == 3 * N_SLOTS
    popularity.add(users[:1000], items[:1000], np.zeros(1000), np.ones(1000))
    assert 3 * N_SLOTS < popularity.scores("all").sum() <= 3 * N_SLOTS + 1000
    assert sum(array.nbytes for array in popularity.arrays().values()) < 2 * 8 * N_SLOTS + 2000


def test_years_of_events_overflow_nothing() -> None:
    popularity = Popularity({"minute": 60.0})
    for day in range(3000):
        add(popularity, rows(day % 3), day * 86400.0)
    scores = popularity.scores("minute")
    assert np.isfinite(scores).all()
    assert scores[2999 % 3] == pytest.approx(1.0)
    add(popularity, rows(0), 0.0)
    assert np.isfinite(popularity.scores("minute")).all()


def test_top_is_ordered_and_leaves_out_what_nobody_chose() -> None:
    popularity = Popularity({"all": None})
    add(popularity, rows(5, 2, 5, 0), 0.0)
    assert popularity.top("all", 10).tolist() == [5, 0, 2]
    assert popularity.top("all", 1).tolist() == [5]
    popularity.forget_items(rows(5, 1000))
    assert popularity.top("all", 10).tolist() == [0, 2]


def test_the_next_item_and_the_next_user_of_a_row_start_anew() -> None:
    popularity = Popularity({"all": None})
    add(popularity, rows(0, 1), 0.0)
    popularity.forget_items(rows(0))
    add(popularity, rows(0), 0.0)
    assert popularity.scores("all").tolist() == [1.0, 1.0]
    popularity.forget_users(rows(0))
    assert popularity.scores("all").tolist() == [0.0, 1.0]
    add(popularity, rows(0), 0.0)
    assert popularity.scores("all").tolist() == [1.0, 1.0]


def test_a_restored_counter_goes_on_alike() -> None:
    popularity, restored = counted(), Popularity(WINDOWS)
    restored.load_arrays({name: array.copy() for name, array in popularity.arrays().items()})
    for each in (popularity, restored):
        add(each, rows(30, 3, 4, 5), 1.7e9 + 9000)
    for window in WINDOWS:
        assert restored.scores(window).tolist() == popularity.scores(window).tolist()


def test_a_window_that_was_not_written_down_starts_empty_and_says_so() -> None:
    restored = Popularity({"all": None, "day": 86400.0})
    with pytest.raises(UnfitState, match="^window day: counts is missing$"):
        restored.load_arrays(counted().arrays())
    assert restored.scores("all").tolist() == counted().scores("all").tolist()
    assert restored.scores("day").tolist() == []
    restored.forget_users(np.arange(50))  # of pairs that the new window has never counted
    assert restored.scores("all").tolist() == pytest.approx([0.0] * 20)
    add(restored, rows(3), 1.7e9)
    assert restored.scores("day")[3] > 0


@pytest.mark.parametrize("is_recorded", [True, False])
@pytest.mark.parametrize(("before", "after"), [("100 events", 100.0), (3600.0, "50 events")])
def test_a_window_of_another_kind_starts_empty_instead_of_standing_still(
    before: float | str, after: float | str, *, is_recorded: bool
) -> None:
    """A clock at 1.7e9 s would not move by events for a billion of them, nor one at 300 events by seconds."""
    written = Popularity({"all": None, "lately": before})
    for number in range(30):
        add(written, rows(number % 7, 5), 1.7e9 + number)
    arrays = written.arrays()
    if not is_recorded:  # as the versions before wrote them
        arrays = {name: a for name, a in arrays.items() if not name.startswith(("half_life", "is_in_events"))}
    restored, fresh = (Popularity({"all": None, "lately": after}) for _ in range(2))
    with pytest.raises(UnfitState, match="^window lately: its half-life was in"):
        restored.load_arrays(arrays)
    assert restored.scores("all").tolist() == written.scores("all").tolist()
    for each in (restored, fresh):
        add(each, rows(20, 21), 1.7e9 + 100)
    assert restored.scores("lately").tolist() == fresh.scores("lately").tolist()


@pytest.mark.parametrize(("before", "after"), [(60.0, 3600.0), (3600.0, 60.0), (60.0, None), (None, 60.0)])
def test_a_window_of_another_half_life_goes_on_with_what_its_counts_are_worth(
    before: float | None, after: float | None
) -> None:
    written, restored = Popularity({"lately": before}), Popularity({"lately": after})
    for number in range(300):
        add(written, rows(number), 1.7e9 + 20.0 * number)
    restored.load_arrays(written.arrays())
    assert restored.scores("lately")[:300] == pytest.approx(written.scores("lately")[:300], rel=1e-9)
    newest = 1.7e9 + 20.0 * 299
    add(restored, rows(0), newest + 60.0)
    faded = {60.0: 0.5, 3600.0: 0.5 ** (1 / 60), None: 1.0}[after]
    assert restored.scores("lately")[299] == pytest.approx(faded)
    assert restored.scores("lately")[0] == pytest.approx(1.0, abs=1e-6)


def test_nothing_counted_scores_nothing() -> None:
    popularity = Popularity(WINDOWS)
    popularity.add(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    assert popularity.windows == ("all", "hour", "minute")
    assert popularity.scores("hour").tolist() == popularity.top("all", 5).tolist() == []


def test_a_user_who_is_forgotten_leaves_the_counts_of_those_who_stay() -> None:
    half_lives = {"all": None, "hour": 3600.0, "recent": "50 events"}
    chance = np.random.default_rng(1)
    users, items = chance.integers(0, 6, 300), chance.integers(0, 9, 300)
    times, weights = np.sort(chance.uniform(0, 9000, 300)), chance.uniform(0.2, 1, 300)
    with_all, without = Popularity(half_lives), Popularity(half_lives)
    with_all.add(users, items, times, weights)
    with_all.forget_users(rows(2))
    # Its events move the windows on, and count for no item.
    is_left = users != 2
    without.add(users, np.where(is_left, items, 20 + items), times, weights)
    for window in ("all", "hour", "recent"):
        assert with_all.scores(window) == pytest.approx(without.scores(window)[:9], abs=1e-9)
    with_all.forget_users(rows(2))
    assert with_all.scores("all").sum() > 0
