"""The page on rankings tells of every column, in the words of its declaration."""

import re
from pathlib import Path

import pytest

from streamrec.domain.ranking import context_columns, user_columns

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "ranking.md"


def of_context() -> list[str]:
    head = ["| column | level | what it is | it ... | or it ... |", "|---|---|---|---|---|"]
    return head + [
        f"| `{name}` | {'yes' if is_level else ''} | {words} | {high} | {low} |"
        for name, words, high, low, is_level in context_columns.COLUMNS
    ]


def of_user() -> list[str]:
    head = ["| column | what it is |", "|---|---|"]
    return head + [f"| `{column.name}` | {column.words} |" for column in user_columns.COLUMNS]


@pytest.mark.parametrize(
    ("name", "expected"), [("context columns", of_context()), ("user columns", of_user())]
)
def test_the_page_lists_what_is_declared(name: str, expected: list[str]) -> None:
    found = re.search(f"<!-- {name}: begin -->\n(.*)<!-- {name}: end -->", PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    assert found[1].splitlines() == expected
