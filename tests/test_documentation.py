"""The documentation builds without a network, its links lead somewhere, and what it names is there."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted(DOCS.rglob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]
"""All that is written for readers, without the CHANGELOG, which tells what was."""

FOLDERS = (
    "streamrec", "models", "lab", "faiss_server", "recommender_server", "benchmarks", "examples", "tests",
    "deploy", "docs", "requirements",
)  # fmt: skip
MAX_README_LINES = 90

_LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")
_NAMED_PATH = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*)`")
_NAMED_CODE = re.compile(r"`([\w/]+\.py)` `([\w.]+)`")
_NAMED_MODULE = re.compile(r"python -m ((?:streamrec|lab|benchmarks|examples)[\w.]*)")
_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_FETCHED = re.compile(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"?(?:https?:)?//[^\" >]*")


def named(pattern: re.Pattern[str], pages: list[Path]) -> Iterator[tuple[str, str]]:
    """Yield (page, what it names)."""
    for page in pages:
        for name in pattern.findall(page.read_text("utf-8")):
            yield str(page.relative_to(ROOT)), name


def of_today() -> list[Path]:
    """Return the pages that tell what is; a decision tells what was, and is not written anew."""
    return [page for page in PAGES if page.parent != DOCS / "adr"]


def build(root: Path, site: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def test_the_site_builds_without_a_warning_and_fetches_nothing(tmp_path: Path) -> None:
    built = build(ROOT, tmp_path)
    assert built.returncode == 0, built.stdout + built.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > len(list(DOCS.rglob("*.md")))
    assert {found for page in pages for found in _FETCHED.findall(page.read_text("utf-8"))} == set()


@pytest.mark.parametrize("link", ["[a](missing.md)", "[b](quality.md#missing)", "[c](../README.md)"])
def test_a_link_that_leads_nowhere_fails_the_build(tmp_path: Path, link: str) -> None:
    settings = (ROOT / "mkdocs.yml").read_text("utf-8")
    (tmp_path / "mkdocs.yml").write_text(settings[: settings.index("nav:")])
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "quality.md").write_text("# Quality\n")
    (tmp_path / "docs" / "index.md").write_text(f"# Start\n\n{link}\n")
    built = build(tmp_path, tmp_path / "site")
    assert built.returncode != 0
    assert "WARNING" in built.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    text = _FENCE.sub("", page.read_text("utf-8"))
    links = [link for link in _LINK.findall(text) if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_files_that_pages_name_are_there() -> None:
    missing = {(page, name) for page, name in named(_NAMED_PATH, of_today()) if not (ROOT / name).exists()}
    assert missing == set()


def defined_in(path: Path) -> set[str]:
    """Return the classes and functions of a file, methods behind their class."""
    body = ast.parse(path.read_text("utf-8")).body
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    outer = [node for node in body if isinstance(node, kinds)]
    inner = [(node.name, part) for node in outer for part in node.body if isinstance(part, kinds)]
    return {node.name for node in outer} | {f"{name}.{part.name}" for name, part in inner}


def test_functions_that_pages_name_are_in_their_files() -> None:
    found = {
        (file, name) for page in of_today() for file, name in _NAMED_CODE.findall(page.read_text("utf-8"))
    }
    assert len(found) > 30
    assert {(file, name) for file, name in found if name not in defined_in(ROOT / file)} == set()


def test_modules_that_pages_run_are_there() -> None:
    found = {(page, name.rstrip(".")) for page, name in named(_NAMED_MODULE, of_today())}
    assert len(found) > 10
    assert {(page, name) for page, name in found if importlib.util.find_spec(name) is None} == set()


def test_the_readme_has_two_screens() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= MAX_README_LINES
