"""The OpenAPI 3.1 document, made from the types that also check the requests."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

from recommender_server import schemas
from recommender_server.history_schemas import HistoryAnswer, HistoryQuery
from recommender_server.user_schemas import SimilarUsersAnswer, SimilarUsersQuery
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.recommendation import Recommendations
from streamrec.domain.similarity.answers import SimilarItems
from streamrec.web.bodies import JSON
from streamrec.web.health import Health
from streamrec.web.problems import PROBLEM_JSON, Problem

Json = dict[str, Any]

_REF = "#/components/schemas/{name}"


class Operation(NamedTuple):
    """One route and method: its types, and the statuses that it answers with besides success."""

    method: str
    path: str
    summary: str
    query: Any = schemas.NoQuery
    body: Any = None
    answer: Any = None
    success: int = 200
    problems: Sequence[int] = (400,)


_BODY_PROBLEMS = (400, 413, 415, 422)

OPERATIONS = (
    Operation("get", "/v1/recommendations", "Items for a user, an item, or anybody",
              schemas.RecommendationsQuery, answer=Recommendations),
    Operation("get", "/v1/popular", "What everybody chooses", schemas.PopularQuery, answer=Recommendations),
    Operation("post", "/v1/events", "Take events in: one or a list; all or none",
              body=schemas.Events, answer=schemas.EventsAccepted, success=202,
              problems=(*_BODY_PROBLEMS, 429, 503)),
    Operation("put", "/v1/items", "Replace many items: all or none",
              body=schemas.ItemBodies, success=204, problems=(*_BODY_PROBLEMS, 429, 503)),
    Operation("get", "/v1/items/{item_id}", "An item's metadata", answer=Item, problems=(400, 404, 503)),
    Operation("put", "/v1/items/{item_id}", "Replace an item's metadata",
              body=schemas.ItemBody, success=204, problems=(*_BODY_PROBLEMS, 429, 503)),
    Operation("delete", "/v1/items/{item_id}", "Delete an item's metadata and take it out of the index",
              success=204, problems=(400, 404, 429, 503)),
    Operation("get", "/v1/items/{item_id}/similar", "Items like this one",
              schemas.SimilarQuery, answer=SimilarItems, problems=(400, 404, 503)),
    Operation("get", "/v1/items/{item_id}/history", "What the item's value did lately, minute by minute",
              HistoryQuery, answer=HistoryAnswer, problems=(400, 404, 503)),
    Operation("get", "/v1/users", "Ids of users by prefix",
              schemas.UsersQuery, answer=schemas.UserIds, problems=(400, 503)),
    Operation("get", "/v1/users/{user_id}", "What is known of a user",
              answer=schemas.UserView, problems=(400, 404, 503)),
    Operation("put", "/v1/users/{user_id}", "Replace a user's attributes",
              body=schemas.UserBody, success=204, problems=(*_BODY_PROBLEMS, 503)),
    Operation("delete", "/v1/users/{user_id}", "Erase a user", success=204, problems=(400, 429, 503)),
    Operation("get", "/v1/users/{user_id}/similar", "Users like this one, and what they do",
              SimilarUsersQuery, answer=SimilarUsersAnswer, problems=(400, 404, 503)),
    Operation("get", "/health/live", "The process runs", answer=Health, problems=()),
    Operation("get", "/health/ready", "The server can answer", answer=Health, problems=()),
)  # fmt: skip


def document(version: str, root_path: str = "") -> Json:
    """Return the whole document, of paths behind `root_path`.

    >>> sorted(document("1.0")["paths"])[:3]
    ['/health/live', '/health/ready', '/v1/events']
    """
    types = [part for operation in OPERATIONS for part in (operation.query, operation.body, operation.answer)]
    types = [*dict.fromkeys(part for part in types if part is not None), Problem]
    refs, components = msgspec.json.schema_components(types, ref_template=_REF)
    schema_of = dict(zip(types, refs, strict=True))
    paths: Json = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation, schema_of, components)
    for query in {operation.query for operation in OPERATIONS}:
        components.pop(query.__name__)  # told as parameters
    return {
        "openapi": "3.1.0",
        "info": {"title": "streamrec recommender", "version": version},
        "servers": [{"url": root_path or "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _operation(operation: Operation, schema_of: dict[Any, Json], components: Json) -> Json:
    is_open = not operation.path.startswith("/v1/")
    described: Json = {
        "operationId": re.sub(r"\W+", "_", f"{operation.method}{operation.path}").strip("_"),
        "summary": operation.summary,
        "tags": [operation.path.split("/")[2]],
        # Either way of sending the key, or none where the server is run without keys.
        "security": [] if is_open else [{"key": []}, {"bearer": []}, {}],
        "parameters": [*_path_parameters(operation.path), *_query_parameters(operation.query, components)],
        "responses": _responses(operation, schema_of, is_open=is_open),
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": schema_of[operation.body]}},
        }
    return described


def _path_parameters(path: str) -> list[Json]:
    schema = msgspec.json.schema(schemas.ExternalId)
    return [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(query: Any, components: Json) -> list[Json]:  # noqa: ANN401 (a type form)
    schema = components[query.__name__]
    return [
        {"name": name, "in": "query", "required": name in schema["required"], "schema": of_parameter}
        for name, of_parameter in schema["properties"].items()
    ]


def _responses(operation: Operation, schema_of: dict[Any, Json], *, is_open: bool) -> Json:
    success: Json = {"description": HTTPStatus(operation.success).phrase}
    if operation.answer is not None:
        success["content"] = {JSON: {"schema": schema_of[operation.answer]}}
    responses = {str(operation.success): success}
    if operation.path == "/health/ready":
        responses["503"] = success | {"description": "A store does not answer"}
    problem = {PROBLEM_JSON: {"schema": schema_of[Problem]}}
    for status in (*operation.problems, *(() if is_open else (401,))):
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": problem}
    return responses
