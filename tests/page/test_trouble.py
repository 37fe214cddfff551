"""The page when something is amiss: named, never blank, never a stack trace."""

from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from dashboard.__main__ import page_app
from tests.driven_system import Down
from tests.page.conftest import PATIENCE_MS
from tests.page.served_page import Learned, app_over, serving

VIEWS = {
    "explore": "Explore",
    "live": "Live",
    "journey": "Journey",
    "items": "Items",
    "users": "Users",
    "experiments": "Experiments",
    "own": "Own data",
}


def says(page: Page, words: str) -> None:
    expect(page.locator("main")).to_contain_text(words)
    assert "Error:" not in page.locator("body").inner_text()
    assert "    at " not in page.locator("body").inner_text()


def test_a_recommender_that_goes_away_is_named_and_found_again(page: Page, made: Learned) -> None:
    with serving(app_over(made)) as served:
        page.goto(f"{served.url}/#/explore?user=u1")
        page.locator(".persona-user .offer").first.wait_for()
        for name in VIEWS.values():  # so that what each is made of is there
            page.get_by_role("link", name=name).click()
            page.get_by_role("heading", name=name).wait_for()
        page.get_by_role("link", name="Explore").click()
        page.locator(".persona-user .offer").first.wait_for()
    page.locator(".persona-user .offer").first.get_by_role("button", name="Choose").click()
    says(page, "The recommender does not answer")
    for name in VIEWS.values():
        page.get_by_role("link", name=name).click()
        says(page, "Nobody answers at 127.0.0.1")
        page.get_by_role("button", name="Try again").first.wait_for()
    expect(page.locator("#health")).to_have_text("no answer")
    page.get_by_role("link", name="Explore").click()
    says(page, "Nobody answers at 127.0.0.1")
    with serving(app_over(made), served.port):
        page.get_by_role("button", name="Try again").first.click()
        page.locator(".persona-user .offer").first.wait_for()
        expect(page.locator("#health")).not_to_have_text("no answer")


def test_alone_it_opens_while_everything_is_down(page: Page) -> None:
    with serving(page_app("http://127.0.0.1:9")) as served:  # where nobody listens
        for view in VIEWS:
            page.goto(f"{served.url}/#/{view}")
            says(page, "Nobody answers at 127.0.0.1:9")
        page.goto(f"{served.url}/docs")
        says(page, "openapi.json could not be read")


def test_alone_it_works_where_the_recommender_lets_it_in(page: Page, made: Learned, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("good-key\n")
    with (
        serving(app_over(made, keys, cors_origins=("*",))) as recommender,
        serving(page_app(recommender.url)) as served,
    ):
        page.goto(f"{served.url}/#/explore?user=u6")
        says(page, "A key is needed")
        page.get_by_role("button", name="Key", exact=True).click()
        page.get_by_role("dialog").get_by_label("Key").fill("good-key")
        page.get_by_role("button", name="Use it").click()
        page.locator(".persona-user .offer").first.get_by_role("button", name="Choose").click()
        page.locator(".persona-user[data-took-ms]").wait_for()
        page.goto(f"{served.url}/docs")
        page.locator(".operation").first.wait_for()


def test_parts_that_are_down_are_told(browser: Browser, made: Learned) -> None:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    with serving(app_over(made, cache=Down())) as served:
        page.goto(f"{served.url}/#/live")
        says(page, "The cache does not answer")
        page.goto(f"{served.url}/#/explore?user=u1")
        says(page, "A part does not answer: this is the best of what still works.")
    context.close()


def test_a_key_is_asked_for_refused_and_taken(page: Page, made: Learned, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("good-key\n")
    with serving(app_over(made, keys)) as served:
        for view in VIEWS:
            page.goto(f"{served.url}/#/{view}")
            says(page, "A key is needed")
        page.goto(f"{served.url}/#/explore?user=u1")
        for given, words in (
            ("wrong", "not one of its keys"),
            ("b\u00e4d \U0001f511", "characters that no key can have"),
            ("good-key", "Because of"),
        ):
            page.get_by_role("button", name="Key", exact=True).click()
            page.get_by_role("dialog").get_by_label("Key").fill(given)
            page.get_by_role("button", name="Use it").click()
            says(page, words)
        assert "good-key" not in page.url
        page.reload()
        says(page, "Because of")


def test_only_an_admin_hides_and_erases(page: Page, made: Learned, tmp_path: Path) -> None:
    admins = tmp_path / "admins"
    admins.write_text("root\n")
    with serving(app_over(made, None, admins)) as served:
        page.goto(f"{served.url}/#/items?item=i9")
        says(page, "Only an admin key can hide or delete it.")
        page.goto(f"{served.url}/#/users?user=u8")
        says(page, "Only an admin key can erase them.")
        page.get_by_role("button", name="Key", exact=True).click()
        page.get_by_role("dialog").get_by_label("Key").fill("root")
        page.get_by_role("button", name="Use it").click()
        page.get_by_role("button", name="Erase").click()
        page.get_by_label("Type the id to go on").fill("u7")
        page.get_by_role("dialog").get_by_role("button", name="Erase").click()
        expect(page.get_by_role("dialog")).to_contain_text("That is not the id.")
        page.get_by_label("Type the id to go on").fill("u8")
        page.get_by_role("dialog").get_by_role("button", name="Erase").click()
        says(page, "u8 is erased")
        page.goto(f"{served.url}/#/items?text=film 9&item=i9")
        page.get_by_role("button", name="Hide it").click()
        page.get_by_role("button", name="Show it again").wait_for()
        expect(page.locator(".results").first).to_contain_text("hidden")
        page.get_by_role("button", name="Show it again").click()
        page.get_by_role("button", name="Hide it").wait_for()
