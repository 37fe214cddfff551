"""Requests that nobody thought of, to the index server: it fails at none, and hangs at none."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.ports import Snapshot, VectorTable
from tests.contract.index_server import await_generation, running_index_server

IDS = {"type": "array", "items": {"type": "string"}, "maxItems": 5}
VECTOR = {"type": "array", "items": {"type": "number"}, "minItems": 5, "maxItems": 5}
QUERY = {
    "type": "object",
    "properties": {
        "vectors": {"type": "array", "maxItems": 5, "items": VECTOR},
        "item_ids": IDS,
        "k": {"type": "integer", "minimum": 1, "maximum": 1000},
        "exclude": {"type": "array", "items": IDS},
        "generation": {"type": ["string", "null"]},
    },
}
SIMILAR = [
    {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}},
    {"name": "k", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}},
    {"name": "generation", "in": "query", "schema": {"type": "string"}},
]


def document() -> dict[str, Any]:
    """Return the index's routes; it has no document of its own, since none but ours ask it."""
    answers = {"default": {"description": "an answer"}}

    def posts(schema: dict[str, Any]) -> dict[str, Any]:
        body = {"required": True, "content": {"application/json": {"schema": schema}}}
        return {"post": {"requestBody": body, "responses": answers}}

    asks = {"get": {"parameters": SIMILAR, "responses": answers}}
    vectors = {"type": "object", "properties": {"item_ids": IDS, "generation": {"type": ["string", "null"]}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "index", "version": "1"},
        "paths": {
            "/v1/search": posts(QUERY),
            "/v1/vectors": posts(vectors),
            "/v1/items/{id}/similar": asks,
            "/v1/users/{id}/similar": asks,
            "/v1/stats": {"get": {"responses": answers}},
        },
    }


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("index")
    items = VectorTable(["a/b", "c", "é"], np.eye(3, 5, dtype=np.float32))
    write_snapshot(home / "artifacts", Snapshot("g", items, items, {}, time.time(), {}))
    set_current(home / "artifacts", "g")
    with running_index_server(home) as url:
        await_generation(url, "g")
        yield url


@pytest.mark.parametrize("n_examples", [12, pytest.param(300, marks=pytest.mark.nightly)])
@pytest.mark.timeout(1800)
def test_schemathesis_finds_no_failure(url: str, n_examples: int, tmp_path: Path) -> None:
    schema = tmp_path / "index.json"
    schema.write_text(json.dumps(document()))
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", str(schema), "--url", url, "--seed", "1",
        "--checks", "not_a_server_error", "--max-examples", str(n_examples), "--request-timeout", "60",
        "--phases", "examples,coverage,fuzzing", "--no-color",
    ]  # fmt: skip
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]
