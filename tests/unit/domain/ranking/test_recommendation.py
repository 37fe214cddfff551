"""How an answer fills up."""

from hypothesis import given
from hypothesis import strategies as st

from streamrec.domain.items.item import Item
from streamrec.domain.ranking.recommendation import Selection

ids = st.sampled_from([f"i{n}" for n in range(12)])
candidates = st.lists(st.tuples(ids, st.floats(-5, 5)), max_size=30)


@given(
    offers=st.lists(candidates, max_size=4), k=st.integers(1, 15), banned=st.sets(ids), hidden=st.sets(ids)
)
def test_whatever_is_offered_no_repeats_nothing_unwanted_and_as_many_as_exist(
    offers: list[list[tuple[str, float]]], k: int, banned: set[str], hidden: set[str]
) -> None:
    selection = Selection(k, banned)
    metadata = {item_id: Item(item_id, is_hidden=True) for item_id in hidden}
    n_taken = sum(selection.offer(offer, "gmf", metadata) for offer in offers)
    taken = [item.item_id for item in selection.items]
    wanted = {item_id for offer in offers for item_id, _ in offer} - banned - hidden
    assert len(taken) == len(set(taken)) == n_taken == min(k, len(wanted))
    assert set(taken) <= wanted
    assert selection.n_missing == k - n_taken


def test_an_earlier_offer_comes_first_whatever_its_scores() -> None:
    selection = Selection(3, ())
    selection.offer([("a", 1.0)], "gmf", {})
    selection.offer([("b", 9.0), ("a", 8.0)], "popular", {})
    assert [(item.item_id, item.score, item.source) for item in selection.items] == [
        ("a", 1.0, "gmf"),
        ("b", 9.0, "popular"),
    ]


def test_only_items_known_to_be_in_a_wanted_category_are_taken() -> None:
    metadata = {"a": Item("a", categories=("x", "y")), "b": Item("b", categories=("z",)), "c": Item("c")}
    selection = Selection(5, ())
    selection.offer([(name, 1.0) for name in "abcd"], "gmf", metadata, categories={"y", "w"})
    assert [item.item_id for item in selection.items] == ["a"]
