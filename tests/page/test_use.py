"""The page in use: choosing, walking, the keyboard, the API's page."""

from urllib.parse import quote

from playwright.sync_api import Page, expect

from streamrec.client import Client
from tests.page.served_page import ODD_ITEM, ODD_USER, SCRIPT, Served


def titles(page: Page, who: str = "user") -> list[str]:
    return page.locator(f".persona-{who} .offer .title").all_inner_texts()


def opened(page: Page, served: Served, user: str) -> None:
    page.goto(f"{served.url}/#/explore?user={quote(user, safe='')}")
    page.locator(".persona-user .offer").first.wait_for()
    page.locator(".persona-newcomer .offer").first.wait_for()


def test_a_choice_changes_the_list_and_tells_how_long_that_took(page: Page, served: Served) -> None:
    opened(page, served, "u2")
    before = titles(page)
    page.locator(".persona-user").get_by_role("button", name=f"Choose {before[0]}").click()
    page.locator(".persona-user[data-took-ms]").wait_for()
    assert before[0] not in titles(page)
    assert before[0] in page.locator(".persona-user .chosen").inner_text()
    expect(page.locator(".persona-user .took")).to_contain_text("ms from the click to the new list")
    assert 0 < float(page.locator(".persona-user").get_attribute("data-took-ms") or 0) < 30_000
    with Client(served.url, timeout_s=60.0) as client:  # whoever asks elsewhere is told the same
        assert before[0] not in [item.title for item in client.recommendations(user_id="u2", k=100).items]


def test_somebody_new_has_a_list_of_their_own_at_the_first_choice(page: Page, served: Served) -> None:
    opened(page, served, "u3")
    before = titles(page, "newcomer")
    page.locator(".persona-newcomer .offer").first.get_by_role("button", name="Choose").click()
    page.locator(".persona-newcomer[data-took-ms]").wait_for()
    assert before[0] not in titles(page, "newcomer")
    expect(page.locator(".persona-newcomer .reason").first).to_contain_text("Because of")
    # What is not liked is not offered again either.
    second = titles(page, "newcomer")[0]
    page.locator(".persona-newcomer").get_by_role("button", name=f"Do not like {second}", exact=True).click()
    expect(page.locator(".persona-newcomer .offer .title").get_by_text(second, exact=True)).to_have_count(0)


def test_what_was_chosen_is_taken_back_and_less_is_asked_for(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/#/explore?user=u5")
    offers = page.locator(".persona-user .offer")
    offers.first.wait_for()
    chosen = offers.first.locator(".title").inner_text()
    page.locator(".persona-user").get_by_role("button", name=f"Choose {chosen}", exact=True).click()
    back = page.locator(".persona-user .chosen").get_by_role("button", name=f"Take back {chosen}", exact=True)
    back.click()
    expect(back).to_have_count(0)
    expect(offers.locator(".title").get_by_text(chosen, exact=True)).to_have_count(1)
    less = offers.nth(1).locator(".title").inner_text()
    page.locator(".persona-user").get_by_role("button", name=f"Less like {less}", exact=True).click()
    expect(offers.locator(".title").get_by_text(less, exact=True)).to_have_count(0)


def test_settings_shape_the_list_and_stand_in_the_address(page: Page, served: Served) -> None:
    opened(page, served, "u4")
    page.get_by_label("Length").fill("3")
    expect(page.locator(".persona-user .offer")).to_have_count(3)
    page.get_by_label("Only of category").fill("Comedy")
    page.get_by_label("Only of category").press("Tab")
    expect(page.locator(".persona-user .offer").filter(has_not_text="Comedy")).to_have_count(0)
    assert "k=3" in page.url
    assert "category=Comedy" in page.url
    page.reload()
    page.locator(".persona-user .offer").first.wait_for()
    expect(page.get_by_label("Length")).to_have_value("3")
    expect(page.locator(".persona-user .offer").filter(has_not_text="Comedy")).to_have_count(0)
    page.get_by_label("Only of category").fill("")
    page.get_by_label("Filter").fill("year")
    page.get_by_label("Filter").press("Tab")
    expect(page.locator(".persona-user [role=alert]")).to_contain_text("expected is one of")
    page.get_by_label("Filter").fill("")
    page.get_by_label("Only of category").fill("no such category")
    page.get_by_label("Only of category").press("Tab")
    expect(page.locator(".persona-user .list")).to_contain_text("No item of this category is left")


def test_the_back_button_goes_back_in_the_middle_of_everything(page: Page, served: Served) -> None:
    opened(page, served, "u1")
    page.locator(".persona-user .offer .title").first.click()
    expect(page.locator("#similar-title")).to_contain_text("Similar to")
    page.locator(".cards .title").first.click()
    page.get_by_role("link", name="Live").click()
    page.go_back()  # before Live has its figures
    page.locator(".persona-user .offer").first.wait_for()
    expect(page.locator("#similar-title")).to_contain_text("Similar to")
    page.go_back()
    page.go_back()
    expect(page.locator("#similar-title")).to_have_text("Similar items")
    assert page.locator(".persona-user .offer").count() > 3
    page.get_by_role("link", name="Users").click()
    page.go_back()
    page.go_forward()
    expect(page.get_by_role("heading", name="Users")).to_be_visible()


def test_exposures_and_choices_of_an_item_are_told(page: Page, served: Served) -> None:
    opened(page, served, "u7")
    title = titles(page)[0]
    page.locator(".persona-user").get_by_role("button", name=f"Choose {title}", exact=True).click()
    page.locator(".persona-user[data-took-ms]").wait_for()
    expect(page.locator(".persona-user .chosen")).to_contain_text(title)
    page.goto(f"{served.url}/#/items?text={quote(title, safe='')}")
    page.locator(".results li button").first.click()
    place = page.locator(".exposures")
    # Counted every ten seconds: asked again until they are there.
    while place.get_by_text("interaction").count() == 0:
        page.wait_for_timeout(1000)
        page.reload()
        place.get_by_text("last 24 hours").wait_for()
        place.locator(".state[aria-busy]").wait_for(state="detached")
    expect(place).to_contain_text("Chosen by them within an hour")
    expect(place).to_contain_text("95 %")
    place.get_by_text("Table").click()
    expect(place.locator("tbody tr")).to_have_count(24)


def test_a_user_is_found_by_a_title_that_they_chose(page: Page, served: Served) -> None:
    opened(page, served, "u3")
    box = page.get_by_role("combobox", name="User")
    box.fill("scRipt>window")
    found = page.locator(".choosers")
    title = found.get_by_role("button", name=SCRIPT)
    title.wait_for()
    with Client(served.url, timeout_s=60.0) as client:
        users = client.item_users(ODD_ITEM, limit=100).users
    assert users
    title.focus()
    page.keyboard.press("Enter")
    listed = found.locator(".people li button")
    listed.first.wait_for()
    assert listed.all_inner_texts() == [user.user_id for user in users]
    listed.last.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".persona-user h2 .id")).to_have_text(users[-1].user_id)
    expect(found).to_be_hidden()
    box.fill("Film 39")  # nobody has chosen it
    found.get_by_role("button", name="Film 39").click()
    expect(found.locator(".people")).to_contain_text("Nobody")
    box.fill("no such title")
    expect(found).to_be_hidden()


def test_what_was_shown_to_a_user_and_what_they_did_is_told(page: Page, served: Served) -> None:
    opened(page, served, "u8")
    listed = titles(page)
    title = listed[1]
    page.locator(".persona-user").get_by_role("button", name=f"Choose {title}", exact=True).click()
    page.locator(".persona-user[data-took-ms]").wait_for()
    page.goto(f"{served.url}/#/users?user=u8")
    steps = page.locator(".steps-taken")
    chosen = steps.locator("tr", has_text="chose (interaction)")
    expect(chosen).to_contain_text(title)
    expect(chosen).to_contain_text("after it was shown")
    expect(steps.locator("dl")).to_contain_text("Choices1")
    shown = steps.locator("tr", has_text="was shown a list").last
    shown.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(shown.locator("a").last).to_be_visible()
    assert shown.locator("a").all_inner_texts() == listed[:10]
    page.goto(f"{served.url}/#/explore?user=u8")
    page.locator(".persona-user .offer").first.wait_for()
    page.goto(f"{served.url}/#/users?user=u8")
    expect(steps.locator("tbody tr").nth(3)).to_be_visible()
    # Somebody of whom nothing is learned has steps as well, and one who was never here has none.
    page.goto(f"{served.url}/#/explore?user=passer-by")
    page.locator(".persona-user .offer").first.wait_for()
    page.goto(f"{served.url}/#/users?user=passer-by")
    expect(steps.locator("tbody tr").first).to_contain_text("was shown a list")
    page.goto(f"{served.url}/#/users?user=never-here")
    expect(page.locator(".detail .state")).to_contain_text("Nothing is known of them")
    expect(steps.locator("tr")).to_have_count(0)


def test_odd_ids_and_titles_are_shown_as_what_they_are(page: Page, served: Served) -> None:
    opened(page, served, ODD_USER)
    expect(page.locator(".persona-user h2 .id")).to_have_text(ODD_USER)
    page.goto(f"{served.url}/#/items?item={quote(ODD_ITEM, safe='')}")
    expect(page.locator(".detail h2").first).to_have_text(SCRIPT)
    page.goto(f"{served.url}/#/users?user={quote(ODD_USER, safe='')}")
    page.locator(".detail .chosen li").first.wait_for()
    for user in ("..", "x" * 10_000, "nobody", "%", "\u202e\u0000"):
        page.goto(f"{served.url}/#/users?user={quote(user, safe='')}")
        expect(page.locator(".detail .state")).to_be_visible()
    page.goto(f"{served.url}/#/explore?user={'x' * 10_000}&k=nonsense&diversity=9e9&item=..")
    expect(page.locator(".persona-user [role=alert]").first).to_be_visible()
    page.goto(f"{served.url}/#/<script>?=&&=%zz")
    page.get_by_role("heading", name="Explore").wait_for()


def test_all_of_it_works_by_keyboard(page: Page, served: Served) -> None:
    opened(page, served, "u5")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.get_by_role("combobox", name="User").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("u6")
    page.keyboard.press("Enter")
    expect(page.locator(".persona-user h2 .id")).to_have_text("u6")
    page.locator(".persona-user .offer").first.wait_for()
    first = page.locator(".persona-user .offer-acts button").first
    first.focus()
    page.keyboard.press("Enter")
    page.locator(".persona-user[data-took-ms]").wait_for()
    # The next choice is at hand: the focus is on the first item of the new list.
    assert page.evaluate("document.activeElement.textContent") == "Choose"


def test_every_method_can_be_sent_from_the_apis_page(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/docs")
    page.locator(".operation").first.wait_for()

    def form_of(method: str, path: str) -> None:
        entry = page.locator("details.operation", has_text=method).filter(
            has=page.get_by_text(path, exact=True)
        )
        entry.locator("summary").click()
        page.locator("details[open]").wait_for()

    def answered(words: str) -> None:
        expect(page.locator("details[open] .answer")).to_contain_text(words)
        page.locator("details[open] > summary").click()

    form_of("POST", "/v1/events")
    page.get_by_role("button", name="Send POST").click()
    answered("202")
    form_of("PUT", "/v1/items/{item_id}")
    page.locator("details[open]").get_by_label("item_id").fill("made/here")
    page.get_by_role("button", name="Send PUT").click()
    answered("204")
    form_of("GET", "/v1/items/{item_id}")
    page.locator("details[open]").get_by_label("item_id").fill("made/here")
    page.get_by_role("button", name="Send GET").click()
    answered("A film")
    form_of("DELETE", "/v1/items/{item_id}")
    page.locator("details[open]").get_by_label("item_id").fill("made/here")
    page.get_by_role("button", name="Send DELETE").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    answered("204")
    form_of("GET", "/v1/recommendations")
    expect(page.locator("details[open]")).to_contain_text(
        "0: the best, however similar; 1: the least similar"
    )
