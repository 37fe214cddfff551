import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from streamrec.errors import ConfigurationError, InvalidInput
from streamrec.evaluation.plot import draw, require_plotting
from streamrec.evaluation.prequential import Evaluation, chosen_models, run
from streamrec.evaluation.protocol import Protocol
from tests.unit.evaluation.test_bad_input import people


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return run(people(600), chosen_models(["popularity", "decayed_popularity"]), Protocol())


def test_a_picture_is_one(evaluation: Evaluation, tmp_path: Path) -> None:
    draw(evaluation, tmp_path / "new" / "recall.png")
    assert (tmp_path / "new" / "recall.png").read_bytes().startswith(b"\x89PNG")


def test_a_page_needs_nothing_else_and_names_what_it_shows(evaluation: Evaluation, tmp_path: Path) -> None:
    draw(evaluation, tmp_path / "recall.html")
    page = (tmp_path / "recall.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    svg = page[page.index("<svg") : page.index("</svg>") + len("</svg>")]
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert re.search(r"<!-- decayed_popularity -->", svg)
    assert not re.search(r"(src|href)=\"http", page)


def test_a_stream_that_asks_nothing_has_an_empty_picture(tmp_path: Path) -> None:
    draw(run([], chosen_models(["popularity"]), Protocol()), tmp_path / "nothing.svg")
    assert "<svg" in (tmp_path / "nothing.svg").read_text("utf-8")


def test_another_ending_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"\.png, \.svg, \.html"):
        require_plotting(Path("recall.gif"))
    require_plotting(Path("recall.png"))


def test_who_has_no_matplotlib_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigurationError, match=r"pip install -r requirements-plot\.txt"):
        require_plotting(Path("recall.png"))
