"""Debian's Chromium, driven by Playwright, and a recommender that it looks at."""

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.page.served_page import Learned, Served, app_over, learned, serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

ARTEFACTS = Path(__file__).parents[2] / "var" / "page"
"""Screenshots, and what was measured: of the last run."""

PATIENCE_MS = float(os.environ.get("STREAMREC_PAGE_TIMEOUT_MS", "60000"))
"""The longest wait for anything that is to be seen: a busy machine is slow, and no test is of speed."""


# Playwright keeps a loop running in this thread: until the browser is closed no other test may await.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)  # by itself it waits 5 s, whatever the context says
        arguments = ["--no-sandbox", "--disable-gpu"]  # root in a container has no sandbox
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(learned, tmp_path_factory.mktemp("learned")).result()


@pytest.fixture(scope="session")
def own_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the files that the page's recommender takes."""
    return tmp_path_factory.mktemp("own-data")


@pytest.fixture(scope="session")
def served(made: Learned, own_folder: Path) -> Iterator[Served]:
    with serving(app_over(made, own_data=own_folder)) as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that may neither fail nor break its own policy without a test seeing it."""
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "console",
        lambda message: complaints.append(message.text) if "Content Security" in message.text else None,
    )
    yield opened
    assert complaints == []
    assert opened.evaluate("window.broken") is None
