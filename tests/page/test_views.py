"""Each view at two widths, light and dark: nothing overflows, and axe finds nothing serious."""

import json
import time
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from streamrec.client import Client
from tests.page.conftest import ARTEFACTS, PATIENCE_MS
from tests.page.own_files import put_own_files
from tests.page.served_page import ODD_ITEM, ODD_USER, Served
from tests.page.whole_views import look

VIEWS = {
    "explore": (f"#/explore?user={quote(ODD_USER, safe='')}&item=i5", ".persona-user .offer >> nth=4"),
    "live": ("#/live", ".masonry .compact li >> nth=4"),
    "journey": ("#/journey", ".funnel ol li >> nth=4"),
    "items": (f"#/items?text=f&item={quote(ODD_ITEM, safe='')}", ".detail .results li >> nth=2"),
    "users": ("#/users?prefix=u&user=u1", ".steps-taken tbody tr"),
    "own": ("#/own", "details >> nth=2"),
    "docs": ("docs", ".operation >> nth=10"),
}
"""By name: the address, and what stands there once it is whole."""

_MOST_BYTES = 120_000
"""Of what the first view loads, unpacked: a page of a few modules needs no more."""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_each_view_is_whole(
    browser: Browser, served: Served, own_folder: Path, width: int, theme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE_MS)
    put_own_files(own_folder)
    with Client(served.url, timeout_s=60.0) as client:
        client.recommendations(user_id="u1")
    for name, (address, last) in VIEWS.items():
        page = context.new_page()
        page.goto(f"{served.url}/{address}")
        page.locator(last).first.wait_for()
        if name == "explore":
            page.get_by_role("combobox", name="User").fill("script>")
            page.locator(".choosers .titles button").first.click()
            page.locator(".choosers .people li").first.wait_for()
        if name == "docs":
            page.get_by_text("/v1/events").first.click()
            page.get_by_role("button", name="Send POST").wait_for()
        look(page, name, width, theme)
        page.close()
    context.close()


def test_the_first_view_comes_from_here_alone_and_is_small(page: Page, served: Served) -> None:
    asked: list[tuple[str, int]] = []
    page.on("response", lambda answer: asked.append((answer.url, len(answer.body()))))
    started = time.perf_counter()
    page.goto(f"{served.url}/#/explore?user=u1")
    page.locator(".persona-user .offer").first.wait_for()
    first_s = time.perf_counter() - started
    page.reload()
    page.locator(".persona-user .offer").first.wait_for()
    assert {url.startswith(served.url) for url, _ in asked} == {True}
    again = time.perf_counter()
    page.reload()
    page.locator(".persona-user .offer").first.wait_for()
    seconds = {"first_view_s": round(first_s, 3), "again_s": round(time.perf_counter() - again, 3)}
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    (ARTEFACTS / "seconds.json").write_text(json.dumps(seconds))
    files = {url: size for url, size in asked if "/page/" in url or url.endswith("/")}
    assert sum(files.values()) < _MOST_BYTES


def test_charts_have_their_figures_behind_them(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/#/live")
    chart = page.locator("figure", has=page.get_by_role("heading", name="Recall at 10"))
    chart.locator("path").first.wait_for(state="attached")
    assert "lists as served" in (chart.locator("svg").get_attribute("aria-label") or "")
    chart.get_by_text("Table").click()
    rows = chart.locator("tbody tr")
    rows.nth(3).wait_for()
    n_of_an_hour = rows.count()
    assert "%" in rows.first.inner_text()
    n_lines = chart.locator("path").count()
    chart.get_by_role("button", name="chosen next").click()
    assert chart.locator("path").count() == n_lines + 1
    page.get_by_role("button", name="last day").click()
    # Points of a minute instead of ten seconds: one, or two where a minute ended meanwhile.
    expect(rows).not_to_have_count(n_of_an_hour)
    assert rows.count() <= 2
    assert page.get_by_text("not JSON").is_visible()
