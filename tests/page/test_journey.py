"""The view of the journey: what was shown, clicked and bought, and what the lists of lately are like."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, expect

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.client import Client
from tests.page.served_page import Learned, Served, app_over, learned, serving

N_USERS = 6


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A recommender whose users were shown five items each, clicked one, and of whom half bought it."""
    with ThreadPoolExecutor(1) as elsewhere:  # a world of its own: other tests count in that of all
        made = elsewhere.submit(learned, tmp_path_factory.mktemp("walked")).result()
    with serving(app_over(made)) as served, Client(served.url, timeout_s=240.0) as client:
        for number in range(N_USERS):
            told = client.recommendations(user_id=f"walker{number}", k=5)
            types = ["click", "purchase"] if number % 2 else ["click"]
            about = {"user_id": f"walker{number}", "item_id": told.items[0].item_id}
            client.post_events([about | {"type": type_} for type_ in types])
        yield served


def test_each_step_is_told_by_segment_and_source(page: Page, walked: Served) -> None:
    page.goto(f"{walked.url}/#/journey")
    whole = page.locator("figure", has=page.get_by_role("heading", name="Everybody"))
    expect(whole.get_by_text("30", exact=True).first).to_be_visible()
    expect(whole).to_contain_text("6 (20 %)")
    expect(whole).to_contain_text("3 (10 %)")
    segments = page.locator("figure", has=page.get_by_role("heading", name="By segment"))
    segments.get_by_text("Table").focus()
    page.keyboard.press("Enter")
    row = segments.get_by_role("row").filter(has_text="cold")
    expect(row).to_contain_text("fewer than 5 events")
    expect(row).to_contain_text("50 %")
    expect(page.locator("figure", has=page.get_by_role("heading", name="By source"))).to_contain_text(
        "popular"
    )
    lists = page.locator("section", has=page.get_by_role("heading", name="Lists served lately"))
    expect(lists).to_contain_text("last 6 lists")
    expect(lists.locator("dt")).to_have_text(
        ["coverage at 10", "diversity at 10", "popularity bias at 10", "novelty at 10"]
    )
    expect(lists.locator("dd").filter(has_text="–")).to_have_count(0)


def test_before_anything_was_shown_that_is_said(page: Page, made: Learned) -> None:
    with serving(app_over(made, cache=MemoryCache(clock=time.time))) as served:
        page.goto(f"{served.url}/#/journey")
        expect(page.locator("main")).to_contain_text("Nothing was shown within a day")
        expect(page.locator("main")).to_contain_text("No lists yet")


def test_the_models_stand_beside_what_is_served(page: Page, walked: Served) -> None:
    page.goto(f"{walked.url}/#/models")
    expect(page.locator("main")).to_contain_text("No comparison opened")
    expect(page.get_by_role("heading", name="Lists served lately")).to_be_visible()
