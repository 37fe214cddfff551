"""Own data on the page: a file is dropped, looked at and mapped, and a training is watched."""

import os
import time
from pathlib import Path

from playwright.sync_api import Page, expect

from streamrec.datasets.workspace import TrainingStatus
from tests.page.own_files import put_own_files
from tests.page.served_page import LIVE, Served

MARKUP = "<b>bold</b>"


def test_a_file_is_looked_at_mapped_and_removed(page: Page, served: Served, tmp_path: Path) -> None:
    rows = "\n".join(f"u{n % 9},p{n % 7},{1_700_000_000 + n * 60},{MARKUP}" for n in range(300))
    file = tmp_path / "my shop.csv"
    file.write_text(f"who,what,at,note\n{rows}\n")
    (tmp_path / "empty.csv").write_text("")
    page.goto(f"{served.url}/#/own")
    page.get_by_role("heading", name="Files").wait_for()
    page.locator("#own-input").set_input_files(tmp_path / "empty.csv")
    expect(page.locator("main")).to_contain_text("the file is empty")
    page.locator("#own-input").set_input_files(file)
    panel = page.get_by_label("my_shop.csv", exact=True)
    panel.wait_for()
    user = panel.get_by_label("Column of user_id in my_shop.csv")
    user.select_option("who")
    expect(user).to_have_value("who")
    panel.get_by_label("Column of item_id in my_shop.csv").select_option("what")
    expect(panel.get_by_label("Column of item_id in my_shop.csv")).to_have_value("what")
    expect(page.get_by_role("button", name="Train, and replace the live model")).to_be_visible()
    panel.get_by_text("The first rows").click()
    expect(panel.get_by_role("cell", name=MARKUP).first).to_be_visible()
    page.get_by_text("Train elsewhere instead").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="streamrec.toml").click()
    assert 'file = "my_shop.csv"' in Path(download.value.path()).read_text("utf-8")
    page.get_by_role("button", name="Train, and replace the live model").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"takes the place of {LIVE.generation}")
    expect(page.get_by_role("dialog")).to_contain_text("ml-100k")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Remove my_shop.csv").click()
    expect(page.get_by_role("button", name="Remove my_shop.csv")).to_have_count(0)


def test_a_training_is_watched_through_a_reload_until_its_end(
    page: Page, served: Served, own_folder: Path
) -> None:
    workspace = put_own_files(own_folder)
    now = time.time()
    status = TrainingStatus(
        "running", "Training", now, os.getpid(), None, as_challenger=False, done=2, total=5, messages=[MARKUP]
    )
    workspace.write_training(status)
    with workspace.training_alone():
        page.goto(f"{served.url}/#/own")
        expect(page.locator("main")).to_contain_text("Training: 40 %")
        expect(page.locator("#own-input")).to_have_count(0)
        page.reload()
        expect(page.locator("main")).to_contain_text("Training: 40 %")
        expect(page.locator("main pre")).to_have_text(MARKUP)
        page.get_by_role("link", name="Users").click()
        page.go_back()
        expect(page.get_by_role("button", name="Cancel")).to_be_visible()
        ended = TrainingStatus(
            "done", "Training", now, os.getpid(), None, as_challenger=False, ended_at=now + 9, generation="g2"
        )
        workspace.write_training(ended)
        expect(page.locator("main")).to_contain_text("g2 is live")
    expect(page.locator("#own-input")).to_have_count(1)
