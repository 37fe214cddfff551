"""Files of the page as a browser gets them."""

import gzip
import re
from pathlib import Path

import pytest
import typer

from dashboard import PAGES
from dashboard.__main__ import page_app
from recommender_server import app as recommender_app
from streamrec.web import problems
from streamrec.web.paths import RawPathApp
from streamrec.web.static_files import StaticFiles, add_pages
from tests.asgi_client import Client

FOLDER = Path(__file__).parents[3] / "dashboard/static"
NAMES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file())


@pytest.fixture
def client() -> Client:
    app = RawPathApp()
    problems.install(app)
    add_pages(app, StaticFiles(PAGES))
    return Client(app)


async def test_every_file_is_answered_as_what_it_is(client: Client) -> None:
    types = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    for name in NAMES:
        answer = await client.call("GET", f"/page/{name}")
        assert answer.status == 200
        assert answer.body == (FOLDER / name).read_bytes()
        assert answer.headers["content-type"].startswith(types[name.rpartition(".")[2]])
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert recommender_app.PAGES == PAGES


async def test_a_browser_that_has_a_file_is_told_so(client: Client) -> None:
    first = await client.call("GET", "/page/main.js")
    again = await client.call("GET", "/page/main.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert first.headers["cache-control"] == again.headers["cache-control"] == "no-cache"
    other = await client.call("GET", "/page/main.js", headers={"If-None-Match": '"other"'})
    assert other.status == 200


async def test_files_are_packed_for_who_takes_it(client: Client) -> None:
    packed = await client.call("GET", "/", headers={"Accept-Encoding": "br, gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == (FOLDER / "index.html").read_bytes()
    assert "content-encoding" not in (await client.call("GET", "/")).headers


@pytest.mark.parametrize(
    "name", ["nothing.js", "..%2Fpy.typed", "%2e%2e%2fpy.typed", "main.js%00", "<script>"]
)
async def test_nothing_else_is_answered(client: Client, name: str) -> None:
    answer = await client.call("GET", f"/page/{name}")
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_the_policy_lets_no_script_of_others_in(client: Client) -> None:
    policy = (await client.call("GET", "/docs")).headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", NAMES)
def test_pages_point_beside_themselves_and_make_no_markup_of_data(name: str) -> None:
    text = (FOLDER / name).read_text("utf-8")
    assert "http://" not in text.replace("http://www.w3.org/", "")  # the names of SVG's elements
    assert "https://" not in text
    assert not re.search(r'(?:href|src)="/', text)
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text
    )
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=\"|\sstyle=", text)


async def test_alone_it_asks_the_recommender_that_it_is_told() -> None:
    client = Client(page_app("https://rec.example:8443/api"))
    answer = await client.call("GET", "/")
    assert b'<meta name="streamrec-api" content="https://rec.example:8443/api">' in answer.body
    assert "connect-src https://rec.example:8443;" in answer.headers["content-security-policy"]
    assert (await client.call("GET", "/v1/status")).status == 404


@pytest.mark.parametrize(
    "api", ["", "127.0.0.1:8000", "ftp://x", "http://", "http://a/?q", "http://a;b", "http://[x"]
)
def test_an_address_that_is_none_is_named(api: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no URL"):
        page_app(api)
