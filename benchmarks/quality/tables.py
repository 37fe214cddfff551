"""The figures of `benchmarks.quality.models` as tables of a page, between its markers."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

Results = Mapping[str, Mapping[str, Any]]
"""Data set -> what was measured on it."""

Figures = Mapping[str, Any]
"""One model on one data set, see docs/reference/evaluation.md."""

MARKERS = ("<!-- quality: begin -->", "<!-- quality: end -->")


def write_tables(results: Results, page: Path) -> None:
    """Put the tables between the page's markers; what else stands there stays.

    Raises
    ------
    ValueError
        When the page has no such markers.
    """
    put_between(MARKERS, _tables(results), page)


def put_between(markers: tuple[str, str], lines: Iterable[str], page: Path) -> None:
    """Put lines between two markers of a page; what else stands there stays.

    Raises
    ------
    ValueError
        When the page has no such markers, or several.
    """
    begin, end = map(re.escape, markers)
    tables = "\n".join([markers[0], *lines, markers[1]])
    text, n_sections = re.subn(
        f"{begin}.*?{end}", lambda found: tables, page.read_text("utf-8"), flags=re.DOTALL
    )
    if n_sections != 1:
        raise ValueError(f"{page} has {n_sections} sections between {markers[0]} and {markers[1]}")
    page.write_text(text, "utf-8")


def _tables(results: Results) -> Iterator[str]:
    cells: dict[str, Callable[[Figures], str]] = {
        "recall@10, and half the width of its 95 % interval": _recall,
        "NDCG@10": lambda figures: f"{figures['ndcg_at_10']:.3f}",
        "recall@20": lambda figures: f"{figures['recall_at_20']:.3f}",
        "recall@10 at cold users' second to fifth event": lambda figures: _of(
            figures, "cold_users_first_events"
        ),
        "recall@10 of new items (five events or fewer)": lambda figures: _of(figures, "new_items"),
        "debiased recall@10": lambda figures: f"{figures['debiased']['recall_at_10']:.3f}",
        "coverage of the catalogue by lists of 10": lambda figures: f"{figures['coverage']['share']:.2f}",
        "ms of processor time to predict / to learn": _time,
    }
    heads = [f"{name} ({_n_questions(of_set):,})" for name, of_set in results.items()]
    yield f"Questions asked, in brackets: {', '.join(heads)}."
    for title, cell in cells.items():
        yield f"\n| {title} | {' | '.join(results)} |"
        yield "|---" * (1 + len(results)) + "|"
        models = dict.fromkeys(name for of_set in results.values() for name in of_set["models"])
        for model in models:
            found = [of_set["models"].get(model) for of_set in results.values()]
            row = ["–" if figures is None else cell(figures) for figures in found]
            yield f"| `{model}` | {' | '.join(row)} |"
    with_parts = {name: of_set["parts"] for name, of_set in results.items() if "parts" in of_set}
    yield from _parts_table(
        {name: parts for name, parts in with_parts.items() if "served" in parts["models"]}
    )


def _parts_table(parts: Results) -> Iterator[str]:
    """Yield the ablation: recall, and its share of what all parts together reach."""
    if not parts:
        return
    limits = [f"{_n_questions(of_set):,} ({name})" for name, of_set in parts.items()]
    yield f"\nThe served list without each of its sources; questions: {', '.join(limits)}; one seed."
    yield f"\n| recall@10, and its share of the whole | {' | '.join(parts)} |"
    yield "|---" * (1 + len(parts)) + "|"
    for part in next(iter(parts.values()))["models"]:
        row = [_beside_whole(of_set["models"], part) for of_set in parts.values()]
        yield f"| {part} | {' | '.join(row)} |"


def _beside_whole(models: Mapping[str, Figures], part: str) -> str:
    if part not in models:
        return "–"
    recall, whole = models[part]["recall_at_10"], models["served"]["recall_at_10"]
    return f"{recall:.4f} ({recall / max(whole, 1e-9):.3f})"


def _n_questions(of_set: Mapping[str, Any]) -> int:
    return int(next(iter(of_set["models"].values()))["n_events"])


def _recall(figures: Figures) -> str:
    low, high = figures["intervals"]["recall_at_10"]
    return f"{figures['recall_at_10']:.4f} ± {(high - low) / 2:.3f}"


def _of(figures: Figures, segment: str) -> str:
    return f"{figures['segments'][segment]['recall_at_10']:.3f}"


def _time(figures: Figures) -> str:
    return " / ".join(f"{figures['time_ms'][step]['mean']:.2f}" for step in ("predict", "learn"))
