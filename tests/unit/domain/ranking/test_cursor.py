"""What a cursor remembers, and which are refused."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamrec.domain.ranking.cursor import MAX_CURSOR_LENGTH, MAX_SHOWN, Shown
from streamrec.errors import InvalidInput


def after(*item_ids: str, question: str = "q") -> Shown:
    return Shown.nothing(question).after(item_ids)


@given(item_ids=st.lists(st.text(min_size=1, max_size=20), max_size=60, unique=True), question=st.text())
def test_a_cursor_leads_back_to_what_was_shown(item_ids: list[str], question: str) -> None:
    shown = after(*item_ids, question=question)
    cursor = shown.cursor()
    assert re.fullmatch("[A-Za-z0-9_-]+", cursor)
    again = Shown.read(cursor, question)
    assert again == shown
    assert again.n_left == MAX_SHOWN - len(item_ids)
    assert again.without([*item_ids, "another one"]) == ["another one"]


def test_pages_add_up_and_the_longest_cursor_is_taken() -> None:
    shown = Shown.nothing("q")
    for page in range(100):
        shown = Shown.read(shown.after([f"{page}-{n}" for n in range(10)]).cursor(), "q")
    assert shown.n_left == 0
    assert len(shown.cursor()) <= MAX_CURSOR_LENGTH
    assert shown.without(["0-0", "57-3", "99-9", "100-0"]) == ["100-0"]


def test_few_items_are_taken_for_others() -> None:
    shown = after(*(f"shown-{n}" for n in range(MAX_SHOWN)))
    others = [f"other-{n}" for n in range(200_000)]
    assert len(shown.without(others)) >= 199_999  # .05 are expected to be lost


def test_a_cursor_answers_one_question_only() -> None:
    with pytest.raises(InvalidInput, match="'cursor'.*another question"):
        Shown.read(after("a", question="user=1").cursor(), "user=2")


def _changed(cursor: str, index: int) -> str:
    payload = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    payload[index] ^= 1
    return base64.urlsafe_b64encode(payload).decode().rstrip("=")


@pytest.mark.parametrize("index", [0, 1, 9, 17, -1])
def test_a_changed_cursor_is_refused(index: int) -> None:
    with pytest.raises(InvalidInput, match="'cursor'"):
        Shown.read(_changed(after("a", "b").cursor(), index), "q")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "A",
        "AQ",
        "null",
        "ü",
        "a b",
        "\x00",
        "====",
        "%20",
        after("a").cursor()[:-4],
        after("a").cursor() + "AAAA",
        after("a").cursor() + "\n",
        "A" * (MAX_CURSOR_LENGTH + 1),
        after(*map(str, range(MAX_SHOWN + 1))).cursor(),
    ],
)
def test_what_is_no_cursor_is_refused_briefly(cursor: str) -> None:
    with pytest.raises(InvalidInput, match="query parameter 'cursor'") as refused:
        Shown.read(cursor, "q")
    assert len(str(refused.value)) < 200
