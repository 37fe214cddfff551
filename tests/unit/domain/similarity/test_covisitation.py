from collections import defaultdict

import numpy as np
import pytest

from streamrec.domain.similarity.covisitation import CoVisitation, CoVisitationRules

Rows = np.ndarray

MONTH_S = 30 * 86_400.0


def events(n: int = 600, n_items: int = 30, history: int = 5) -> tuple[Rows, Rows, Rows, Rows]:
    """Return items, histories, times and weights of events, some with shorter histories."""
    random = np.random.default_rng(3)
    items = np.zeros(n, np.int64)
    histories = np.full((n, history), -1, np.int64)
    for index in range(n):
        chosen = random.permutation(n_items)[: 1 + random.integers(0, history + 1)]
        items[index], histories[index, : len(chosen) - 1] = chosen[0], chosen[1:]
    return items, histories, 1.7e9 + np.sort(random.random(n)) * 3 * MONTH_S, random.random(n) + 0.5


def counted(rules: CoVisitationRules, batch: int = 600, order: slice = slice(None)) -> CoVisitation:
    columns = [column[order] for column in events()]
    visits = CoVisitation(rules)
    for first in range(0, len(columns[0]), batch):
        visits.add(*(column[first : first + batch] for column in columns))
    return visits


Counts = dict[tuple[int, int], float]


def by_hand(rules: CoVisitationRules) -> tuple[Counts, Counts, dict[int, float]]:
    """Count as the definition says, one pair after the other."""
    after: Counts = defaultdict(float)
    pairs: Counts = defaultdict(float)
    counts: dict[int, float] = defaultdict(float)
    items, histories, times, weights = events()
    for item, history, time, weight in zip(items, histories, times, weights, strict=True):
        age_s = times.max() - time
        gain = weight * (1.0 if rules.half_life_s is None else 0.5 ** (age_s / rules.half_life_s))
        counts[item] += gain
        for distance, other in enumerate(history[history >= 0]):
            pairs[item, other] += gain * rules.distance_decay**distance
            pairs[other, item] += gain * rules.distance_decay**distance
            after[other, item] += gain * rules.distance_decay**distance
    return pairs, after, counts


@pytest.mark.parametrize("half_life_s", [None, MONTH_S, 86_400.0, 3600.0])
@pytest.mark.parametrize("batch", [1, 7, 600])
def test_similarities_are_those_of_the_definition(half_life_s: float | None, batch: int) -> None:
    rules = CoVisitationRules(n_kept=64, half_life_s=half_life_s)
    pairs, after, counts = by_hand(rules)
    nearest = counted(rules, batch).neighbours(np.arange(30), k=64)
    found = {
        (item, other): (similarity, support, follows)
        for item in range(30)
        for other, similarity, support, follows in zip(
            *(column[item].tolist() for column in nearest), strict=True
        )
        if other >= 0
    }
    strong = {pair: count for pair, count in pairs.items() if count > 1e-6}
    assert set(strong) <= set(found)
    for (item, other), count in strong.items():
        divisor = np.sqrt(counts[item] * counts[other]) + rules.shrinkage
        expected = count / divisor, count, after[item, other] / divisor
        assert found[item, other] == pytest.approx(expected, rel=1e-4, abs=1e-7)
    assert (np.diff(nearest.similarities, axis=1) <= 0).all()


def test_order_of_arrival_makes_no_difference() -> None:
    rules = CoVisitationRules(n_kept=64, half_life_s=MONTH_S)
    forwards, backwards = (counted(rules, 50, order) for order in (slice(None), slice(None, None, -1)))
    history = np.array([3, 7, 1])
    assert backwards.scores(history, 30) == pytest.approx(forwards.scores(history, 30), rel=1e-4)


def test_a_users_score_is_the_faded_sum_over_the_history() -> None:
    visits = counted(CoVisitationRules(n_kept=64))
    nearest = visits.neighbours(np.array([4, 9]), k=64)
    expected = np.zeros(30)
    for age in range(2):
        is_there = nearest.rows[age] >= 0
        expected[nearest.rows[age][is_there]] += 0.8**age * nearest.similarities[age][is_there]
    assert visits.scores(np.array([4, 9, -1, 500]), 30) == pytest.approx(expected)
    assert visits.scores(np.array([4, 9]), 10) == pytest.approx(expected[:10])
    assert visits.scores(np.array([-1]), 3).tolist() == [0.0, 0.0, 0.0]


def test_what_comes_again_and_again_stays_among_many_that_come_once() -> None:
    visits = CoVisitation(CoVisitationRules(n_kept=16))
    random = np.random.default_rng(0)
    for once in range(1000):
        regular = once % 4
        history = np.array([[regular, 10 + random.integers(0, 5000)]])
        visits.add(np.array([9]), history, np.zeros(1), np.ones(1))
    assert set(visits.neighbours(np.array([9]), k=4).rows[0].tolist()) == {0, 1, 2, 3}


def test_a_batch_that_floods_one_item_keeps_its_heaviest() -> None:
    visits = CoVisitation(CoVisitationRules(n_kept=64, distance_decay=1.0))
    others = np.arange(1, 1025)
    weights = np.where(others <= 64, 2.0, 1.0)
    visits.add(np.zeros(1024, np.int64), others[:, None], np.zeros(1024), weights)
    nearest = visits.neighbours(np.array([0]), k=64)
    assert len(set(nearest.rows[0].tolist())) == 64
    assert (nearest.supports <= 2.0).all()
    assert set(range(1, 65)) == set(nearest.rows[0].tolist())


def test_the_changed_rows_are_all_that_were_paired() -> None:
    visits = CoVisitation(CoVisitationRules())
    histories = np.array([[4, 2], [-1, -1]])
    assert visits.add(np.array([7, 5]), histories, np.zeros(2), np.ones(2)).tolist() == [2, 4, 7]


def test_a_forgotten_item_is_nobodys_neighbour() -> None:
    visits = counted(CoVisitationRules(n_kept=64))
    changed = visits.forget_items(np.array([4]))
    assert 4 in changed.tolist()
    assert visits.scores(np.array([4]), 30).sum() == 0
    nearest = visits.neighbours(np.arange(30), k=64)
    assert 4 not in nearest.rows
    visits.add(np.array([4]), np.array([[5]]), np.array([1.8e9]), np.ones(1))
    assert visits.neighbours(np.array([4]), k=2).rows.tolist() == [[5, -1]]
    assert visits.forget_items(np.array([10_000])).tolist() == []


def test_a_restored_counter_goes_on_alike() -> None:
    rules = CoVisitationRules(n_kept=16, half_life_s=86_400.0)
    visits, restored = counted(rules), CoVisitation(rules)
    restored.load_arrays({name: array.copy() for name, array in visits.arrays().items()})
    later = events()[2] + MONTH_S
    for each in (visits, restored):
        items, histories, _, weights = events()
        each.add(items, histories, later, weights)
    for name, array in visits.arrays().items():
        assert restored.arrays()[name].tolist() == array.tolist()


def test_years_of_events_overflow_nothing() -> None:
    visits = CoVisitation(CoVisitationRules(half_life_s=3600.0))
    for day in range(0, 3000, 3):
        visits.add(np.array([day % 2]), np.array([[2]]), np.array([day * 86_400.0]), np.ones(1))
    visits.add(np.array([0]), np.array([[1]]), np.array([0.0]), np.ones(1))
    nearest = visits.neighbours(np.arange(3), k=2)
    assert np.isfinite(nearest.similarities).all()
    assert nearest.supports.max() == pytest.approx(1.0)


def test_a_robot_of_a_hundred_thousand_events_leaves_finite_numbers() -> None:
    visits = CoVisitation(CoVisitationRules(half_life_s=MONTH_S))
    items = np.arange(1000) % 2
    for _ in range(100):
        visits.add(items, 1 - items[:, None], np.ones(1000), np.ones(1000))
    nearest = visits.neighbours(np.array([0, 1]), k=1)
    assert nearest.supports.tolist() == [[1e5], [1e5]]
    assert nearest.similarities[:, 0] == pytest.approx(1e5 / (5e4 + 10))


def test_nothing_counted_has_no_neighbours() -> None:
    visits = CoVisitation(CoVisitationRules())
    nothing = np.zeros(0)
    assert visits.add(np.zeros(0, np.int64), np.zeros((0, 5), np.int64), nothing, nothing).tolist() == []
    assert visits.neighbours(np.array([0, 3]), k=2).rows.tolist() == [[-1, -1], [-1, -1]]
    assert visits.scores(np.array([0]), 2).tolist() == [0.0, 0.0]
