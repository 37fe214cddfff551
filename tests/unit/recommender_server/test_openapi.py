"""The document says what the app does."""

import re
from typing import Any

import msgspec
import pytest

from recommender_server.api_examples import BODIES, PARAMETERS
from recommender_server.openapi import OPERATIONS, document
from streamrec import __version__
from streamrec.domain.ranking.recommendation import MAX_K
from streamrec.domain.sources.table import LABELS
from streamrec.web.bodies import JSON
from tests.unit.recommender_server.conftest import Server


@pytest.fixture
def spec() -> dict[str, Any]:
    return document("1.0")


async def test_every_operation_is_routed_and_every_route_is_told(server: Server) -> None:
    methods_of: dict[str, set[str]] = {}
    for operation in OPERATIONS:
        methods_of.setdefault(operation.path, set()).add(operation.method.upper())
    for path, methods in methods_of.items():
        answer = await server.client.call("TRACE", re.sub(r"{\w+}", "x", path))
        assert answer.status == 405, path
        assert set(answer.headers["allow"].split(", ")) - {"OPTIONS"} == methods


async def test_it_is_of_the_version_of_the_package(server: Server) -> None:
    answer = await server.client.call("GET", "/openapi.json")
    assert msgspec.json.decode(answer.body)["info"]["version"] == __version__


def test_all_references_lead_somewhere(spec: dict[str, Any]) -> None:
    references = set(re.findall(r"#/components/schemas/(\w+)", str(spec)))
    assert references
    assert references <= set(spec["components"]["schemas"])


def test_limits_are_those_of_the_types(spec: dict[str, Any]) -> None:
    parameters = {item["name"]: item for item in spec["paths"]["/v1/recommendations"]["get"]["parameters"]}
    assert parameters["k"]["schema"]["maximum"] == MAX_K
    assert parameters["k"]["schema"]["default"] == 10
    assert parameters["category"]["schema"]["type"] == "array"
    assert not parameters["user_id"]["required"]


def test_operation_ids_are_unique(spec: dict[str, Any]) -> None:
    ids = [operation["operationId"] for methods in spec["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids)) == len(OPERATIONS)


@pytest.mark.parametrize("answer", ["RecommendedItem", "SimilarItem"])
def test_answers_are_told_with_the_label_of_every_source(spec: dict[str, Any], answer: str) -> None:
    source = spec["components"]["schemas"][answer]["properties"]["source"]
    assert source["enum"] == sorted(LABELS)
    assert all(label.words in source["description"] for label in LABELS.values())


@pytest.mark.parametrize(("method", "path"), BODIES)
def test_examples_of_bodies_fit_their_types(method: str, path: str) -> None:
    (operation,) = [one for one in OPERATIONS if (one.method, one.path) == (method, path)]
    msgspec.json.decode(msgspec.json.encode(BODIES[method, path]), type=operation.body)


def test_parameters_are_described_and_have_examples_where_tools_look_for_them(spec: dict[str, Any]) -> None:
    parameters = {item["name"]: item for item in spec["paths"]["/v1/recommendations"]["get"]["parameters"]}
    assert parameters["diversity"]["description"].startswith("0: the best")
    assert (parameters["user_id"]["example"], parameters["category"]["example"]) == ("178", ["Drama"])
    bodies = {
        (method, path)
        for path, methods in spec["paths"].items()
        for method, operation in methods.items()
        if "example" in operation.get("requestBody", {"content": {}})["content"].get(JSON, {})
    }
    assert bodies == set(BODIES)
    names = {
        item["name"] for one in spec["paths"].values() for of in one.values() for item in of["parameters"]
    }
    assert set(PARAMETERS) <= names
