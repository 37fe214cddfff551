"""Conditions as people write them, and what is told of those that are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamrec.domain.filters.condition import Condition, all_hold
from streamrec.domain.filters.grammar import MOST_GIVEN, condition_of
from streamrec.domain.items.item import Item
from streamrec.errors import InvalidInput

ITEM = Item(
    "i",
    kind="film",
    title="Alien (1979)",
    categories=("Horror", "Sci-Fi, old"),
    attributes={
        "price": 49.5, "in_stock": True, "year": "1979", "brand": {"name": "Twentieth"}, "sizes": [7, 8],
        "released": "1979-05-25", "seen_at": "2024-03-10T09:30:00+02:00", "in stock": "no", "category": "x",
        'a "b"\\': 1,
    },
)  # fmt: skip


@pytest.mark.parametrize(
    "written",
    [
        "price<50", "price <= 49.5", "price>4.9e1 ", "price>=49.5", "price=49.50", "price==49.5",
        "price!=50",
        "in_stock=true", "in_stock!=false", "year=1979", 'year="1979"', "year<1980", "year>=1979",
        "brand.name=Twentieth", "sizes=8", "sizes>7", "sizes!=9", "sizes in (1, 8)",
        "released<1980-01-01", "released>=1979-05-25", "seen_at=2024-03-10T07:30:00Z", "seen_at>1979-05-25",
        "category=Horror", "categories in (Drama, Horror)", 'category="Sci-Fi, old"', "category!=Drama",
        "attributes.category=x", '"category"=x', '"in stock"=no', "kind=film", "kind != book",
        "title=Alien (1979)", 'title in ("Alien (1979)")', "title<B", r'"a \"b\"\\"=1', "nothing!=1",
    ],
)  # fmt: skip
def test_conditions_that_hold(written: str) -> None:
    assert all_hold([condition_of(written)], ITEM)


@pytest.mark.parametrize(
    "written",
    [
        "price<49.5", 'price="49.5"', "price=true", "in_stock=1", "in_stock=false", "year>1979", "sizes=9",
        "sizes!=8", "category=horror", "category!=Horror", "nothing=1", "nothing<1", "nothing in (1)",
        "released<1979-05-25", "price<a", "brand=Twentieth", "attributes.kind=film", "category=x",
    ],
)  # fmt: skip
def test_conditions_that_do_not_hold(written: str) -> None:
    assert not all_hold([condition_of(written)], ITEM)


@pytest.mark.parametrize(
    ("written", "at", "expected"),
    [
        ("", 1, "the name of an attribute"),
        ("<50", 1, "the name of an attribute"),
        ("price", 6, "one of =, !="),
        ("price 50", 7, "one of =, !="),
        ("price<", 7, "a value"),
        ("price=  ", 9, "a value"),
        ('"price=50', 1, "a closing quotation mark"),
        ('""=1', 3, "a name that is not empty"),
        ('a="b" and c=1', 7, "the end: further conditions are further parameters"),
        ("a in b", 6, "'('"),
        ("a in ()", 7, "a value"),
        ("a in (b", 8, "')'"),
        ("a in (b,)", 9, "a value"),
        ("a in (b) c", 10, "the end"),
        ("1a=3", 1, "in quotation marks if it is no single word"),
    ],
)
def test_what_is_no_condition_is_told_where_and_what_was_expected(
    written: str, at: int, expected: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        condition_of(written)
    assert f"at character {at} " in str(caught.value)
    assert expected in str(caught.value)


def test_lists_are_bounded() -> None:
    most = ", ".join(map(str, range(MOST_GIVEN)))
    assert len(condition_of(f"a in ({most})").given) == MOST_GIVEN
    with pytest.raises(InvalidInput, match="no more than 100 values"):
        condition_of(f"a in ({most}, more)")


@given(st.text(max_size=60) | st.text('ab"\\()=!<>in ,.1-', max_size=30))
def test_any_text_is_a_condition_or_refused(text: str) -> None:
    try:
        condition = condition_of(text)
    except InvalidInput as error:
        assert len(str(error)) < 400
    else:
        assert isinstance(condition, Condition)
        all_hold([condition], ITEM)


def test_the_longest_text_takes_no_time_worth_telling() -> None:
    for text in ('"' + "\\a" * 50_000, "a=" + " " * 100_000 + '"', "a in (" + "b," * 50_000, "(" * 100_000):
        with pytest.raises(InvalidInput):
            condition_of(text)
