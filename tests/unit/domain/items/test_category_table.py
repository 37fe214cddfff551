"""Categories of many items at hand."""

import numpy as np

from streamrec.domain.items.category_table import MOST_CATEGORIES, N_NUMBERS, CategoryTable, Glance
from streamrec.domain.rows.item_numbers import ItemNumbers


def numbers(table: CategoryTable, item_id: str) -> set[int]:
    return set(table.of([item_id])[0].tolist()) - {N_NUMBERS}


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
    table, items = CategoryTable(most_items=3), ItemNumbers()
    chance = np.random.default_rng(0)
    ids = [*"abcdefgh"]
    for step in range(400):
        item_id = str(chance.choice(ids))
        match step % 7:
            case 0:
                table.drop(item_id)
            case 3 if item_id in items.ids:
                items.ids.release(item_id)  # its number may be given to another
            case 5:
                items = ItemNumbers()
            case _:
                table.put(item_id, (f"category {step}",))
        asked = [str(one) for one in chance.permutation(ids)[:5]]
        found = Glance(table).of_numbers(items, items.of(asked))
        assert found.tolist() == table.of(asked).tolist()


def test_by_number_it_tells_what_is_older() -> None:
    table, items = CategoryTable(), ItemNumbers()
    table.put("old", ("war",), at=1.0)
    table.put("young", ("war",), at=9.0)
    glance = Glance(table, 5.0)
    glance.of_numbers(items, items.of(["young", "never", "old"]))
    assert glance.older == ["never", "old"]


def test_a_number_that_is_free_is_of_no_category_and_may_be_anothers_later() -> None:
    table, items = CategoryTable(), ItemNumbers()
    numbers = items.of(["a", "b"])
    table.put("a", ("war",))
    table.put("c", ("drama",))
    items.ids.release("a")
    assert Glance(table).of_numbers(items, numbers)[0].tolist() == [N_NUMBERS] * MOST_CATEGORIES
    assert items.of(["c"]).tolist() == [0]
    assert Glance(table).of_numbers(items, numbers)[0].tolist() == table.of(["c"])[0].tolist()
