"""Each how-to that changes the code is followed to the letter in a copy of the tree."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.how_tos.steps import ROOT, Step, apply, changed, copy_tree, run, steps_of

PAGES = sorted((ROOT / "docs/how-to").glob("add-*.md"))


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    copy_tree(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_fits_the_tree(page: Path, scratch: Path) -> None:
    steps = steps_of(page)
    assert [step.is_check for step in steps].count(True) == 1
    assert steps[-1].is_check
    for step in steps[:-1]:
        apply(step, scratch)
    code = [step.title for step in steps if step.title.endswith(".py")]
    assert code
    ruff = [sys.executable, "-m", "ruff", "check", "--no-cache", *code]
    ended = subprocess.run(ruff, cwd=scratch, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout


# In a copy nothing is compiled yet: it takes minutes on a machine that others keep busy.
@pytest.mark.nightly
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_leads_to_code_that_passes_its_checks(page: Path, scratch: Path) -> None:
    *changes, check = steps_of(page)
    for step in changes:
        apply(step, scratch)
    ended = run(check, scratch)
    assert ended.returncode == 0, ended.stdout[-5_000:] + ended.stderr[-5_000:]


def test_contributing_names_every_page() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert PAGES
    assert [page.name for page in PAGES if f"docs/how-to/{page.name}" not in text] == []


def test_a_change_that_does_not_fit_is_told() -> None:
    with pytest.raises(ValueError, match="file has 0 times what is to be changed"):
        changed("a\nb\n", " a\n-c\n+d\n", "file")
    with pytest.raises(ValueError, match="file has 2 times"):
        changed("a\na\n", "-a\n+b\n", "file")


def test_a_check_that_fails_is_told(tmp_path: Path) -> None:
    assert (
        run(Step("bash", "Check", ".venv/bin/python -c 'raise SystemExit(3)'\ntrue\n"), tmp_path).returncode
        == 3
    )
