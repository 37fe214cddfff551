"""The page `docs/benchmarks.md`, written from the results: `python -m benchmarks.page`."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks import charts, results_file
from benchmarks.page_rows import Row, Section
from benchmarks.page_sections import ELSEWHERE, SECTIONS
from benchmarks.results_file import Measured, Result

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"

STALE_AFTER = timedelta(days=30)
"""Behind the newest of all figures: by then a figure tells of other code."""

_HEAD = """\
# Benchmarks

<!-- Written by `python -m benchmarks.page` from benchmarks/results/*.json; a test compares. -->

How fast the product is and how good its lists are, each figure with the time, the code and the machine that
it is of. A figure in **bold** falls short of what is wanted; [ADR 2](adr/0002-learning.md),
[ADR 4](adr/0004-recommender-server.md) and [ADR 13](adr/0013-learned-blend.md) say what was tried. Ratios are
taken within one run. `make bench`, `make bench-services` or `.venv/bin/python -m benchmarks NAME` measure
again, write the result with its origin to `benchmarks/results/`, and write this page.
"""

_STALE = """\
## Not measured since

The code has changed since these figures: their files do not name a commit (the one that brought the file is
given), or they are 30 days older than the newest figure. They are kept to compare with, and promise nothing.
"""


def page() -> str:
    """Return the page's text."""
    results = {section.name: results_file.recorded(section.name) for section in SECTIONS}
    recorded = {name: result for name, result in results.items() if result is not None}
    newest = max(result.measured.at for result in recorded.values())
    stale = {name: one for name, one in recorded.items() if is_stale(one.measured, newest - STALE_AFTER)}
    fresh = {name: one for name, one in recorded.items() if name not in stale}
    lines = [_HEAD, "## Measured\n", *_sections(fresh), *_pictures(fresh), _STALE, *_sections(stale)]
    lines += _rest(section for section in SECTIONS if section.name not in recorded)
    return "\n".join(lines)


def _pictures(fresh: Collection[str]) -> Iterator[str]:
    shown = {name: one for name, one in charts.PICTURES.items() if one.result in fresh}
    if not shown:
        return
    yield "## Pictures\n"
    yield "Drawn by `python -m benchmarks.charts` from `serving_curves` and `trainer`.\n"
    for name, picture in shown.items():
        yield f"![{picture.title}](images/benchmarks/{name}.svg)\n"


def is_stale(measured: Measured, oldest_allowed: datetime) -> bool:
    """Return whether figures do not name their code, or are too old."""
    return measured.commit is None or measured.at < oldest_allowed


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), "utf-8")


def _sections(results: Mapping[str, Result]) -> Iterator[str]:
    """Yield the sections of results, in the order of the page."""
    for section in SECTIONS:
        if section.name not in results:
            continue
        result = results[section.name]
        yield f"### {section.title}\n"
        yield f"`{section.name}`: {origin(result.measured)}.\n"
        yield "| What | Measured | Wanted |\n|---|---|---|"
        yield from (_line(row, result) for row in section.rows)
        yield ""


def origin(measured: Measured) -> str:
    """Return when and on what figures were measured, in words.

    >>> from datetime import UTC, datetime
    >>> origin(Measured(datetime(2026, 11, 29, tzinfo=UTC), 2, "ed89e130bb84", load_average=(3.21, 2.0, 1.0)))
    '2026-11-29, commit `ed89e13`, 2 cores, load 3.2'
    >>> origin(Measured(datetime(2026, 11, 23, tzinfo=UTC), 2, recorded_in="0a549d2ee207"))
    'recorded on 2026-11-23 by commit `0a549d2`, 2 cores'
    """
    if measured.commit is None:
        parts = [f"recorded on {measured.at:%Y-%m-%d} by commit `{(measured.recorded_in or 'unknown')[:7]}`"]
    else:
        changed = " and changes to it" if measured.is_changed else ""
        parts = [f"{measured.at:%Y-%m-%d}", f"commit `{measured.commit[:7]}`{changed}"]
    parts.append(f"{measured.cores} cores{f' ({measured.processor})' if measured.processor else ''}")
    if measured.load_average is not None:
        parts.append(f"load {measured.load_average[0]:.1f}")
    return ", ".join(parts)


def _line(row: Row, result: Result) -> str:
    try:
        value = row.value(result.figures)
    except KeyError:  # recorded before there was such a figure
        return f"| {row.what} | not measured yet | |"
    shown = row.form.format(value)
    falls_short = (row.at_least is not None and value < row.at_least) or (
        row.at_most is not None and value > row.at_most
    )
    wanted = "" if row.at_least is None else f"≥ {row.form.format(row.at_least)}"
    wanted = wanted if row.at_most is None else f"≤ {row.form.format(row.at_most)}"
    return f"| {row.what} | {f'**{shown}**' if falls_short else shown} | {wanted} |"


def _rest(sections: Iterable[Section]) -> Iterator[str]:
    yield "## Shown elsewhere, and not recorded\n"
    for name, link in ELSEWHERE.items():
        result = results_file.recorded(name)
        if result is not None:
            shown = f"[{link.partition('#')[0]}]({link})" if link else f"`benchmarks/results/{name}.json`"
            yield f"* `{name}`: {origin(result.measured)}; shown in {shown}."
    for section in sections:
        yield f"* {section.title}: no result is recorded; `python -m benchmarks {section.name}` measures it."
    yield ""


if __name__ == "__main__":
    main()
