"""The table finds the very items for which the conditions hold, one by one."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamrec.domain.filters.attribute_table import AttributeTable
from streamrec.domain.filters.condition import Condition, Given, all_hold
from streamrec.domain.filters.facts import MOST_FACTS, facts_of
from streamrec.domain.filters.grammar import condition_of
from streamrec.domain.items.item import Item
from streamrec.domain.rows.item_numbers import ItemNumbers

TEXTS = st.sampled_from(
    ["", "a", "Drama", "12.5", "1e2", "1e999", "true", "TRUE", "2024-03-10", "2024-03-10T09:30:00Z", "ü\0"]
)
SCALARS = TEXTS | st.booleans() | st.integers(-3, 3) | st.sampled_from([12.5, 1710028800, 10**400, -0.0])
VALUES = st.recursive(
    SCALARS | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)
ITEMS = st.builds(
    Item,
    st.sampled_from([f"i{number}" for number in range(6)]),
    kind=st.none() | TEXTS,
    categories=st.lists(TEXTS, max_size=2).map(tuple),
    is_hidden=st.integers(0, 9).map(lambda number: number == 0),
    attributes=st.dictionaries(st.sampled_from(["a", "b", "a.b", "kind"]), VALUES, max_size=3),
)
NAMES = ["category", "kind", "attributes.a", "attributes.a.b", "attributes.kind", "attributes.none"]
GIVEN = st.builds(Given, TEXTS | st.integers(-3, 3).map(str), st.booleans())
CONDITIONS = st.builds(
    Condition,
    st.sampled_from(NAMES),
    st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "in"]),
    st.lists(GIVEN, min_size=1, max_size=2).map(tuple),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(ITEMS | st.sampled_from(["i0", "i1", "i2"]), max_size=25), st.lists(CONDITIONS, max_size=3))
def test_what_is_found_is_what_the_conditions_hold_for(
    changes: list[Item | str], given_: list[Condition]
) -> None:
    table, conditions, truth = AttributeTable(), tuple(given_), dict[str, Item]()
    numbers = ItemNumbers()
    for change in changes:
        if isinstance(change, Item):
            table.put(change)
            truth[change.item_id] = change
        else:
            table.drop(change)
            truth.pop(change, None)
        table.numbers_of(conditions, numbers)
        numbers.of(["i1", "i3"])
    fulfil = [item for item in truth.values() if not item.is_hidden and all_hold(conditions, item)]
    assert sorted(table.ids_of(conditions)) == sorted(item.item_id for item in fulfil)
    assert table.count(conditions) == len(fulfil)
    unknown = [id_ for id_ in ("i1", "i3", "never") if id_ not in truth or truth[id_].is_hidden]
    numbers.of(["never"])
    found = set(numbers.ids_at(table.numbers_of(conditions, numbers).tolist()))
    expected = {item.item_id for item in fulfil} & {"i1", "i3"}
    assert found - set(unknown) == expected
    assert ("never" in found) == all_hold(conditions, Item("never"))


def test_rows_that_count_no_more_go_and_nothing_else_changes() -> None:
    table = AttributeTable()
    for turn in range(30):
        for number in range(100):
            tags = ["t", f"v{turn}"]
            table.put(Item(f"i{number}", attributes={"price": number + turn, "in_stock": True, "tags": tags}))
        for number in range(0, 100, 10):
            table.drop(f"i{number}")
    assert len(table) == 90
    assert len(table._slot_of_row) < 30 * 100
    conditions = (condition_of("price<50"), condition_of("in_stock=true"), condition_of("tags=v29"))
    assert sorted(table.ids_of(conditions)) == sorted(f"i{n}" for n in range(21) if n % 10)
    assert table.ids_of((condition_of("tags=v3"),)) == []


def test_the_table_is_bounded_and_says_what_it_left_out() -> None:
    table = AttributeTable(most_items=3, most_values=8)
    for number in range(5):
        table.put(Item(f"i{number}", attributes={"a": number, "b": number}))
    assert (len(table), table.n_left_out) == (3, 2)
    table.drop("i0")
    table.put(Item("i4", attributes={"a": 1, "b": 2}))
    assert (len(table), table.n_left_out) == (3, 1)
    table.put(Item("i1", attributes={str(number): number for number in range(9)}))
    assert (len(table), table.n_left_out) == (2, 2)
    wide = Item("wide", attributes={"tags": [f"t{number}" for number in range(10_000)]})
    assert len(facts_of(wide)) == MOST_FACTS


def test_what_no_item_fulfils_is_told_with_what_may_have_been_meant() -> None:
    table = AttributeTable()
    table.put(Item("a", categories=("Drama",), attributes={"price": 9, "colour": "red"}))
    conditions = tuple(map(condition_of, ("prise<50", "category=Darma", "price<5", "colour=red", "zzz=1")))
    assert table.warnings_about(conditions) == [
        "no item has the attribute 'prise'; did you mean 'price'?",
        "no item is of the category 'Darma'; did you mean 'Drama'?",
        "no item fulfils price<5",
        "no item has the attribute 'zzz'",
    ]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("price<abc", "abc is no number, as all values of 'price' are"),
        ('price="9"', "\"9\" is no number, as all values of 'price' are"),
        ("price in (1, cheap)", "cheap is no number, as all values of 'price' are"),
        ("in_stock=yes", "yes is no truth value, as all values of 'in_stock' are"),
        ("released<1990", "1990 is no date, as all values of 'released' are"),
        ("price>99", ""),
        ("mixed<a", ""),
        ("colour<1", ""),
    ],
)
def test_a_value_of_another_kind_than_all_that_there_are_is_named(written: str, told: str) -> None:
    table = AttributeTable()
    of_a = {"price": 9, "in_stock": True, "released": "2024-01-02", "mixed": "x", "colour": "red"}
    table.put(Item("a", attributes=of_a))
    table.put(Item("b", attributes={"price": [10, 3], "mixed": 3}))
    condition = condition_of(written)
    assert table.warnings_about((condition,)) == [f"no item fulfils {condition}" + (told and f": {told}")]


@pytest.mark.parametrize("name", ["created_at", "released"])
def test_the_newest_by_a_time_come_first_up_to_now(name: str) -> None:
    table = AttributeTable()
    for item_id, value in {
        "a": 100,
        "b": "1970-01-01T00:05:00Z",
        "c": "soon",
        "d": [50, 250],
        "e": 1e10,
    }.items():
        table.put(Item(item_id, attributes={name: value}))
    table.put(Item("a", attributes={name: 120}))
    assert table.newest(f"attributes.{name}", 1000.0, 9) == (["b", "d", "a"], [300.0, 250.0, 120.0])
    assert table.newest(f"attributes.{name}", 1000.0, 1)[0] == ["b"]
    assert table.newest("attributes.other", 1000.0, 9) == ([], [])
    assert table.newest(f"attributes.{name}", 1000.0, 9, (condition_of(f"{name}<260"),))[0] == ["d", "a"]


def test_whatever_an_item_holds_its_facts_are_bounded_and_read() -> None:
    odd: dict[str, Any] = {
        "<script>": "'; DROP TABLE items; --", "x" * 10_000: 1, "long": "x" * 10_000, "null": None,
        "deep": {"a": {"b": {"c": {"d": 1}}}}, "big": 10**400, "list": [[1], {"a": 2}, 3],
    }  # fmt: skip
    item = Item("i", attributes=json.loads(json.dumps(odd)))
    assert facts_of(item) == [
        ("attributes.<script>", "'; DROP TABLE items; --"),
        ("attributes.list.a", 2),
        ("attributes.list", 3),
    ]
    assert all_hold([condition_of('"<script>"="\'; DROP TABLE items; --"')], item)
