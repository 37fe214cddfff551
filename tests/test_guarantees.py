"""Every promise of `docs/guarantees.md` names tests that are there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "guarantees.md"

_NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
_ROW = re.compile(r"\| (?!Promise)")


def named_tests() -> Iterator[tuple[str, str | None]]:
    for path, name in _NAMED.findall(PAGE.read_text("utf-8")):
        yield path, name or None


@pytest.mark.parametrize("named", sorted(set(named_tests()), key=str), ids=str)
def test_a_named_test_exists(named: tuple[str, str | None]) -> None:
    path, name = named
    assert (ROOT / path).is_file(), path
    if name is not None:
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        defined = {
            node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert name in defined, f"{path} has no {name}"


def test_every_promise_names_a_test() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if _ROW.match(line)]
    assert rows
    for row in rows:
        assert _NAMED.search(row), row
