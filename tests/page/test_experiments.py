"""The view of experiments: what came of them, what is missing, and what is done to them."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from streamrec.client import Client
from tests.page.conftest import PATIENCE_MS
from tests.page.served_page import Learned, Served, app_over, serving
from tests.page.tried_experiments import (
    ALONE,
    MIXED,
    N_USERS,
    N_WAVES,
    QUIET,
    RANKED,
    attributing,
    take_part,
    wait_for_users,
)
from tests.page.whole_views import look

N_LISTED = 200

EXPERIMENTS = {"ranked": RANKED, "mixed": MIXED, "quiet": QUIET, "alone": ALONE}


@pytest.fixture(scope="module")
def tried(made: Learned, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Experiments that have run: one with a winner, a mixed one, a quiet one, and one of one user."""
    with (
        serving(app_over(made)) as served,
        attributing(made.world, tmp_path_factory.mktemp("attributed")),
        Client(served.url, timeout_s=240.0) as client,
    ):
        for name, one in EXPERIMENTS.items():
            client.put_experiment(name, one)
        client.put_user("visitor0", attributes={"country": "alone"})
        time.sleep(1.0)  # every server knows of an experiment within a second
        for wave in range(N_WAVES):
            take_part(served.url, "ranked", wave * N_USERS, (wave + 1) * N_USERS)
            wait_for_users(client, "ranked", int(0.95 * N_USERS * (wave + 1)))
        yield served
        for name in EXPERIMENTS:
            client.stop_experiment(name)
            client.delete_experiment(name)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_view_is_whole(
    browser: Browser, tried: Served, width: int, theme: Literal["light", "dark"]
) -> None:
    viewport = {"width": width, "height": 900}
    context = browser.new_context(viewport=viewport, color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{tried.url}/#/experiments?id=ranked")
    page.locator(".experiment-charts path").first.wait_for(state="attached")
    look(page, "experiments", width, theme)
    page.goto(f"{tried.url}/#/experiments?id=mixed")
    page.get_by_role("heading", name="Mixed lists").wait_for()
    look(page, "experiments-mixed", width, theme)
    context.close()


def test_what_came_of_an_experiment_is_told_with_its_figures(page: Page, tried: Served) -> None:
    page.goto(f"{tried.url}/#/experiments?id=ranked")
    expect(page.locator(".verdict h2")).to_have_text("Ship equal")
    with Client(tried.url, timeout_s=240.0) as client:
        told = client.get_experiment("ranked").results
    assert told is not None
    compared = next(one for one in told["comparisons"] if one["metric"] == "clicks")
    assert compared["is_significant"]
    row = page.get_by_role("row").filter(has_text="equal").filter(has_text="significant").first
    expect(row).to_contain_text(f"{compared['uplift']:+.3f}".rstrip("0"))
    chart = page.locator("figure", has=page.get_by_role("heading", name="equal: uplift in clicks a user"))
    chart.get_by_text("Table").focus()
    page.keyboard.press("Enter")
    expect(chart.locator("tbody tr")).to_have_count(len(compared["sequence"]))
    variants = page.get_by_role("region", name="Who gets what")
    expect(variants.get_by_role("row").filter(has_text="(control)")).to_contain_text("50 %")
    expect(page.get_by_role("region", name="Guardrails")).to_contain_text("kept")
    page.get_by_label("Uplift in", exact=True).select_option("ctr")
    expect(page.get_by_role("heading", name="equal: uplift in click rate of lists")).to_be_visible()
    expect(page.locator(".intervals li").first).to_contain_text("pp")


def test_without_traffic_or_results_that_is_said(page: Page, tried: Served) -> None:
    page.goto(f"{tried.url}/#/experiments")
    expect(page.locator("main")).to_contain_text("No experiment chosen")
    page.goto(f"{tried.url}/#/experiments?id=quiet")
    expect(page.locator(".experiment-now, .experiment-verdict").get_by_text("yet").first).to_be_visible()
    page.goto(f"{tried.url}/#/experiments?id=alone")
    expect(page.locator(".detail h2").first).to_have_text("alone")
    expect(page.get_by_role("region", name="Who gets what")).to_contain_text("other")
    for odd in ("nobody", "..", "%3Cscript%3Ewindow.broken=1%3C/script%3E", "x" * 5000):
        page.goto(f"{tried.url}/#/experiments?id={odd}&state=%3Cb%3E")
        expect(page.locator("main .detail .state").first).to_be_visible()


def test_one_is_found_among_many_ramped_and_stopped(page: Page, tried: Served) -> None:
    client = Client(tried.url, timeout_s=240.0)
    for number in range(N_LISTED):
        client.put_experiment(f"many-{number}", RANKED | {"state": "draft"})
    alike = [{"name": "as-is"}, {"name": "alike"}]
    client.put_experiment("one-that-runs", RANKED | {"layer": "many", "variants": alike})
    page.goto(f"{tried.url}/#/experiments")
    listed = page.locator(".results li")
    expect(listed).to_have_count(N_LISTED + 5)
    page.get_by_role("searchbox", name="Search").fill("MANY-17")
    expect(listed).to_have_count(11)
    page.get_by_label("State", exact=True).select_option("stopped")
    expect(page.locator(".results")).to_contain_text("No such experiment")
    page.get_by_label("State", exact=True).select_option("draft")
    page.get_by_role("button", name="many-170").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".experiment-now")).to_contain_text("nobody takes part in a draft")
    expect(page.get_by_role("button", name="Ramp")).to_have_count(0)
    page.get_by_role("searchbox", name="Search").fill("one-that")
    page.get_by_label("State", exact=True).select_option("running")
    page.get_by_role("button", name="one-that-runs").click()
    page.get_by_role("button", name="Ramp").click()
    dialog = page.get_by_role("dialog")
    for wrong in ("", "many", "101", "-1", "NaN"):
        dialog.get_by_label("Percent").fill(wrong)
        dialog.get_by_role("button", name="Ramp").click()
        expect(dialog).to_contain_text("no number from 0 to 100")
    dialog.get_by_label("Percent").fill("2.5")
    dialog.get_by_role("button", name="Ramp").click()
    expect(page.locator(".experiment-head")).to_contain_text("2.5 % of the slice")
    page.get_by_role("button", name="Stop").click()
    dialog.get_by_label("Reason").fill("<b>enough</b>")
    dialog.get_by_role("button", name="Stop").click()
    expect(page.locator(".experiment-head")).to_contain_text("by admin: <b>enough</b>")
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    page.get_by_label("State", exact=True).select_option("stopped")
    expect(listed).to_have_count(1)
    for number in range(N_LISTED):
        client.delete_experiment(f"many-{number}")
    client.delete_experiment("one-that-runs")
    client.close()


def test_an_admin_key_is_asked_for(page: Page, made: Learned, tmp_path: Path) -> None:
    admins = tmp_path / "admins"
    admins.write_text("root\n")
    with serving(app_over(made, None, admins)) as served:
        page.goto(f"{served.url}/#/experiments")
        page.get_by_role("button", name="Enter a key").first.click()
        page.get_by_role("dialog").get_by_label("Key").fill("root")
        page.get_by_role("button", name="Use it").click()
        expect(page.locator("main")).to_contain_text("No experiment chosen")
