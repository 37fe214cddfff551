"""Bodies that are packed or marked, and queries that are not UTF-8."""

import gzip
import zlib

import pytest

from streamrec.ports import INTERACTIONS
from tests.unit.recommender_server.conftest import MAX_BODY_BYTES, Server

JSON = {"Content-Type": "application/json"}
EVENT = b'{"user_id": "packed", "item_id": "i1"}'
ITEMS = b'[{"item_id": "i1", "title": "packed"}]'


def packed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def encoded(encoding: str) -> dict[str, str]:
    return {**JSON, "Content-Encoding": encoding}


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (packed(EVENT), "gzip"),
        (packed(EVENT), " GZIP "),
        (packed(EVENT), "x-gzip"),
        (packed(EVENT[:9]) + packed(EVENT[9:]), "gzip"),
        (EVENT, "identity"),
        (EVENT, ""),
        (b"\xef\xbb\xbf" + EVENT, "identity"),
        (packed(b"\xef\xbb\xbf" + EVENT), "gzip"),
    ],
)
async def test_a_body_is_read_as_its_header_says(server: Server, body: bytes, encoding: str) -> None:
    answer = await server.client.call("POST", "/v1/events", body, headers=encoded(encoding))
    assert answer.status == 202, answer.body
    assert server.log.end_offset(INTERACTIONS) == 1


async def test_items_may_be_packed_as_well(server: Server) -> None:
    answer = await server.client.call("PUT", "/v1/items", packed(ITEMS), headers=encoded("gzip"))
    assert answer.status == 204
    assert (await server.client.call("GET", "/v1/items/i1")).json["title"] == "packed"


@pytest.mark.parametrize(
    ("body", "encoding", "status", "words"),
    [
        (EVENT, "br", 415, "Content-Encoding 'br'"),
        (EVENT, "zstd", 415, "Content-Encoding 'zstd'"),
        (zlib.compress(EVENT), "deflate", 415, "Content-Encoding 'deflate'"),
        (packed(EVENT), "gzip, gzip", 415, "Content-Encoding"),
        (EVENT, "gzip", 400, "not gzip, as it claims"),
        (packed(EVENT)[:-9], "gzip", 400, "breaks off"),
        (packed(EVENT) + b"more", "gzip", 400, "not gzip"),
        (packed(b" " * MAX_BODY_BYTES * 1000), "gzip", 413, "at most"),
        (packed(b" " * MAX_BODY_BYTES) * 2, "gzip", 413, "at most"),
        (packed(b"") * 400, "gzip", 400, "not JSON"),
        (b"", "gzip", 400, "not JSON"),
        (EVENT.decode().encode("utf-16"), "identity", 400, "UTF-16"),
        (EVENT.decode().encode("utf-16-be"), "identity", 400, "not JSON"),
    ],
)
async def test_what_can_not_be_read_is_named(
    server: Server, body: bytes, encoding: str, status: int, words: str
) -> None:
    for method, target in (("POST", "/v1/events"), ("PUT", "/v1/items"), ("PUT", "/v1/users/u")):
        answer = await server.client.call(method, target, body, headers=encoded(encoding))
        assert answer.status == status, answer.body
        assert words in answer.json["detail"]
    assert server.log.end_offset(INTERACTIONS) == 0


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("/v1/recommendations?user_id=na%EFve", "user_id"),
        ("/v1/recommendations?item_id=%ff", "item_id"),
        ("/v1/recommendations?k=3&exclude_ids=%C3%28", "exclude_ids"),
        ("/v1/recommendations?only_ids=a&only_ids=%e2%82", "only_ids"),
        ("/v1/recommendations?category=%FF", "category"),
        ("/v1/recommendations?user_id=%ED%A0%80", "user_id"),  # a surrogate is no character
        ("/v1/popular?category=%FF", "category"),
        ("/v1/users?prefix=%FF", "prefix"),
        ("/v1/items/i1/similar?exclude_ids=%FF", "exclude_ids"),
        ("/v1/users/u/similar?k=%FF", "k"),
        ("/v1/recommendations?%FF=1", "%FF"),
        ("/v1/recommendations?user_id=na\xefve", "user_id"),
    ],
)
async def test_a_query_that_is_not_utf8_names_its_parameter(server: Server, target: str, name: str) -> None:
    answer = await server.client.call("GET", target)
    assert answer.status == 400, answer.body
    assert f"'{name}'" in answer.json["detail"]


async def test_a_query_that_is_utf8_is_read(server: Server) -> None:
    for spelled in ("na%C3%AFve", "na\xc3\xafve"):
        target = f"/v1/recommendations?user_id={spelled}"
        assert (await server.client.call("GET", target)).status == 200


async def test_a_key_file_may_begin_with_a_mark(server: Server) -> None:
    server.key_file.write_bytes(b"\xef\xbb\xbfkey-a\r\nkey-b\r\n")
    for key in ("key-a", "key-b"):
        assert (await server.guarded.call("GET", "/v1/popular", headers={"X-API-Key": key})).status == 200
