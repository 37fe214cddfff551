"""How a pool becomes a list."""

import numpy as np
import pytest

from streamrec.domain.items.item import Item
from streamrec.domain.ranking.diversity import Shape
from streamrec.domain.ranking.recommendation import RecommendedItem
from streamrec.domain.similarity.like_order import LikeOrder
from streamrec.serving.shape import like_first, shaped

SAME, OTHER = (np.array(row, "<f4").tobytes() for row in ([1.0, 0.0, 5.0], [0.0, 1.0, 5.0]))
VECTORS = {"a": SAME, "b": SAME, "c": SAME, "d": OTHER}


def item(item_id: str, score: float, *categories: str) -> RecommendedItem:
    return RecommendedItem(item_id, score, "gmf", categories=categories)


POOL = [item("a", 0.4, "x"), item("b", 0.3, "x"), item("c", 0.2, "x"), item("d", 0.1, "y")]


def ids(items: list[RecommendedItem]) -> list[str]:
    return [item.item_id for item in items]


def test_what_is_alike_makes_room() -> None:
    assert ids(shaped(POOL, 2, Shape(0.7), VECTORS)) == ["a", "d"]
    assert ids(shaped(POOL, 4, Shape(0.7), VECTORS)) == ["a", "d", "b", "c"]


def test_biases_make_nothing_similar() -> None:
    turned = {"a": SAME, "b": np.array([0.0, 1.0, 5.0], "<f4").tobytes()}
    assert ids(shaped(POOL[:3], 2, Shape(0.9), turned | {"c": SAME})) == ["a", "b"]


@pytest.mark.parametrize("diversity", [0.0, 0.5, 1.0])
def test_without_vectors_the_order_stays(diversity: float) -> None:
    assert ids(shaped(POOL, 3, Shape(diversity), {})) == ["a", "b", "c"]


def test_a_cap_needs_no_vectors() -> None:
    assert ids(shaped(POOL, 3, Shape(max_per_category=1), {})) == ["a", "d", "b"]


def test_items_that_the_index_does_not_know_are_unlike_all() -> None:
    pool = [POOL[0], POOL[1], item("unknown", 0.1)]
    assert ids(shaped(pool, 2, Shape(0.7), VECTORS)) == ["a", "unknown"]


def test_an_item_that_nothing_speaks_for_counts_as_the_least() -> None:
    pool = [item("a", 0.4), item("b", 0.3), item("d", 0.25), item("listed", 0.0)]
    assert ids(shaped(pool, 4, Shape(0.0), VECTORS)) == ["a", "b", "d", "listed"]
    # No more relevant than "d", and unlike all.
    assert ids(shaped(pool, 3, Shape(0.7), VECTORS)) == ["a", "listed", "d"]


def test_an_empty_pool_is_an_empty_list() -> None:
    assert shaped([], 5, Shape(0.5, 1), VECTORS) == []


def test_what_is_like_an_item_comes_in_the_order_asked_for_and_what_is_not_after_it() -> None:
    looked_at = Item("z", categories=("x",), attributes={"price": 10})
    pool = [
        RecommendedItem("far", 0.5, "similar", categories=("x",), attributes={"price": 90}),
        RecommendedItem("other", 0.4, "covisitation", categories=("y",), attributes={"price": 10}),
        RecommendedItem("unpriced", 0.3, "similar", categories=("x",), attributes={"price": "soon"}),
        RecommendedItem("near", 0.2, "followers", categories=("x",), attributes={"price": "11.5"}),
        RecommendedItem("endless", 0.2, "similar", categories=("x",), attributes={"price": "inf"}),
        RecommendedItem("popular", 0.1, "popular", categories=("x",), attributes={"price": 10}),
    ]
    by_category = ["far", "unpriced", "near", "endless", "other", "popular"]
    assert ids(like_first(pool, looked_at, LikeOrder("same_category"))) == by_category
    by_price = ["near", "far", "unpriced", "endless", "other", "popular"]
    assert ids(like_first(pool, looked_at, LikeOrder("same_category_then_value"))) == by_price
    # Without a number of its own the item is as far from all others.
    assert (
        ids(like_first(pool, Item("z", categories=("x",)), LikeOrder("same_category_then_value")))
        == by_category
    )
    # An item without a category shares it with nobody.
    unsorted = [item.item_id for item in pool]
    assert ids(like_first(pool, Item("z"), LikeOrder("same_category"))) == unsorted
    assert ids(like_first(pool, looked_at, LikeOrder())) == unsorted
