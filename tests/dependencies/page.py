"""The page of the documentation that says what happens while each dependency fails."""

import re
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from tests.dependencies.cell import Cell
from tests.dependencies.requests import questions_and_changes
from tests.e2e.processes import ROOT

PAGE = ROOT / "docs" / "reference" / "failures.md"

GROUPS = ("lists", "popular", "similar", "documents", "figures", "status", "experiments", "events", "changes")

_WRITTEN = "<!-- From here on written by the command -->\n"

_LOOPS_HEAD = "| Dependency | What is amiss | Most lines of a process in 10 s | Whole again after |\n"

_TIMES = re.compile(r" \([\d.]+ s\)")


def write(cells: Sequence[Cell]) -> None:
    """Replace the tables; what stands before them is written by hand."""
    by_hand = PAGE.read_text("utf-8").partition(_WRITTEN)[0]
    PAGE.write_text(f"{by_hand}{_WRITTEN}\n{_tables(cells)}", "utf-8")


def _tables(cells: Sequence[Cell]) -> str:
    command = ["git", "rev-parse", "--short=8", "HEAD"]
    commit = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    day = datetime.now(UTC).strftime("%Y-%m-%d")
    columns = ["Dependency", "What is amiss", *GROUPS]
    return (
        f"Seen at {commit}, {day}.\n\n## Answers\n\n{_group_lines()}\n"
        + _head(columns)
        + "".join(_routes_row(cell) for cell in cells)
        + f"\n## Loops\n\n{_LOOPS_HEAD}|---|---|---|---|\n"
        + "".join(_loops_row(cell) for cell in cells)
    )


def _head(columns: Sequence[str]) -> str:
    return f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|\n"


def _group_lines() -> str:
    routes: dict[str, dict[str, None]] = {}
    for request in questions_and_changes():
        routes.setdefault(request.group, {})[f"`{request.name}`"] = None
    return _head(["Group", "Routes"]) + "".join(
        f"| {group} | {', '.join(routes[group])} |\n" for group in GROUPS
    )


def _routes_row(cell: Cell) -> str:
    answers = (f"{cell.groups[group].kind} ({cell.groups[group].took_s:.1f} s)" for group in GROUPS)
    return f"| {cell.dependency} | {cell.fault} | {' | '.join(answers)} |\n"


def _loops_row(cell: Cell) -> str:
    lines = ", ".join(f"{name} {n}" for name, n in cell.lines.items() if n)
    return f"| {cell.dependency} | {cell.fault} | {lines or 'none'} | {cell.recovered_s:.0f} s |\n"


def verdicts_of(page: str) -> dict[str, dict[str, str]]:
    """Return, by dependency and fault, whether each group of routes answers or refuses.

    Whether an answer is degraded depends on what the recommender holds copies of at the moment.
    """
    found = {}
    for line in page.splitlines():
        columns = [_TIMES.sub("", column.strip()) for column in line.strip("|").split("|")]
        if len(columns) == 2 + len(GROUPS) and columns[0] not in ("Dependency", "---"):
            kinds = ("answers" if kind in ("whole", "degraded") else kind for kind in columns[2:])
            found[f"{columns[0]}: {columns[1]}"] = dict(zip(GROUPS, kinds, strict=True))
    return found


def differences(cells: Iterable[Cell], page: str) -> list[str]:
    """Return in what cells are answered otherwise than a page says, a line each."""
    told = verdicts_of(page)
    return [
        f"{key}: {verdict}; the page says {told.get(key)}"
        for cell in cells
        for key, verdict in verdicts_of(_routes_row(cell)).items()
        if told.get(key) != verdict
    ]
