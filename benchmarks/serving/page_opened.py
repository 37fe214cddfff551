"""The page over a whole system, with its stream running, as a browser and the recommender see it.

1. First view: from the address to the first item of a list, in browsers that were never there and others.
2. From a click on Choose to the new list, as the page itself tells it.
3. Share of a core that the recommender works, with a page open and without one, in turns.

``python -m benchmarks.serving.page_opened --json FILE``; wants MovieLens-100K in var/data, and Chromium.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import psutil
import typer
from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console

from benchmarks import results_file
from streamrec.cli.service_call import Service
from streamrec.errors import StreamrecError

Result = dict[str, Any]

_FIRST_OFFER = ".persona-user .offer"
_PATIENCE_S = 900.0
_ROUND_S = 12.0
_PAGE_MS = 120_000
_USER = "178"


@contextmanager
def running(rate: float, port: int) -> Iterator[psutil.Process]:
    """Run everything in a folder of its own until the block ends; yield the process that makes lists."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree("var/data", Path(folder) / "var/data")
        variables = {
            "RECOMMENDER_PORT": str(port),
            "INDEX_PORT": str(port + 1),
            "PYTHONPATH": str(Path.cwd()),
        }
        command = [sys.executable, "-m", "streamrec", "run", "--dataset", "ml-100k", "--rate", str(rate)]
        with (Path(folder) / "screen.txt").open("wb") as screen:
            system = subprocess.Popen(
                command, cwd=folder, env=os.environ | variables, stdout=screen, stderr=screen
            )
        try:
            _wait_for(lambda: _is_personal(port), system)
            yield _recommender(system.pid)
        finally:
            system.send_signal(signal.SIGINT)
            system.wait(timeout=_PATIENCE_S)


def _is_personal(port: int) -> bool:
    try:
        answer = Service(f"http://127.0.0.1:{port}").get(f"/v1/recommendations?user_id={_USER}")
    except StreamrecError:
        return False
    return bool(answer["based_on"] == "user_id")


def _wait_for(is_true: Callable[[], bool], system: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not is_true():
        if system.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the system did not start")
        time.sleep(0.5)


def _recommender(pid: int) -> psutil.Process:
    """Return the worker of the recommender: the last of those whose command names it."""
    children = psutil.Process(pid).children(recursive=True)
    return [one for one in children if any("recommender_server" in part for part in one.cmdline())][-1]


def first_views(launch: Callable[[], Browser], url: str, n: int) -> Result:
    """Return the seconds until the first item stands there, of new browsers and of ones that were there."""
    cold, warm = [], []
    for _ in range(n):
        browser = launch()
        page = browser.new_page()
        page.set_default_timeout(_PAGE_MS)
        cold.append(_seconds_of(page, lambda: page.goto(url)))  # noqa: B023 - called at once
        warm.append(_seconds_of(page, lambda: page.reload()))  # noqa: B023
        browser.close()
    return {"cold_s": _percentiles(cold), "warm_s": _percentiles(warm)}


def _seconds_of(page: Page, look: Callable[[], object]) -> float:
    started = time.perf_counter()
    look()
    page.locator(_FIRST_OFFER).first.wait_for()
    return time.perf_counter() - started


def clicks(page: Page, url: str, n: int) -> Result:
    """Return the milliseconds from a click to the new list, as the page measures them."""
    page.goto(url)
    taken: list[float] = []
    for _ in range(n):
        page.locator(_FIRST_OFFER).first.wait_for()
        page.evaluate("document.querySelector('.persona-user').removeAttribute('data-took-ms')")
        page.locator(_FIRST_OFFER).first.get_by_role("button", name="Choose").click()
        page.locator(".persona-user[data-took-ms]").wait_for()
        taken.append(float(page.locator(".persona-user").get_attribute("data-took-ms") or "nan"))
    return _percentiles(taken)


def cost(page: Page, url: str, recommender: psutil.Process, n_rounds: int) -> Result:
    """Return the share of a core that the recommender works while a page shows Live, and without one.

    What it works for the page it does not work for lists: so much of its throughput a page costs. Under load
    the difference would drown in what the load itself varies by.
    """
    found: dict[str, list[float]] = {"closed": [], "open": []}
    for number in range(2 * n_rounds):
        kind = ("closed", "open", "open", "closed")[number % 4]
        page.goto(f"{url}/#/live" if kind == "open" else "about:blank")
        time.sleep(3.0)  # what opening it costs is of the first view
        before, started = _processor_s(recommender), time.perf_counter()
        time.sleep(_ROUND_S)
        found[kind].append((_processor_s(recommender) - before) / (time.perf_counter() - started))
    means = {kind: float(np.mean(shares)) for kind, shares in found.items()}
    return {f"{kind}_cores": round(share, 5) for kind, share in means.items()} | {
        "share_of_page": round(means["open"] - means["closed"], 5)
    }


def _processor_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _percentiles(values: list[float]) -> Result:
    return {"n": len(values)} | {f"p{n}": round(float(np.percentile(values, n)), 3) for n in (50, 95)}


def main(
    json_path: Annotated[Path, typer.Option("--json", help="Where the figures go.")] = Path(
        "benchmarks/results/page_opened.json"
    ),
    rate: Annotated[float, typer.Option(help="Events a second of the stream.")] = 100.0,
    port: int = 18300,
    n_views: int = 5,
    n_clicks: int = 60,
    n_rounds: Annotated[int, typer.Option(min=1, help="With the page open, and as many without.")] = 6,
) -> None:
    """Measure and print."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    url = f"http://127.0.0.1:{port}"
    explore = f"{url}/#/explore?user={_USER}"
    with running(rate, port) as recommender, sync_playwright() as playwright:

        def launch() -> Browser:
            return playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
            )

        result: Result = {"stream_per_s": rate, "first_view": first_views(launch, explore, n_views)}
        browser = launch()
        page = browser.new_page()
        page.set_default_timeout(_PAGE_MS)
        result["click_ms"] = clicks(page, explore, n_clicks)
        result["cost"] = cost(page, url, recommender, n_rounds)
        browser.close()
    Console().print(result)
    results_file.write(json_path, result)


if __name__ == "__main__":
    typer.run(main)
