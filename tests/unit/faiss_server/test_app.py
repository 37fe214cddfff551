import gzip
from pathlib import Path

import msgspec
import numpy as np
import pytest
from falcon import testing

from faiss_server.app import Rules, create_app
from faiss_server.generations import Generation, Generations
from streamrec.adapters.faiss.index import FaissIndex
from streamrec.index_protocol import (
    VectorsMessage,
    VectorsQueryMessage,
    decode_answers,
    decode_vectors,
    encode_queries,
    encode_vectors_query,
)
from streamrec.ports import ById, ByVector, IndexQuery
from streamrec.telemetry import NullMetrics
from streamrec.web.api_keys import ApiKeys

D = 3
ITEMS: dict[str, list[float]] = {"a/b": [1, 0, 0], "ü": [0.8, 0.1, 0], "c": [0, 1, 0], "50%": [-1, 0, 0]}
MSGPACK = {"Content-Type": "application/msgpack"}


def an_index(items: dict[str, list[float]]) -> FaissIndex:
    index = FaissIndex(D)
    index.upsert(list(items), np.array(list(items.values()), np.float32))
    return index


@pytest.fixture
def generations() -> Generations:
    served = Generations()
    served.make_current(Generation("old", an_index({"only": [1, 1, 1]})))
    served.make_current(Generation("new", an_index(ITEMS)))
    return served


@pytest.fixture
def client(generations: Generations) -> testing.TestClient:
    return testing.TestClient(create_app(generations, NullMetrics(), Rules(max_body_bytes=10_000)))


def ids_of(items: list[dict[str, object]]) -> list[object]:
    return [item["item_id"] for item in items]


def assert_problem(result: testing.Result, status: int) -> None:
    assert result.status_code == status
    assert result.headers["content-type"] == "application/problem+json"
    assert result.json["status"] == status
    assert result.json["title"]


def test_a_search_by_vectors(client: testing.TestClient) -> None:
    body = {"vectors": [[1, 0, 0], [0, 1, 0.0]], "k": 2, "exclude": [["a/b"], []]}
    result = client.simulate_post("/v1/search", json=body)
    assert result.status_code == 200
    assert result.json["generation"] == "new"
    assert [ids_of(items) for items in result.json["results"]] == [["ü", "c"], ["c", "ü"]]
    assert result.json["results"][1][0]["score"] == 1.0
    assert result.json["missing"] == []


def test_a_search_by_items_lists_the_missing(client: testing.TestClient) -> None:
    result = client.simulate_post("/v1/search", json={"item_ids": ["a/b", "nobody", "c"], "k": 1})
    assert [ids_of(items) for items in result.json["results"]] == [["ü"], [], ["ü"]]
    assert result.json["missing"] == ["nobody"]


def test_an_empty_search_is_answered(client: testing.TestClient) -> None:
    assert client.simulate_post("/v1/search", json={"vectors": []}).json["results"] == []


def test_the_generation_named_answers(client: testing.TestClient) -> None:
    result = client.simulate_post("/v1/search", json={"vectors": [[1, 0, 0]], "generation": "old"})
    assert result.json["generation"] == "old"
    assert ids_of(result.json["results"][0]) == ["only"]
    assert_problem(
        client.simulate_post("/v1/search", json={"vectors": [[1, 0, 0]], "generation": "lost"}), 404
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"vectors": [[1, 2, 3]], "item_ids": ["c"]}',
        b'{"vectors": [[1, 2]]}',
        b'{"vectors": [[1, 2, 3, 4]]}',
        b'{"vectors": [[]]}',
        b'{"vectors": [[1, 2, NaN]]}',
        b'{"vectors": [[1, 2, 1e39]]}',
        b'{"vectors": [[1, 2, 1e999]]}',
        b'{"vectors": [[1, 2, "3"]]}',
        b'{"vectors": [1, 2, 3]}',
        b'{"vectors": [[1, 2, 3]], "k": 0}',
        b'{"vectors": [[1, 2, 3]], "k": 1001}',
        b'{"vectors": [[1, 2, 3]], "k": 2.5}',
        b'{"vectors": [[1, 2, 3]], "k": "ten"}',
        b'{"vectors": [[1, 2, 3]], "k": 100000000000000000000000}',
        b'{"vectors": [[1, 2, 3]], "exclude": [["c"], []]}',
        b'{"vectors": [[1, 2, 3]], "exclude": ["c"]}',
        b'{"vectors": [[1, 2, 3]], "unknown": 1}',
        b'{"item_ids": [7]}',
        b'{"item_ids": ["\\ud800"]}',
    ],
)
def test_a_wrong_search_is_the_clients_fault(client: testing.TestClient, body: bytes) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert_problem(client.simulate_post("/v1/search", body=body, headers=headers), 400)


def test_another_content_type_is_refused(client: testing.TestClient) -> None:
    assert_problem(client.simulate_post("/v1/search", body=b"k=1", headers={"Content-Type": "text/x"}), 415)
    assert_problem(client.simulate_post("/v1/search", body=b"{}"), 415)


@pytest.mark.parametrize("headers", [MSGPACK, {"Content-Type": "application/json"}])
def test_a_large_body_is_refused(client: testing.TestClient, headers: dict[str, str]) -> None:
    assert_problem(client.simulate_post("/v1/search", body=b"[" * 10_001, headers=headers), 413)


def test_the_clients_queries_are_answered_one_by_one(client: testing.TestClient) -> None:
    vector = np.array([1, 0, 0], "<f4").tobytes()
    queries: list[IndexQuery] = [
        ByVector(vector, 2, exclude=["a/b"]),
        ById("c", 1),
        ById("nobody", 1),
        ByVector(vector, 0),
        ByVector(vector, 1, generation="old"),
        ByVector(vector, 1, generation="lost"),
        ByVector(vector[:5], 1),
    ]
    result = client.simulate_post("/v1/search", body=encode_queries(queries), headers=MSGPACK)
    assert result.headers["content-type"] == "application/msgpack"
    answers = decode_answers(result.content)
    assert [answer.ids for answer in answers] == [["ü", "c"], ["ü"], [], [], ["only"], [], []]
    assert np.frombuffer(answers[0].scores, "<f4").tolist() == pytest.approx([0.8, 0])
    assert [answer.is_missing for answer in answers] == [False, False, True, False, False, True, False]
    assert [answer.error is not None for answer in answers] == [False] * 3 + [True] + [False] * 2 + [True]


def test_a_row_that_asks_for_nothing_or_for_two_things_fails_alone(client: testing.TestClient) -> None:
    vector = np.array([1, 0, 0], "<f4").tobytes()
    rows = [
        [1],
        [1, vector, "c"],
        [1, None, "c", [], None, "ann"],
        [1, vector, None, [], None, "ann"],
        [1, None, "c"],
    ]
    result = client.simulate_post("/v1/search", body=msgspec.msgpack.encode(rows), headers=MSGPACK)
    *wrong, right = decode_answers(result.content)
    assert ["give one of" in (answer.error or "") for answer in wrong] == [True] * 4
    assert (right.ids, right.error) == (["ü"], None)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xc1", msgspec.msgpack.encode([[1, 2, 3]]), msgspec.msgpack.encode([["k"]])]
)
def test_what_is_not_messagepack_is_the_clients_fault(client: testing.TestClient, body: bytes) -> None:
    assert_problem(client.simulate_post("/v1/search", body=body, headers=MSGPACK), 400)


def test_too_many_queries_are_refused(client: testing.TestClient) -> None:
    body = encode_queries([ById("c", 1)] * 1001)
    assert_problem(client.simulate_post("/v1/search", body=body, headers=MSGPACK), 400)


@pytest.mark.parametrize(("path", "wanted"), [("a%2Fb", "ü"), ("%C3%BC", "a/b"), ("50%25", "c"), ("c", "ü")])
def test_similar_items_of_an_id_with_any_characters(
    client: testing.TestClient, path: str, wanted: str
) -> None:
    result = client.simulate_get(f"/v1/items/{path}/similar", params={"k": "1"})
    assert result.status_code == 200
    assert ids_of(result.json["items"]) == [wanted]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/items/nobody/similar", 404),
        ("/v1/items/a/b/similar", 404),
        ("/v1/items/%FF/similar", 400),
        ("/v1/items/c/similar?k=0", 400),
        ("/v1/items/c/similar?k=1001", 400),
        ("/v1/items/c/similar?k=many", 400),
        ("/v1/items/c/similar?k=", 400),
        ("/v1/items/c/similar?generation=lost", 404),
        ("/v1/nothing", 404),
    ],
)
def test_a_wrong_path_or_parameter(client: testing.TestClient, path: str, status: int) -> None:
    assert_problem(client.simulate_get(path), status)


def test_a_wrong_method_is_refused(client: testing.TestClient) -> None:
    assert_problem(client.simulate_get("/v1/search"), 405)


def test_the_statistics_tell_of_both_generations(client: testing.TestClient) -> None:
    stats = client.simulate_get("/v1/stats").json
    assert (stats["generation"], stats["n_items"], stats["kind"]) == ("new", len(ITEMS), "flat")
    assert [(other["generation"], other["n_items"]) for other in stats["previous"]] == [("old", 1)]


def test_health(client: testing.TestClient) -> None:
    assert client.simulate_get("/health/live").json == {"status": "ok", "parts": {}}
    assert client.simulate_get("/health/ready").json == {"status": "ready", "generation": "new"}


def test_before_a_generation_is_loaded_it_lives_but_is_not_ready() -> None:
    generations = Generations()
    client = testing.TestClient(create_app(generations, NullMetrics()))
    generations.note_problem("CorruptArtifact: bad sum")
    assert client.simulate_get("/health/live").status_code == 200
    ready = client.simulate_get("/health/ready")
    assert_problem(ready, 503)
    assert "bad sum" in ready.json["detail"]
    assert ready.headers["retry-after"] == "1"
    assert_problem(client.simulate_post("/v1/search", json={"vectors": [[1, 0, 0]]}), 503)
    assert_problem(client.simulate_post("/v1/search", body=encode_queries([]), headers=MSGPACK), 503)
    stats = client.simulate_get("/v1/stats").json
    assert (stats["generation"], stats["n_refused_snapshots"]) == (None, 1)


def test_the_request_id_comes_back(client: testing.TestClient) -> None:
    result = client.simulate_get("/v1/stats", headers={"X-Request-ID": "abc"})
    assert result.headers["x-request-id"] == "abc"


def test_vectors_by_id(client: testing.TestClient) -> None:
    result = client.simulate_post("/v1/vectors", json={"item_ids": ["c", "nobody", "a/b", "c"]})
    assert result.json == {
        "generation": "new",
        "vectors": {"c": [0, 1, 0], "a/b": [1, 0, 0]},
        "missing": ["nobody"],
    }
    old = client.simulate_post("/v1/vectors", json={"item_ids": ["only"], "generation": "old"})
    assert (old.json["generation"], old.json["vectors"]) == ("old", {"only": [1, 1, 1]})
    lost = client.simulate_post("/v1/vectors", json={"item_ids": ["c"], "generation": "lost"})
    assert_problem(lost, 404)


def test_vectors_by_id_for_the_client(client: testing.TestClient) -> None:
    def ask(*query: object) -> VectorsMessage:
        body = encode_vectors_query(VectorsQueryMessage(*query))  # type: ignore[arg-type]
        return decode_vectors(client.simulate_post("/v1/vectors", body=body, headers=MSGPACK).content)

    found = ask(["50%", "nobody", "ü"])
    assert (found.generation, found.ids) == ("new", ["50%", "ü"])
    assert np.frombuffer(found.vectors, "<f4").tolist() == pytest.approx([-1, 0, 0, 0.8, 0.1, 0])
    assert ask(["only"], "old").ids == ["only"]
    assert ask(["c"], "lost") == VectorsMessage("lost")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"item_ids": "c"}', b'{"item_ids": [7]}', b'{"item_ids": ["c"], "k": 1}', b"\xc1",
     msgspec.json.encode({"item_ids": ["c"] * 1001})],
)  # fmt: skip
def test_a_wrong_request_for_vectors_is_the_clients_fault(client: testing.TestClient, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    assert_problem(client.simulate_post("/v1/vectors", body=body, headers=headers), 400)


@pytest.mark.parametrize("body", [b"", b"\xc1", msgspec.msgpack.encode([["c"] * 1001]), b"\x91\x91\xa1\xff"])
def test_wrong_messagepack_for_vectors_is_the_clients_fault(client: testing.TestClient, body: bytes) -> None:
    assert_problem(client.simulate_post("/v1/vectors", body=body, headers=MSGPACK), 400)


def test_vectors_are_asked_for_within_the_limits_of_all_bodies(client: testing.TestClient) -> None:
    assert_problem(client.simulate_post("/v1/vectors", body=b"[" * 10_001, headers=MSGPACK), 413)
    assert_problem(client.simulate_post("/v1/vectors", body=b"c", headers={"Content-Type": "text/x"}), 415)
    assert_problem(client.simulate_get("/v1/vectors"), 405)


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/v1/stats", "/v1/items/c/similar"])
def test_head_is_get_without_the_body(client: testing.TestClient, path: str) -> None:
    got, head = client.simulate_get(path), client.simulate_head(path)
    assert (got.status_code, head.status_code, head.content) == (200, 200, b"")
    assert head.headers["content-length"] == str(len(got.content))
    assert head.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/v1/search", "/v1/vectors"])
def test_a_body_may_be_packed_by_gzip_and_in_no_other_way(client: testing.TestClient, path: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    body = b'{"item_ids": ["c"]}'
    packed = client.simulate_post(path, headers=headers, body=gzip.compress(body))
    assert packed.json == client.simulate_post(path, json={"item_ids": ["c"]}).json
    other = client.simulate_post(path, headers=headers | {"Content-Encoding": "br"}, body=body)
    assert_problem(other, 415)
    assert "Content-Encoding 'br'" in other.json["detail"]
    assert other.headers["accept-encoding"] == "gzip"


def test_a_key_of_its_own_opens_it_and_no_other(generations: Generations, tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("mine\nnext\n")
    client = testing.TestClient(create_app(generations, NullMetrics(), Rules(keys=ApiKeys(path))))
    for method, target in (
        ("POST", "/v1/search"), ("POST", "/v1/vectors"), ("GET", "/v1/items/c/similar"), ("GET", "/v1/stats"),
        ("GET", "/nowhere"),
    ):  # fmt: skip
        for headers in ({}, {"X-API-Key": "another"}, {"Authorization": "Bearer another"}):
            result = client.simulate_request(method, target, headers=headers)
            assert_problem(result, 401)
            assert "STREAMREC_INDEX_KEYS_FILE" in result.json["detail"]
        for headers in ({"X-API-Key": "mine"}, {"Authorization": "Bearer next"}):
            assert client.simulate_request(method, target, headers=headers).status_code != 401
    assert client.simulate_get("/health/live").status_code == 200
    assert client.simulate_get("/health/ready").status_code == 200
