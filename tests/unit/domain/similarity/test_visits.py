"""What is near to a user's last items."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamrec.domain.popularity.recency import AGE_DECAY, N_LAST
from streamrec.domain.rows.item_numbers import ItemNumbers, Numbers
from streamrec.domain.similarity.neighbour import Near, Neighbours
from streamrec.domain.similarity.visits import Beside, Visits, beside
from tests.builders import near


def by_number(neighbours: dict[str, Neighbours], items: ItemNumbers) -> dict[str, Near]:
    return {item_id: of_item.near(items) for item_id, of_item in neighbours.items()}


def beside_of(visits: Visits, items: ItemNumbers, numbers: Numbers) -> Beside:
    return beside(numbers, visits.near, visits.counts, items.marks)


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
    x = items.of(["x"])
    assert beside_of(visits, items, x).similar.tolist() == [[0.0]] * N_LAST
    assert beside_of(visits, items, x).follows.tolist() == [0.0]
    assert beside_of(visits, items, items.of([])).similar.shape == (N_LAST, 0)


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
    similar, follows = beside_of(visits, items, items.of(asked))
    assert similar == pytest.approx(expected)
    assert follows == pytest.approx(expected[0] / 2)


def test_a_longer_history_than_counts_is_cut() -> None:
    history = [f"h{age}" for age in range(N_LAST + 5)]
    items = ItemNumbers()
    neighbours = by_number({item: near(("x", 0.5, 1.0, 0.0)) for item in history}, items)
    visits = Visits(history, neighbours, items)
    assert beside_of(visits, items, items.of(["x"])).similar.sum() == pytest.approx(N_LAST / 2)
