"""HEAD, caching, pages of other origins, and a prefix before the paths."""

from collections.abc import AsyncIterator

import pytest

from recommender_server.app import Rules, create_app
from streamrec.web.api_keys import ApiKeys
from tests.asgi_client import Client
from tests.unit.recommender_server.conftest import Server

GETS = [
    "/health/live",
    "/health/ready",
    "/v1/popular",
    "/v1/trending",
    "/v1/latest",
    "/v1/recommendations?user_id=u",
    "/v1/users/u",
    "/",
    "/docs",
    "/page/main.js",
    "/openapi.json",
]

PREFLIGHT = {
    "Origin": "https://shop.example",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type,x-api-key",
}


@pytest.mark.parametrize("target", GETS)
async def test_head_is_get_without_the_body(server: Server, target: str) -> None:
    got, head = [await server.client.call(method, target) for method in ("GET", "HEAD")]
    assert (got.status, head.status, head.body) == (200, 200, b"")
    assert head.headers["content-length"] == str(len(got.body))
    assert head.headers["content-type"] == got.headers["content-type"]


async def test_head_of_what_can_not_be_got_is_refused_as_get_is(server: Server) -> None:
    assert (await server.client.call("HEAD", "/v1/events")).status == 405
    assert (await server.client.call("HEAD", "/v1/items/nothing")).status == 404


@pytest.mark.parametrize("target", GETS)
async def test_nothing_personal_is_kept_on_the_way(server: Server, target: str) -> None:
    kept = (await server.client.call("GET", target)).headers["cache-control"]
    assert kept == ("no-cache" if target in ("/", "/docs", "/page/main.js", "/openapi.json") else "no-store")


async def test_errors_are_not_kept_either(server: Server) -> None:
    for target in ("/v1/items/nothing", "/v1/popular?k=0", "/nowhere"):
        assert (await server.client.call("GET", target)).headers["cache-control"] == "no-store"


@pytest.fixture
async def open_to_shop(server: Server) -> AsyncIterator[Client]:
    server.key_file.write_text("key")
    rules = Rules(keys=ApiKeys(server.key_file), cors_origins=("https://shop.example",))
    client = Client(create_app(server.parts, rules))
    yield client
    await client.shut_down()


async def test_a_page_of_a_named_origin_may_ask_first_without_a_key(open_to_shop: Client) -> None:
    answer = await open_to_shop.call("OPTIONS", "/v1/events", headers=PREFLIGHT)
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "x-api-key" in answer.headers["access-control-allow-headers"].lower()


async def test_a_page_may_read_refusals_but_needs_the_key(open_to_shop: Client) -> None:
    answer = await open_to_shop.call("GET", "/v1/popular", headers={"Origin": "https://shop.example"})
    assert answer.status == 401
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    # An OPTIONS that no browser would send first is a request like any other.
    assert (await open_to_shop.call("OPTIONS", "/v1/events")).status == 401


async def test_other_origins_get_nothing(open_to_shop: Client, server: Server) -> None:
    headers = PREFLIGHT | {"Origin": "https://else.example"}
    assert (
        "access-control-allow-origin"
        not in (await open_to_shop.call("OPTIONS", "/v1/events", headers=headers)).headers
    )
    # By default no origin is let in.
    assert (
        "access-control-allow-origin"
        not in (
            await server.client.call("GET", "/v1/popular", headers={"Origin": "https://shop.example"})
        ).headers
    )


async def test_a_star_lets_every_origin_in(server: Server) -> None:
    client = Client(create_app(server.parts, Rules(cors_origins=("*",))))
    answer = await client.call("GET", "/v1/popular", headers={"Origin": "https://any.example"})
    await client.shut_down()
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("root", ["/rec", "/rec/", "/deep/er"])
async def test_paths_are_found_behind_a_prefix(server: Server, root: str) -> None:
    client = Client(create_app(server.parts, Rules(root_path=root)))
    prefix = root.rstrip("/")
    put = await client.call("PUT", f"{prefix}/v1/items/a%2Fb", json={"title": "slash"})
    got = await client.call("GET", f"{prefix}/v1/items/a%2Fb")
    without = await client.call("GET", "/v1/items/a%2Fb")
    encoded = await client.call("GET", f"{prefix}x/v1/items/a%2Fb")
    await client.shut_down()
    assert (put.status, got.status, without.status, encoded.status) == (204, 200, 200, 404)
    assert got.json["item_id"] == "a/b"


async def test_the_key_is_asked_for_behind_a_prefix(server: Server) -> None:
    server.key_file.write_text("key")
    client = Client(create_app(server.parts, Rules(keys=ApiKeys(server.key_file), root_path="/rec")))
    answer = await client.call("GET", "/rec/v1/popular")
    await client.shut_down()
    assert answer.status == 401


@pytest.mark.parametrize(("root", "told"), [("", "/"), ("/rec", "/rec"), ("/rec/", "/rec")])
async def test_the_document_names_the_prefix(server: Server, root: str, told: str) -> None:
    client = Client(create_app(server.parts, Rules(root_path=root)))
    assert (await client.call("GET", "/openapi.json")).json["servers"] == [{"url": told}]
    await client.shut_down()
