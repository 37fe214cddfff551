"""Who may use the API."""

import os

import pytest

from tests.unit.recommender_server.conftest import Server

TARGET = "/v1/popular?k=1"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"X-API-Key": "wrong"}, 401),
        ({"X-API-Key": ""}, 401),
        ({"X-API-Key": "# a comment"}, 401),
        ({"Authorization": "Basic first"}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"X-API-Key": "first"}, 200),
        ({"Authorization": "Bearer second"}, 200),
        ({"Authorization": "bearer second"}, 200),
    ],
)
async def test_a_key_of_the_file_is_needed(server: Server, headers: dict[str, str], status: int) -> None:
    server.key_file.write_text("first\n\n  second  \n# a comment\n")
    answer = await server.guarded.call("GET", TARGET, headers=headers)
    assert answer.status == status
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_key_counts_as_soon_as_the_file_says_so_and_no_longer(server: Server) -> None:
    async def status_with(key: str) -> int:
        return (await server.guarded.call("GET", TARGET, headers={"X-API-Key": key})).status

    assert await status_with("key") == 401  # there is no file yet
    server.key_file.write_text("key")
    assert await status_with("key") == 200
    replacement = server.key_file.with_suffix(".new")
    replacement.write_text("other")
    os.replace(replacement, server.key_file)
    assert (await status_with("key"), await status_with("other")) == (401, 200)
    server.key_file.unlink()
    assert await status_with("other") == 401
    server.key_file.write_bytes(b"\xff\xfe")
    assert await status_with("other") == 401


async def test_health_and_documents_are_open(server: Server) -> None:
    for target in ("/health/live", "/health/ready", "/openapi.json", "/docs"):
        assert (await server.guarded.call("GET", target)).status == 200
    assert (await server.guarded.call("GET", "/v1/no/such/route")).status == 401
