"""Categories of many items at hand."""

import numpy as np
import pytest

from streamrec.domain.items.category_table import MOST_CATEGORIES, N_NUMBERS, N_WORDS, CategoryTable, Glance
from streamrec.domain.items.content_tokens import MOST_TO_RANK_BY
from streamrec.domain.rows.id_map import IdMap
from streamrec.domain.rows.item_numbers import ItemNumbers, Numbers


def numbers(table: CategoryTable, item_id: str) -> set[int]:
    return set(table.of([item_id])[0].tolist()) - {N_NUMBERS}


def categories_of(table: CategoryTable, items: ItemNumbers, numbers: Numbers) -> list[list[int]]:
    found: list[list[int]] = table.categories[Glance(table).rows_by_number(items, numbers)[numbers]].tolist()
    return found


def test_the_same_names_are_the_same_numbers_in_every_table() -> None:
    one, other = CategoryTable(), CategoryTable()
    one.put("a", ("war", "drama"))
    other.put("z", ())
    other.put("b", ("drama", "war", "war"))
    assert numbers(one, "a") == numbers(other, "b")
    assert len(numbers(one, "a")) == 2


def test_what_is_put_in_anew_replaces_what_was_known() -> None:
    table = CategoryTable()
    table.put("a", ("war", "drama"))
    table.put("a", ("comedy",))
    assert len(numbers(table, "a")) == 1
    table.put("a", [f"category {number}" for number in range(20)])
    assert len(numbers(table, "a")) == MOST_CATEGORIES
    table.put("a", ())
    assert not numbers(table, "a")


def test_of_too_many_those_put_in_first_go() -> None:
    table = CategoryTable(most_items=3)
    for item_id in "abcdefg":
        table.put(item_id, (item_id,))
    assert [item_id for item_id in "abcdefg" if numbers(table, item_id)] == ["e", "f", "g"]
    assert len(table) == 3


def test_a_row_of_what_was_dropped_is_used_again_and_tells_nothing_of_it() -> None:
    table = CategoryTable(most_items=None)
    for number in range(100):
        table.put(f"kept {number}", ("war",))
        table.drop(f"gone {number - 1}")
        table.put(f"gone {number}", ("drama",))
    assert len(table) == 101
    assert not numbers(table, "gone 3")
    table.put_off(["unknown"], 5.0)
    table.drop("never there")
    assert not numbers(table, "unknown")
    assert all(numbers(table, f"kept {number}") for number in range(100))


def test_it_tells_what_was_put_in_before_a_moment_or_never() -> None:
    table = CategoryTable()
    table.put("old", ("war",), at=1.0)
    table.put("young", ("war",), at=9.0)
    assert table.older(["young", "never", "old"], 5.0) == ["never", "old"]
    table.put_off(["old", "never"], 6.0)
    assert table.older(["young", "never", "old"], 5.0) == []
    assert numbers(table, "old") == numbers(table, "young")
    assert not numbers(table, "never")


def test_by_number_it_tells_the_same_whatever_comes_and_goes() -> None:
    table, rows = CategoryTable(most_items=3), IdMap()
    items = ItemNumbers(rows)
    chance = np.random.default_rng(0)
    ids = [*"abcdefgh"]
    for step in range(400):
        item_id = str(chance.choice(ids))
        match step % 7:
            case 0:
                table.drop(item_id)
            case 3 if item_id in rows:
                rows.release(item_id)  # its number may be given to another
            case 5:
                rows = IdMap()
                items = ItemNumbers(rows)
            case _:
                table.put(item_id, (f"category {step}",))
        asked = [str(one) for one in chance.permutation(ids)[:5]]
        found = categories_of(table, items, rows.rows_of(asked, add=True))
        assert found == table.of(asked).tolist()


def test_by_number_it_tells_what_is_older() -> None:
    table, items = CategoryTable(), ItemNumbers()
    table.put("old", ("war",), at=1.0)
    table.put("young", ("war",), at=9.0)
    glance = Glance(table, 5.0)
    glance.rows_by_number(items, items.of(["young", "never", "old"]))
    assert glance.older == ["never", "old"]


def test_a_number_that_is_free_is_of_no_category_and_may_be_anothers_later() -> None:
    table, rows = CategoryTable(), IdMap("ab")
    items, numbers = ItemNumbers(rows), np.arange(2)
    table.put("a", ("war",))
    table.put("c", ("drama",))
    rows.release("a")
    assert categories_of(table, items, numbers)[0] == [N_NUMBERS] * MOST_CATEGORIES
    assert rows.add("c") == 0
    assert categories_of(table, items, numbers)[0] == table.of(["c"])[0].tolist()


def words(table: CategoryTable, item_id: str) -> set[int]:
    return set(table.words[table.rows([item_id])][0].tolist()) - {N_WORDS}


def test_the_words_of_an_item_are_those_put_in_last_and_the_first_of_many() -> None:
    table = CategoryTable()
    table.put("a", ("war",), words=[5, 6])
    table.put("b", (), words=[N_WORDS + 6, 6])
    assert (words(table, "a"), words(table, "b"), words(table, "unknown")) == ({5, 6}, {6}, set())
    table.put("a", (), words=range(100, 200))
    assert words(table, "a") == set(range(100, 100 + MOST_TO_RANK_BY))
    table.put("a", ("war",))
    assert not words(table, "a")


def test_a_word_weighs_the_more_the_fewer_have_it_and_nothing_where_there_is_none() -> None:
    table = CategoryTable()
    for item_id in "abc":
        table.put(item_id, (), words=[1, 2] if item_id == "a" else [1])
    weights = table.weights
    assert weights[[1, 2, N_WORDS]] == pytest.approx(np.log1p([1.0, 3.0, 0.0]))
    # To be put in again as it was, as when it is renewed, moves nothing.
    table.put("a", (), words=[1, 2])
    assert table.weights is weights


def test_words_of_items_that_are_gone_count_no_more() -> None:
    table = CategoryTable(most_items=2)
    for item_id in "abcd":
        table.put(item_id, (), words=[7])
    table.put("e", (), words=[8])
    table.drop("d")
    assert not words(table, "a")
    assert not words(table, "d")
    # Of "e" alone, what is left knows nothing of 7.
    assert table.weights[[7, 8]] == pytest.approx(np.log1p([1.0, 1.0]))
    table.put("f", (), words=[8])
    table.put("g", (), words=[8])
    assert table.weights[8] == pytest.approx(np.log1p(1.0))
    assert table.weights[7] == pytest.approx(np.log1p(2.0))


def test_words_of_numbers_are_those_of_ids() -> None:
    table, rows = CategoryTable(), IdMap()
    table.put("a", (), words=[1])
    table.put("b", ("war",), words=[2, 3])
    items, asked = ItemNumbers(rows), ["b", "unknown", "a"]
    numbers = rows.rows_of(asked, add=True)
    found = table.words[Glance(table).rows_by_number(items, numbers)[numbers]]
    assert found.tolist() == table.words[table.rows(asked)].tolist()
