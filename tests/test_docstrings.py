"""Docstrings begin with a noun or a verb: with the thing described, not with a question about it."""

import ast
import gc
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = (
    "streamrec",
    "models",
    "faiss_server",
    "recommender_server",
    "lab",
    "benchmarks",
    "examples",
)
QUESTION = re.compile(r"(What|Which|Where|How|Why|Who|Whose|Whom|When|Those)\b")


def docstrings(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the docstring of each module, class, function and attribute in a file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                name = getattr(node, "name", "module")
                yield name, ast.get_docstring(node) or ""
                for at, follower in zip(node.body, node.body[1:], strict=False):
                    match follower:
                        case ast.Expr(value=ast.Constant(value=str(text))):
                            yield f"{name}, after line {at.lineno}", text.strip()


def test_docstrings_begin_with_a_noun_or_a_verb() -> None:
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert len(files) > 100
    # What other tests left, finalized in the middle of parsing, breaks CPython 3.11's parser (gh-106905).
    gc.collect()
    gc.disable()
    try:
        found = beginning_with_a_question(files)
    finally:
        gc.enable()
    assert found == []


def beginning_with_a_question(files: list[Path]) -> list[str]:
    """Return where a docstring begins with a question word, and its first line."""
    return [
        f"{path.relative_to(ROOT)}: {name}: {text.splitlines()[0]}"
        for path in files
        for name, text in docstrings(path)
        if QUESTION.match(text)
    ]
