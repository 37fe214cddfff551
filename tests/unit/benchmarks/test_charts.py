"""Pictures of benchmarks show what was recorded, and are the same when drawn again."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import charts, page
from benchmarks.page_sections import SECTIONS
from benchmarks.results_file import recorded


def point(count: str, n: int) -> dict[str, Any]:
    return {
        count: n,
        "recommendations_per_s": 500.0 + n,
        "p50_ms": 2.0,
        "p99_ms": 4.0 + n,
        "bare_p99_ms": 1.0,
    }


def texts(path: Path) -> str:
    root = ElementTree.fromstring(path.read_text("utf-8"))
    return " ".join(element.text or "" for element in root.iter() if element.tag.endswith("text"))


@pytest.mark.parametrize("name", ["connections", "items", "seen"])
def test_a_curve_has_every_point_and_is_the_same_again(name: str, tmp_path: Path) -> None:
    picture = charts.PICTURES[name]
    points = [point(picture.differs, n) for n in (1, 16, 64)]
    for file in ("a/x.svg", "b/x.svg"):
        charts.draw_curve(points, picture, tmp_path / file)
    drawn = texts(tmp_path / "a" / "x.svg")
    assert {"1", "16", "64", "p50", "p99"} <= set(drawn.split())
    assert drawn.count(picture.label) == 2
    assert (tmp_path / "a" / "x.svg").read_bytes() == (tmp_path / "b" / "x.svg").read_bytes()


def test_other_figures_give_another_picture(tmp_path: Path) -> None:
    for name, slow in (("a", 1.0), ("b", 2.0)):
        points = [point("n_items", n) | {"p99_ms": slow * n} for n in (10, 100)]
        charts.draw_curve(points, charts.PICTURES["items"], tmp_path / name / "x.svg")
    assert (tmp_path / "a" / "x.svg").read_bytes() != (tmp_path / "b" / "x.svg").read_bytes()


def test_the_trainer_has_a_line_for_each_number_of_items(tmp_path: Path) -> None:
    sizes = [
        {"n_users": users, "n_items": items, "events_per_s": 9_000.0}
        for users, items in ((10_000, 10_000), (1_000_000, 10_000), (1_000_000, 100_000))
    ]
    charts.draw_users(sizes, charts.PICTURES["users"], tmp_path / "users.svg")
    drawn = texts(tmp_path / "users.svg")
    assert "10,000 items" in drawn
    assert "100,000 items" in drawn


def test_the_page_shows_pictures_of_recorded_results_only() -> None:
    there = {section.name for section in SECTIONS if recorded(section.name) is not None}
    text = page.page()
    for name, picture in charts.PICTURES.items():
        if f"images/benchmarks/{name}.svg" in text:
            assert picture.result in there
            assert (charts.IMAGES / f"{name}.svg").exists(), "run python -m benchmarks.charts"


def test_what_stands_there_is_what_the_results_give(tmp_path: Path) -> None:
    for path in charts.main(tmp_path):
        kept = charts.IMAGES / path.name
        assert kept.exists(), "run python -m benchmarks.charts"
        assert texts(kept) == texts(path), "run python -m benchmarks.charts"
