"""The page of benchmarks says what the results say, and no figure of unknown code passes for one of today."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks import page, results_file
from benchmarks.__main__ import ALL
from benchmarks.page_rows import Row, Section
from benchmarks.page_sections import ELSEWHERE, SECTIONS
from benchmarks.results_file import RESULTS, Measured, read

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def commits() -> dict[str, str]:
    measured = {path.name: read(path).measured for path in RESULTS.glob("*.json")}
    return {name: origin.commit for name, origin in measured.items() if origin.commit is not None}


def git(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = ["git", "-C", str(RESULTS), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_page_is_what_the_results_give() -> None:
    assert page.PAGE.read_text("utf-8") == page.page(), "run python -m benchmarks.page"


def test_every_result_tells_its_origin_and_is_on_a_page() -> None:
    names = {path.stem for path in RESULTS.glob("*.json")}
    assert {name for name in names if read(RESULTS / f"{name}.json").measured.cores < 1} == set()
    assert names <= {section.name for section in SECTIONS} | set(ELSEWHERE)


def test_every_benchmark_has_a_section() -> None:
    by_command_of_their_own = {"stability", "quality_gate", "quality_movietweetings_as_streamed", "quick"}
    assert set(ALL) | by_command_of_their_own == {section.name for section in SECTIONS} | set(ELSEWHERE)


def test_the_commits_that_results_name_are_of_this_history() -> None:
    if git("rev-parse", "--is-shallow-repository").stdout.strip() != "false":
        pytest.skip("the history is not at hand")
    unknown = {
        name: commit
        for name, commit in commits().items()
        if git("merge-base", "--is-ancestor", commit, "HEAD").returncode
    }
    assert unknown == {}


@pytest.mark.parametrize(
    ("measured", "is_stale"),
    [
        (Measured(NOW, 2, commit="a" * 40), False),
        (Measured(NOW - timedelta(days=31), 2, commit="a" * 40), True),
        (Measured(NOW, 2, recorded_in="a" * 40), True),
    ],
)
def test_figures_without_a_commit_or_too_old_are_stale(measured: Measured, is_stale: bool) -> None:
    assert page.is_stale(measured, NOW - page.STALE_AFTER) == is_stale


def test_what_falls_short_is_bold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rows = (
        Row("rate", lambda figures: figures["rate"], "{:,.0f} events/s", at_least=5_000),
        Row("time", lambda figures: figures["time"], "{:.1f} ms", at_most=3),
    )
    (tmp_path / "one.json").write_text(
        '{"measured": {"at": "2026-11-29T00:00:00Z", "cores": 2, "commit": "abcdef1234"},'
        '"rate": 4000, "time": 1}'
    )
    monkeypatch.setattr(page, "SECTIONS", (Section("one", "One", rows), Section("two", "Two", ())))
    monkeypatch.setattr(results_file, "RESULTS", tmp_path)
    text = page.page()
    assert "`one`: 2026-11-29, commit `abcdef1`, 2 cores." in text
    assert "| rate | **4,000 events/s** | ≥ 5,000 events/s |" in text
    assert "| time | 1.0 ms | ≤ 3.0 ms |" in text
    assert "Two: no result is recorded; `python -m benchmarks two` measures it." in text
