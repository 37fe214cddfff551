"""A look at a view: it keeps within its width, and axe finds nothing serious."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.page.conftest import ARTEFACTS

SERIOUS = {"serious", "critical"}


def look(page: Page, name: str, width: int, theme: str) -> None:
    """Write a screenshot of a view that is whole, and check it."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}-{width}-{theme}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    found = Axe().run(page).response["violations"]
    serious = [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in SERIOUS]
    assert serious == [], (name, width, theme)
