"""What a candidate's columns say of it before what the user chose last."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from streamrec.domain.items.category_table import CategoryTable
from streamrec.domain.popularity.recency import N_LAST
from streamrec.domain.ranking.context_columns import COLUMNS, N_COLUMNS, NAMES
from streamrec.domain.ranking.scene import Scene, described, worth
from streamrec.domain.ranking.shared_categories import shared_categories
from tests.drawn_findings import visited_of

MINUTE_S, DAY_S = 60.0, 86_400.0


def scene(
    *similarities: dict[int, float],
    ages_s: tuple[float, ...] = (0.0,) * N_LAST,
    below_best: Sequence[float] | None = None,
) -> Scene:
    """Return a scene of candidates, each by its similarity to some of the last items."""
    similar = np.zeros((N_LAST, len(similarities)), np.float32)
    for position, of_candidate in enumerate(similarities):
        for age, similarity in of_candidate.items():
            similar[age, position] = similarity
    below = None if below_best is None else np.array(below_best, np.float32)
    return Scene.of(visited_of(similar, similar[0] / 2, worth(ages_s, 15 * MINUTE_S)), below_best=below)


def among(candidates: list[str], last: list[str]) -> Scene:
    """Return a scene of items that are named by their categories, a letter each."""
    table = CategoryTable()
    for item_id in {*candidates, *last}:
        table.put(item_id, tuple(item_id))
    shared = shared_categories(table.of(candidates), table.of(last))
    return Scene.of(np.zeros((6, len(candidates)), np.float32), shared)


def column(name: str, of_scene: Scene) -> list[float]:
    found: list[float] = described(of_scene)[NAMES.index(name)].tolist()
    return found


def test_what_is_near_to_many_has_more_votes_than_what_is_very_near_to_one() -> None:
    many, one = {0: 0.01, 3: 0.01, 7: 0.01}, {0: 0.9}
    assert column("votes", scene(many, one)) == pytest.approx([3 / N_LAST, 1 / N_LAST])
    near = column("near_sitting", scene(many, one))
    assert near[1] > near[0]


@pytest.mark.parametrize("name", ["near_sitting", "votes_sitting"])
def test_items_of_this_sitting_count_more_than_those_of_days_ago(name: str) -> None:
    ages_s = (30.0, *(3 * DAY_S + age for age in range(N_LAST - 1)))
    now, before = column(name, scene({0: 0.1}, {1: 0.1}, ages_s=ages_s))
    assert now > 1.2 * before
    # Without a pause between, the one before counts nearly as much.
    now, before = column(name, scene({0: 0.1}, {1: 0.1}))
    assert before < now < 1.1 * before


def test_where_no_time_is_known_only_the_order_counts() -> None:
    unknown, long_ago = worth((), MINUTE_S), worth((1e9,) * N_LAST, MINUTE_S)
    assert unknown == pytest.approx(long_ago)
    assert (np.diff(unknown) < 0).all()


@pytest.mark.parametrize(("name", "age"), [("near_newest", 0), ("near_last_but_one", 1)])
def test_the_two_newest_choices_have_a_column_each(name: str, age: int) -> None:
    assert column(name, scene({age: 0.4}, {age: 0.04}, {age + 2: 0.9})) == pytest.approx([1.0, 0.5, 0.0])


def test_what_follows_the_newest_choice_is_told() -> None:
    assert column("follows_newest", scene({0: 0.4}, {0: 0.2}, {1: 0.4}))[0] == 1.0
    assert column("follows_newest", scene({0: 0.4}, {0: 0.2}, {1: 0.4}))[2] == 0.0


def test_categories_that_were_chosen_lately_count_more_than_those_of_long_ago() -> None:
    candidates = ["a", "b", "ab", "c"]
    of_lately, of_before, of_both, of_none = column("categories", among(candidates, ["a", "b", "b"]))
    # Two choices weigh more than one newer one.
    assert of_lately < of_before
    assert (of_lately + of_before) / 2 == pytest.approx(of_both)
    assert of_none == 0
    of_lately, of_before = column("categories", among(["a", "b", "c"], ["a", "b"]))[:2]
    assert of_lately > of_before


def test_the_newest_choices_categories_are_compared_one_by_one() -> None:
    found = column("categories_newest", among(["ab", "a", "abcd", "cd"], ["ab", "cd"]))
    assert found == pytest.approx([1.0, 0.5, 0.5, 0.0])


@pytest.mark.parametrize("name", ["categories", "categories_newest"])
def test_categories_say_nothing_where_all_have_the_same_or_none(name: str) -> None:
    assert column(name, among(["a", "a"], ["a"])) == [0.0, 0.0]
    assert column(name, among(["", ""], ["a"])) == [0.0, 0.0]
    assert column(name, among(["a", "b"], [""])) == [0.0, 0.0]


def test_the_score_by_the_model_counts_wherever_the_candidate_comes_from() -> None:
    of_scene = scene({}, {}, {}, {}, below_best=[0.0, 3.0, 9.5, np.inf])
    assert column("fit", of_scene) == pytest.approx([3.0, 2.0, 0.0, 0.0])
    assert column("fit_share", of_scene) == pytest.approx([1.0, np.exp(-3), 0.0, 0.0], abs=1e-4)


def test_of_nothing_all_is_zero() -> None:
    assert not described(scene({}, {})).any()
    assert described(scene()).shape == (N_COLUMNS, 0)


@given(
    arrays.arrays(np.float32, (N_LAST, 5), elements=st.floats(0, 1, width=32)),
    st.lists(st.floats(0, 1e10), max_size=N_LAST),
    st.floats(1, 1e9),
    arrays.arrays(np.float32, 5, elements=st.floats(0, width=32, allow_nan=False)),
)
def test_all_columns_are_bounded(
    similar: np.ndarray, ages_s: list[float], scale_s: float, below_best: np.ndarray
) -> None:
    visited = visited_of(similar, similar[0], worth(ages_s, scale_s))
    found = described(Scene.of(visited, below_best=below_best))
    assert np.isfinite(found).all()
    assert found.min(initial=0) >= 0
    assert found.max(initial=0) <= 4.1


def test_each_column_has_a_name_of_its_own_and_words_for_both_sides() -> None:
    assert len(set(NAMES)) == N_COLUMNS
    words = [words for one in COLUMNS for words in (one.high, one.low)]
    assert len(set(words)) == 2 * N_COLUMNS
