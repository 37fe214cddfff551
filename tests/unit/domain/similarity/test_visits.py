"""What is near to a user's last items."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamrec.domain.popularity.recency import AGE_DECAY, N_LAST
from streamrec.domain.ranking.scene import Array, visited
from streamrec.domain.rows.item_numbers import ItemNumbers, Numbers
from streamrec.domain.similarity.neighbour import Near, Neighbours
from streamrec.domain.similarity.visits import NOBODY, Visits
from tests.builders import near


def by_number(neighbours: dict[str, Neighbours], items: ItemNumbers) -> dict[str, Near]:
    return {item_id: of_item.near(items) for item_id, of_item in neighbours.items()}


WORTH = np.linspace(1, 0.1, N_LAST).astype(np.float32)


def columns_of(visits: Visits, items: ItemNumbers, numbers: Numbers) -> Array:
    return visited(numbers, visits.near, visits.counts, WORTH, NOBODY, items.marks)


def test_scores_are_the_sum_over_the_history_written_out() -> None:
    neighbours = {
        "new": near(("x", 0.5, 9.0, 0.1), ("y", 0.25, 9.0, 0.0)),
        "old": near(("y", 0.75, 9.0, 0.5), ("x", 0.125, 9.0, 0.0)),
    }
    # What has no neighbours takes its age all the same.
    items = ItemNumbers()
    visits = Visits(["new", "unknown", "old"], by_number(neighbours, items), items)
    ids = items.ids_at(visits.numbers)
    faded = AGE_DECAY**2
    assert dict(zip(ids, visits.together, strict=True)) == pytest.approx(
        {"x": 0.5 + 0.125 * faded, "y": 0.25 + 0.75 * faded}
    )
    assert dict(zip(ids, visits.after, strict=True)) == pytest.approx({"x": 0.1, "y": 0.5 * faded})


@pytest.mark.parametrize(("history", "neighbours"), [([], {}), (["a"], {}), (["a"], {"a": near()})])
def test_nothing_visited_or_nothing_near_is_nothing(
    history: list[str], neighbours: dict[str, Neighbours]
) -> None:
    items = ItemNumbers()
    visits = Visits(history, by_number(neighbours, items), items)
    assert (visits.numbers.tolist(), visits.together.tolist(), visits.after.tolist()) == ([], [], [])
    assert columns_of(visits, items, items.of(["x"])).tolist() == [[0.0]] * 6
    assert columns_of(visits, items, items.of([])).shape == (6, 0)


ITEMS = st.sampled_from([f"i{number}" for number in range(12)])


@given(
    history=st.lists(ITEMS, unique=True),
    pairs=st.dictionaries(ITEMS, st.dictionaries(ITEMS, st.floats(0.01, 1), max_size=9)),
    asked=st.lists(ITEMS, unique=True),
)
def test_similarities_are_those_of_each_pair(
    history: list[str], pairs: dict[str, dict[str, float]], asked: list[str]
) -> None:
    neighbours = {
        item: near(*((other, amount, 1.0, amount / 2) for other, amount in of_item.items()))
        for item, of_item in pairs.items()
    }
    items = ItemNumbers()
    visits = Visits(history, by_number(neighbours, items), items)
    expected = np.zeros((N_LAST, len(asked)), np.float32)
    for age, item in enumerate(history):
        for position, other in enumerate(asked):
            expected[age, position] = pairs.get(item, {}).get(other, 0.0)
    found = columns_of(visits, items, items.of(asked))
    assert found[0] == pytest.approx(WORTH @ expected, rel=1e-4)
    assert found[1] == pytest.approx((expected > 0).mean(axis=0))
    assert found[2] == pytest.approx(WORTH @ (expected > 0) / 5, rel=1e-4)
    assert found[3:] == pytest.approx(np.array([expected[0], expected[1], expected[0] / 2]))


def test_a_longer_history_than_counts_is_cut() -> None:
    history = [f"h{age}" for age in range(N_LAST + 5)]
    items = ItemNumbers()
    neighbours = by_number({item: near(("x", 0.5, 1.0, 0.0)) for item in history}, items)
    visits = Visits(history, neighbours, items)
    votes = columns_of(visits, items, items.of(["x"]))[1]
    assert votes == pytest.approx([1.0])
