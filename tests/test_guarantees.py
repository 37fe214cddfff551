"""Every promise of `docs/guarantees.md` names tests that are there, and that its command runs."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "guarantees.md"

_NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
_ANY_PATH = re.compile(r"`tests/[^`]*`")
_ROW = re.compile(r"\| (?!Promise)")
_CELL = re.compile(r"(?<!\\)\|")


class Named(NamedTuple):
    """A test that a row names, or all of a file."""

    path: str
    name: str | None


def rows() -> list[str]:
    return [line for line in PAGE.read_text("utf-8").splitlines() if _ROW.match(line)]


def named_in(text: str) -> Iterator[Named]:
    for path, name in _NAMED.findall(text):
        yield Named(path, name or None)


@cache
def is_nightly_by_test(path: str) -> dict[str, bool]:
    """Return whether each test of a file is nightly, whatever its parameters."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return {
        node.name: any(ast.unparse(mark) == "pytest.mark.nightly" for mark in node.decorator_list)
        for node in [*tree.body, *(node for one in classes for node in one.body)]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize("named", sorted(set(named_in(PAGE.read_text("utf-8"))), key=str), ids=str)
def test_a_named_test_exists(named: Named) -> None:
    assert (ROOT / named.path).is_file(), named.path
    assert is_nightly_by_test(named.path), f"{named.path} has no test"
    if named.name is not None:
        # The command of the page finds what stands in no class.
        tree = ast.parse((ROOT / named.path).read_text("utf-8"))
        assert named.name in {node.name for node in tree.body if hasattr(node, "name")}
        assert named.name in is_nightly_by_test(named.path), f"{named.path} has no test {named.name}"


def test_every_promise_names_a_test() -> None:
    assert len(rows()) > 150
    for row in rows():
        assert len(_CELL.split(row)) == 5, f"a promise, its test and its figure: {row}"
        _, _, tests, _, _ = _CELL.split(row)
        assert _NAMED.search(tests), row


def test_every_path_of_a_test_is_read() -> None:
    unread = [path for path in _ANY_PATH.findall(PAGE.read_text("utf-8")) if not _NAMED.fullmatch(path)]
    assert unread == []


def test_a_promise_says_where_its_test_runs_at_night_alone() -> None:
    unsaid = [
        (named, row)
        for row in rows()
        for named in named_in(row)
        for nightly in [
            [is_nightly_by_test(named.path)[named.name]]
            if named.name
            else is_nightly_by_test(named.path).values()
        ]
        if all(nightly) and "nightly" not in row
    ]
    assert unsaid == []


def test_the_page_tells_how_a_promise_is_checked() -> None:
    head = PAGE.read_text("utf-8").partition("\n## ")[0]
    assert ".venv/bin/python -m pytest -m '' PATH::NAME" in head
