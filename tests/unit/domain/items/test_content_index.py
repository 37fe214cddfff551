import random

import pytest

from streamrec.domain.items.content_index import N_NEIGHBOURS, ContentIndex
from streamrec.domain.items.content_tokens import MOST_TOKENS, ContentField, tokens_of
from streamrec.domain.items.item import Item

ALL: tuple[ContentField, ...] = ("categories", "tags", "title", "attributes", "text")


def index_of(*items: Item, chosen: list[str] | None = None) -> ContentIndex:
    """Return an index of items, all of them chosen unless said."""
    index = ContentIndex()
    for item in items:
        index.put(item)
    index.follow([item.item_id for item in items] if chosen is None else chosen)
    return index


def like(index: ContentIndex, item: Item) -> list[str]:
    index.put(item)
    return index.neighbours(item.item_id)


class TestTokens:
    def test_words_are_the_same_in_any_case_and_in_title_or_text(self) -> None:
        assert tokens_of(Item("i", title="The BIRDS"), ALL) == tokens_of(Item("j", text="the birds!"), ALL)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (Item("i", categories=("war",)), Item("i", title="war")),
            (Item("i", categories=("war",)), Item("i", attributes={"tags": ["war"]})),
            (Item("i", attributes={"studio": "war"}), Item("i", attributes={"director": "war"})),
        ],
    )
    def test_a_label_is_another_one_elsewhere(self, one: Item, other: Item) -> None:
        assert not set(tokens_of(one, ALL)) & set(tokens_of(other, ALL))

    def test_a_list_of_texts_is_a_label_each_and_numbers_are_none(self) -> None:
        one = tokens_of(Item("i", attributes={"cast": ["a", "b", 1], "price": 7, "in": {"deep": "x"}}), ALL)
        assert len(one) == 2
        assert set(tokens_of(Item("j", attributes={"cast": "b"}), ALL)) < set(one)

    def test_only_the_wanted_fields_count(self) -> None:
        item = Item("i", title="Birds", categories=("horror",), text="Some birds and others")
        assert tokens_of(item, ["categories"]) == tokens_of(Item("j", categories=("horror",)), ALL)
        assert tokens_of(item, []) == ()

    def test_a_long_text_leaves_room_for_what_says_more(self) -> None:
        text = " ".join(f"word{n}" for n in range(5000))
        item = Item("i", text=text, categories=("war",), attributes={"director": "x"})
        assert len(tokens_of(item, ALL)) == MOST_TOKENS
        short = tokens_of(Item("j", categories=("war",), attributes={"director": "x"}), ALL)
        assert tokens_of(item, ALL)[:2] == short

    def test_half_a_surrogate_is_a_word_like_any_other(self) -> None:
        assert len(tokens_of(Item("i", categories=("\ud800",)), ALL)) == 1


def test_what_is_rare_says_more_than_what_all_have() -> None:
    films = [Item(f"d{n}", categories=("drama",)) for n in range(20)]
    index = index_of(*films, Item("rare", attributes={"director": "Varda"}))
    found = like(index, Item("new", categories=("drama",), attributes={"director": "Varda"}))
    assert found[0] == "rare"
    assert len(found) == 21


def test_who_has_little_else_is_nearer() -> None:
    index = index_of(Item("a", categories=("war", "drama", "romance")), Item("b", categories=("war",)))
    assert like(index, Item("new", categories=("war",))) == ["b", "a"]


def test_without_metadata_in_common_there_is_nothing() -> None:
    index = index_of(Item("a", categories=("war",)), Item("bare"))
    assert index.neighbours("bare") == []
    assert index.neighbours("stranger") == []
    assert like(index, Item("new", categories=("comedy",))) == []


def test_only_what_was_chosen_is_found() -> None:
    index = index_of(Item("a", title="war"), Item("b", title="war"), chosen=["b", "unknown"])
    assert like(index, Item("new", title="war")) == ["b"]
    index.follow(["a"])
    index.forget(["b", "unknown"])
    assert index.neighbours("new") == ["a"]
    assert index.neighbours("a") == []


def test_a_change_of_metadata_moves_an_item_and_a_deletion_ends_it() -> None:
    index = index_of(Item("a", title="war"), Item("b", title="peace"))
    index.put(Item("a", title="peace"))
    assert like(index, Item("new", title="war")) == []
    assert set(like(index, Item("new", title="peace"))) == {"a", "b"}
    index.drop("a")
    assert index.neighbours("new") == ["b"]
    index.put(Item("a", title="peace"))  # created anew: nobody chose it yet
    assert index.neighbours("new") == ["b"]


def test_an_item_whose_metadata_is_taken_away_is_not_found() -> None:
    index = index_of(Item("a", title="war"), Item("b", title="war"))
    index.put(Item("a"))
    assert like(index, Item("new", title="war")) == ["b"]


def catalog(n: int) -> list[Item]:
    rng = random.Random(3)
    names = ("war", "drama", "comedy")
    return [Item(f"i{k}", categories=tuple(rng.sample(names, 2)), title=f"w{k % 300}x") for k in range(n)]


def test_the_order_in_which_items_came_and_what_went_in_between_change_nothing() -> None:
    items = catalog(4000)
    one, other = ContentIndex(), ContentIndex()
    for item in items:
        one.put(item)
    one.follow([item.item_id for item in items])
    shuffled = random.Random(5).sample(items, len(items))
    for item in shuffled:
        other.put(Item(item.item_id, title="something else", categories=("war",)))
    other.follow(["i5", "i6"])
    for item in shuffled:
        other.put(item)
        other.follow([item.item_id])
        if item.item_id.endswith("7"):
            other.forget([item.item_id])
    other.follow([item.item_id for item in items])
    for asked in items[:50]:
        assert one.neighbours(asked.item_id) == other.neighbours(asked.item_id)


def test_a_large_category_gives_so_many_and_never_the_item_itself() -> None:
    index = index_of(*[Item(str(n), categories=("all",)) for n in range(3000)])
    for asked in ("5", "77"):
        found = index.neighbours(asked)
        assert len(set(found)) == len(found) == N_NEIGHBOURS
        assert asked not in found


def test_two_labels_that_all_share_are_found_together() -> None:
    """Lists are sampled alike: items that have both labels are in both samples."""
    both = [Item(f"b{n}", categories=("x", "y")) for n in range(3000)]
    index = index_of(*both, *[Item(f"x{n}", categories=("x", "z")) for n in range(3000)])
    found = like(index, Item("new", categories=("x", "y")))
    assert {item_id[0] for item_id in found} == {"b"}
