"""The OpenAPI 3.1 document, made from the types that also check the requests."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

from recommender_server import api_examples, list_schemas, schemas
from recommender_server.batch_schemas import BatchAnswer, BatchBody
from recommender_server.experiments.schemas import (
    ExperimentAnswer,
    ExperimentBody,
    ExperimentsAnswer,
    RampBody,
    StopBody,
)
from recommender_server.history_schemas import HistoryAnswer, HistoryQuery
from recommender_server.own_data.schemas import InspectionBody, OwnDataAnswer, TrainingBody, UploadedFile
from recommender_server.search_schemas import (
    ChoosersAnswer,
    ChoosersQuery,
    ItemsAnswer,
    ItemsQuery,
    UserIds,
    UsersQuery,
)
from recommender_server.status_schemas import SeriesQuery, StatusAnswer
from recommender_server.user_schemas import SimilarUsersAnswer, SimilarUsersQuery
from streamrec.datasets.workspace import Found, TrainingStatus
from streamrec.domain.experiments.definition import Experiment, Name
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.recommendation import Recommendations
from streamrec.domain.similarity.answers import SimilarItems
from streamrec.serving.exposures.journey import JourneyAnswer
from streamrec.serving.exposures.reading import ExposuresAnswer
from streamrec.serving.exposures.user_steps import UserExposuresAnswer
from streamrec.serving.status_reader import SeriesAnswer
from streamrec.web.bodies import JSON
from streamrec.web.health import Health
from streamrec.web.problems import PROBLEM_JSON, Problem

Json = dict[str, Any]

_REF = "#/components/schemas/{name}"


class Operation(NamedTuple):
    """One route and method: its types, and the statuses that it answers with besides success.

    `takes_file`: the body is a file, as it is.
    """

    method: str
    path: str
    summary: str
    query: Any = schemas.NoQuery
    body: Any = None
    answer: Any = None
    success: int = 200
    problems: Sequence[int] = (400,)
    takes_file: bool = False


_NAMES_IN_PATHS = {"experiment_id": Name}
"""Parameters of paths that are no external ids."""

_BODY_PROBLEMS = (400, 413, 415, 422)
_OWN_PROBLEMS = (400, 404)

OPERATIONS = (
    Operation("get", "/v1/recommendations", "Items for a user, an item, or anybody",
              list_schemas.RecommendationsQuery, answer=Recommendations),
    Operation("post", "/v1/recommendations:batch", "Items for each of many users",
              body=BatchBody, answer=BatchAnswer, problems=_BODY_PROBLEMS),
    Operation("get", "/v1/popular", "What everybody chooses",
              list_schemas.PopularQuery, answer=Recommendations),
    Operation("get", "/v1/trending", "What is chosen more and more",
              list_schemas.FeedQuery, answer=Recommendations),
    Operation("get", "/v1/latest", "What is new", list_schemas.FeedQuery, answer=Recommendations),
    Operation("post", "/v1/events", "Take events in: one or a list; all or none",
              body=schemas.Events, answer=schemas.EventsAccepted, success=202,
              problems=(*_BODY_PROBLEMS, 429, 503)),
    Operation("get", "/v1/exposures", "What became of items that were shown within a day",
              answer=JourneyAnswer, problems=(503,)),
    Operation("get", "/v1/items", "All items page by page, or those by id or title",
              ItemsQuery, answer=ItemsAnswer, problems=(400, 503)),
    Operation("put", "/v1/items", "Replace many items: all or none",
              body=schemas.ItemBodies, success=204, problems=(*_BODY_PROBLEMS, 429, 503)),
    Operation("get", "/v1/items/{item_id}", "An item's metadata", answer=Item, problems=(400, 404, 503)),
    Operation("put", "/v1/items/{item_id}", "Replace an item's metadata",
              body=schemas.ItemBody, success=204, problems=(*_BODY_PROBLEMS, 429, 503)),
    Operation("delete", "/v1/items/{item_id}", "Delete an item's metadata and take it out of the index",
              success=204, problems=(400, 404, 429, 503)),
    Operation("get", "/v1/items/{item_id}/similar", "Items like this one",
              list_schemas.SimilarQuery, answer=SimilarItems, problems=(400, 404, 503)),
    Operation("get", "/v1/items/{item_id}/history", "What the item's value did lately, minute by minute",
              HistoryQuery, answer=HistoryAnswer, problems=(400, 404, 503)),
    Operation("get", "/v1/items/{item_id}/exposures", "How often the item was shown and chosen within a day",
              answer=ExposuresAnswer, problems=(400, 404, 503)),
    Operation("get", "/v1/items/{item_id}/users", "Users who chose the item lately",
              ChoosersQuery, answer=ChoosersAnswer, problems=(400, 404, 503)),
    Operation("get", "/v1/users", "Ids of users by prefix, page by page",
              UsersQuery, answer=UserIds, problems=(400, 503)),
    Operation("get", "/v1/users/{user_id}", "What is known of a user",
              answer=schemas.UserView, problems=(400, 404, 503)),
    Operation("put", "/v1/users/{user_id}", "Replace a user's attributes",
              body=schemas.UserBody, success=204, problems=(*_BODY_PROBLEMS, 503)),
    Operation("delete", "/v1/users/{user_id}", "Erase a user", success=204, problems=(400, 429, 503)),
    Operation("get", "/v1/users/{user_id}/similar", "Users like this one, and what they do",
              SimilarUsersQuery, answer=SimilarUsersAnswer, problems=(400, 404, 503)),
    Operation("get", "/v1/users/{user_id}/exposures", "What was shown to the user lately, and what they did",
              answer=UserExposuresAnswer, problems=(400, 404, 503)),
    Operation("get", "/v1/status", "How the trainer and every part are", answer=StatusAnswer),
    Operation("get", "/v1/status/series", "What the trainer's figures were within the last day",
              SeriesQuery, answer=SeriesAnswer, problems=(400, 503)),
    Operation("get", "/v1/experiments", "All experiments",
              answer=ExperimentsAnswer, problems=(400, 503)),
    Operation("get", "/v1/experiments/{experiment_id}", "An experiment and its results",
              answer=ExperimentAnswer, problems=(400, 404, 409, 503)),
    Operation("put", "/v1/experiments/{experiment_id}", "Create or replace an experiment",
              body=ExperimentBody, answer=Experiment, problems=(*_BODY_PROBLEMS, 409, 503)),
    Operation("delete", "/v1/experiments/{experiment_id}", "Delete an experiment that does not run",
              success=204, problems=(400, 404, 409, 503)),
    Operation("post", "/v1/experiments/{experiment_id}/ramp", "Let more or fewer users take part",
              body=RampBody, answer=Experiment, problems=(*_BODY_PROBLEMS, 404, 409, 503)),
    Operation("post", "/v1/experiments/{experiment_id}/stop", "Stop an experiment, within a second",
              body=StopBody, answer=Experiment, problems=(*_BODY_PROBLEMS, 404, 409, 503)),
    Operation("get", "/v1/own-data", "Files that were uploaded, what is in them, and how a training goes",
              answer=OwnDataAnswer, problems=_OWN_PROBLEMS),
    Operation("put", "/v1/own-data/files/{file}", "Upload a file of events or of items",
              answer=UploadedFile, success=201, problems=(*_OWN_PROBLEMS, 411, 413, 507), takes_file=True),
    Operation("delete", "/v1/own-data/files/{file}", "Remove a file", success=204, problems=_OWN_PROBLEMS),
    Operation("post", "/v1/own-data/inspection", "Look at the files: which column is what",
              body=InspectionBody, answer=Found, problems=(*_BODY_PROBLEMS, 404, 503)),
    Operation("post", "/v1/own-data/training", "Train on the files",
              body=TrainingBody, answer=TrainingStatus, success=202,
              problems=(*_BODY_PROBLEMS, 404, 503)),
    Operation("delete", "/v1/own-data/training", "Cancel the training", success=204, problems=_OWN_PROBLEMS),
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
        "tags": [re.split("[/:]", operation.path)[2]],
        # Either way of sending the key, or none where the server is run without keys.
        "security": [] if is_open else [{"key": []}, {"bearer": []}, {}],
        "parameters": [*_path_parameters(operation.path), *_query_parameters(operation.query, components)],
        "responses": _responses(operation, schema_of, is_open=is_open),
    }
    if operation.body is not None:
        media: Json = {"schema": schema_of[operation.body]}
        example = api_examples.BODIES.get((operation.method, operation.path))
        described["requestBody"] = {
            "required": True,
            "content": {JSON: media if example is None else media | {"example": example}},
        }
    if operation.takes_file:
        described["requestBody"] = {"required": True, "content": {"application/octet-stream": {}}}
    return described


def _path_parameters(path: str) -> list[Json]:
    return [
        _parameter(
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": msgspec.json.schema(_NAMES_IN_PATHS.get(name, schemas.ExternalId)),
            }
        )
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(query: Any, components: Json) -> list[Json]:  # noqa: ANN401 (a type form)
    schema = components[query.__name__]
    return [
        _parameter(
            {"name": name, "in": "query", "required": name in schema["required"], "schema": of_parameter}
        )
        for name, of_parameter in schema["properties"].items()
    ]


def _parameter(given: Json) -> Json:
    """Return a parameter with its description, where tools look for it, and an example, if there is one."""
    description, example = given["schema"].get("description"), api_examples.PARAMETERS.get(given["name"])
    if given["schema"].get("type") == "array" and example is not None:
        example = [example]
    told = {"description": description, "example": example}
    return given | {name: value for name, value in told.items() if value is not None}


def _responses(operation: Operation, schema_of: dict[Any, Json], *, is_open: bool) -> Json:
    success: Json = {"description": HTTPStatus(operation.success).phrase}
    if operation.answer is not None:
        success["content"] = {JSON: {"schema": schema_of[operation.answer]}}
    responses = {str(operation.success): success}
    if operation.path == "/health/ready":
        responses["503"] = success | {"description": "A store does not answer"}
    problem = {PROBLEM_JSON: {"schema": schema_of[Problem]}}
    refusals = () if is_open else (401, 403, 429)
    for status in (*operation.problems, *refusals):
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": problem}
    return responses
