"""The view of models: a comparison of the laboratory is opened and told; what is none is named."""

from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from lab.evaluation.judgement import judge
from lab.models_file import FORMAT, ModelsFile
from tests.page.conftest import PATIENCE_MS
from tests.page.served_page import Served
from tests.page.whole_views import look
from tests.unit.lab.evaluation.test_judgement import BOUNDS, clicks, made_truth


def comparison() -> dict[str, Any]:
    """Return a comparison of two models, as the laboratory writes it."""
    history = clicks(*(("heavy", item) for item in "abc"), ("light", "a"), ("light", "b"), ("one", "a"))
    truth = made_truth(history, clicks(("heavy", "d"), ("light", "d"), ("one", "d"), ("none", "d")))
    right, wrong = truth.items.row("d"), truth.items.row("e")
    lists = {"good": [right, wrong], "<b>bad</b>": [wrong, right]}
    columns = {name: np.tile(rows, (truth.users.n_rows, 1)) for name, rows in lists.items()}
    judgement: dict[str, Any] = msgspec.to_builtins(
        judge(truth, columns, {"good": 0, "<b>bad</b>": 1}, BOUNDS)
    )
    cost = {"good": {"fit_s": 1.5, "fit_cpu_s": 1.0, "events_per_s": 50_000.0, "peak_bytes": 2**27}}
    made = ModelsFile(FORMAT, 1.79e9, "0.2.0", "abc", ["guardrail: coverage is low"], judgement, cost)
    found: dict[str, Any] = msgspec.to_builtins(made)
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "models.json"
    path.write_bytes(msgspec.json.encode(comparison()))
    return path


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_view_is_whole(
    browser: Browser, served: Served, file: Path, width: int, theme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{served.url}/#/models")
    page.get_by_label("Comparison").set_input_files(file)
    page.locator(".intervals li").nth(1).wait_for()
    look(page, "models", width, theme)
    context.close()


def test_a_comparison_is_told_with_its_figures(page: Page, served: Served, file: Path) -> None:
    page.goto(f"{served.url}/#/models")
    expect(page.locator("main")).to_contain_text("No comparison opened")
    page.get_by_label("Comparison").set_input_files(file)
    expect(page.locator(".intervals li").first).to_contain_text("good")
    expect(page.locator("main")).to_contain_text("guardrail: coverage is low")
    good = page.get_by_role("region", name="How good").get_by_role("row").filter(has_text="good")
    expect(good).to_contain_text("1 to 1")
    expect(page.get_by_role("region", name="Time and memory")).to_contain_text("128 MiB")
    expect(page.get_by_role("region", name="Pairs")).to_contain_text("0.3691")
    page.get_by_label("Metric").select_option("catalog_coverage_at_2")
    expect(page.locator(".intervals li")).to_have_count(2)
    page.get_by_label("Users", exact=True).select_option("heavy")
    expect(page.locator("main")).to_contain_text("Not known of these users")
    page.get_by_role("link", name="Live").click()
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_role("region", name="Diagnostics")).to_contain_text("<b>bad</b>")


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (b"", "not JSON"),
        (b"[1]", "format"),
        (b'{"format": "streamrec-models-1"}', "Parts of it are missing"),
        (msgspec.json.encode(comparison() | {"training": []}), "Parts of it are missing"),
        (
            msgspec.json.encode(comparison() | {"judgement": comparison()["judgement"] | {"models": {}}}),
            "compares no models",
        ),
    ],
)
def test_what_is_no_comparison_is_named(
    page: Page, served: Served, tmp_path: Path, contents: bytes, words: str
) -> None:
    path = tmp_path / "other.json"
    path.write_bytes(contents)
    page.goto(f"{served.url}/#/models")
    page.get_by_label("Comparison").set_input_files(path)
    expect(page.get_by_role("alert").filter(has_text=words)).to_contain_text("is no comparison of models")
