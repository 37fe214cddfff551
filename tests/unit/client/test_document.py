"""The client says what the recommender's OpenAPI document says: no route, parameter or field more or less."""

import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec
import pytest

from recommender_server.openapi import document
from streamrec.client import AsyncClient, Client, Item
from streamrec.client.call import JSON, Call
from streamrec.client.calls import events, experiments, health, items, lists, own_data, users
from streamrec.client.calls.events import Event
from streamrec.client.calls.lists import BatchUser
from streamrec.client.calls.own_data import ToldFile

ROOT = Path(__file__).parents[3]
SPEC = document("1.0")
SCHEMAS = SPEC["components"]["schemas"]

BY_RECORD = {"post_events", "put_items"}
"""Requests whose parameter is a list of records."""

NOT_OPERATIONS = {"put_encoded", "post_encoded", "all_items", "all_users"}

ONE_EVENT = {"user_id": "u", "item_id": "i"}
ODD = "a/b %?&#é"

VALUES: dict[str, Any] = {
    "user_id": ODD, "item_id": ODD, "k": 3, "exclude_seen": False, "category": ["x", "y"], "filter": ["p<1"],
    "exclude_ids": ["1", "2"], "only_ids": ["3"], "min_score": 0.5, "diversity": 0.25, "max_per_category": 2,
    "cursor": "AQ", "explain": True, "order": "score", "by": "vector", "window": "day", "minutes": 7,
    "variant": "als", "resolution": "1m", "empty": "carry", "prefix": "p", "limit": 9, "text": "t",
    "since": 1.5, "name": ["n"], "after": "a", "with_text": True,
    "attributes": {"a": 1}, "kind": "film", "title": "T", "categories": ["x"], "is_hidden": True,
    "file": ODD, "content": b"user_id", "files": [ToldFile("f")], "replaces": None, "as_challenger": True,
    "force": True, "users": [ODD], "events": [ONE_EVENT], "items": [{"item_id": "i"}],
    "experiment_id": ODD, "percent": 5.0, "reason": "R",
    "definition": {name: 1 for name in SCHEMAS["ExperimentBody"]["properties"]},
}  # fmt: skip


def builders() -> dict[str, Callable[..., Call[Any]]]:
    found: dict[str, Callable[..., Call[Any]]] = {}
    for module in (events, experiments, health, items, lists, own_data, users):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            returned = str(function.__annotations__.get("return", ""))
            is_ours = function.__module__ == module.__name__ and "Call[" in returned
            if is_ours and name not in NOT_OPERATIONS:
                found[name] = function
    return found


BUILDERS = builders()
CALLS = {
    name: build(**{parameter: VALUES[parameter] for parameter in inspect.signature(build).parameters})
    for name, build in BUILDERS.items()
}


def operation_of(call: Call[Any]) -> dict[str, Any]:
    operation: dict[str, Any] = SPEC["paths"][call.path][call.method.lower()]
    return operation


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference, alone or as one of two forms whose other is null."""
    while "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]]
    return schema


def test_every_operation_has_one_method_and_no_method_is_without() -> None:
    told = {(method.upper(), path) for path, methods in SPEC["paths"].items() for method in methods}
    ours = [(call.method, call.path) for call in CALLS.values()]
    assert sorted(ours) == sorted(told), "add the route to streamrec/client/calls, and to both clients"
    for client in (Client, AsyncClient):
        assert set(BUILDERS) <= set(vars(client)), client
        for name, build in BUILDERS.items():
            method = inspect.signature(getattr(client, name))
            assert list(method.parameters)[1:] == list(inspect.signature(build).parameters)


@pytest.mark.parametrize("name", BUILDERS)
def test_its_parameters_are_those_of_the_document(name: str) -> None:
    call = CALLS[name]
    told = operation_of(call)["parameters"]
    query = parse_qsl(call.target.partition("?")[2], keep_blank_values=True, strict_parsing=bool(call.query))
    assert {pair[0] for pair in query} == {one["name"] for one in told if one["in"] == "query"}
    assert set(call.ids) == {one["name"] for one in told if one["in"] == "path"}
    for one in told:
        if one["in"] == "query":
            sent = [text for parameter, text in query if parameter == one["name"]]
            check_value(one["schema"], sent)


def check_value(schema: dict[str, Any], sent: list[str]) -> None:
    """Several texts where the document has a list, and what msgspec reads as its type."""
    if schema.get("type") == "array":
        assert len(sent) >= 1
        return
    (text,) = sent
    kinds: dict[str, type] = {"integer": int, "number": float, "boolean": bool, "string": str}
    msgspec.convert(text, kinds[schema.get("type", "string")], strict=False)
    assert text in schema.get("enum", [text])


@pytest.mark.parametrize("name", BUILDERS)
def test_its_body_is_that_of_the_document(name: str) -> None:
    call = CALLS[name]
    told = operation_of(call).get("requestBody")
    assert (call.body is None) == (told is None)
    if told is None:
        return
    assert call.body is not None
    ((content_type, form),) = told["content"].items()
    assert call.content_type == content_type
    if content_type != JSON:
        assert call.body == VALUES["content"]
        return
    if name in BY_RECORD:
        records = msgspec.json.decode(call.body)
        assert isinstance(records, list)
        return
    assert set(msgspec.json.decode(call.body)) == set(resolved(form["schema"])["properties"])


def test_records_have_the_fields_of_the_document() -> None:
    assert set(Event.__struct_fields__) == set(SCHEMAS["Event"]["properties"])
    assert set(BatchUser.__struct_fields__) == set(SCHEMAS["BatchUser"]["properties"])
    assert set(ToldFile.__struct_fields__) == set(SCHEMAS["ToldFile"]["properties"])
    settable = set(Item.__struct_fields__) - {"updated_at"}
    assert settable == set(SCHEMAS["NamedItemBody"]["properties"])


def test_words_to_choose_from_are_those_of_the_document() -> None:
    checked = 0
    for name, build in BUILDERS.items():
        hints = inspect.get_annotations(build, eval_str=True)
        for one in operation_of(CALLS[name])["parameters"]:
            words = [part for part in get_args(hints[one["name"]]) if get_origin(part) is Literal]
            enum = one["schema"].get("enum")
            assert bool(words) == bool(enum), (name, one["name"])
            if enum:
                assert sorted(get_args(words[0])) == sorted(enum), (name, one["name"])
                checked += 1
    assert checked >= 6


@pytest.mark.parametrize("name", BUILDERS)
def test_its_answer_is_that_of_the_document(name: str) -> None:
    call = CALLS[name]
    answers = [
        answer["content"]["application/json"]["schema"]
        for status, answer in operation_of(call)["responses"].items()
        if "application/json" in answer.get("content", {})
    ]
    assert bool(answers) == (call.answer is not None)
    for schema in answers:
        ours = msgspec.json.schema(call.answer)
        same(schema, ours, ours.get("$defs", {}), name)


def same(told: dict[str, Any], ours: dict[str, Any], ours_of: dict[str, Any], where: str) -> None:
    """Compare two schemas: fields, types, and which are always there; words of ours may be any text."""
    told = resolved(told)
    while "$ref" in ours:
        ours = ours_of[ours["$ref"].rpartition("/")[2]]
    if "anyOf" in told:
        assert len(told["anyOf"]) == len(ours["anyOf"]), where
        for one, other in zip(told["anyOf"], ours["anyOf"], strict=True):
            same(one, other, ours_of, where)
        return
    if "enum" in told:
        kinds = {one.get("type") for one in ours.get("anyOf", [ours])}
        assert kinds == ({"string", "null"} if None in told["enum"] else {"string"}), where
        return
    assert told.get("type") == ours.get("type"), where
    assert set(told.get("properties", {})) == set(ours.get("properties", {})), where
    assert set(told.get("required", [])) >= set(ours.get("required", [])), where
    for field, schema in told.get("properties", {}).items():
        same(schema, ours["properties"][field], ours_of, f"{where}.{field}")
    for nested in ("items", "additionalProperties"):
        if isinstance(told.get(nested), dict):
            same(told[nested], ours[nested], ours_of, f"{where}.{nested}")


def test_a_difference_would_be_noticed() -> None:
    ours = msgspec.json.schema(Item)
    for told in ({**ours["$defs"]["Item"], "properties": {}}, {"type": "string"}):
        with pytest.raises(AssertionError):
            same(told, ours, ours["$defs"], "Item")


def test_it_loads_nothing_that_learns_or_serves() -> None:
    heavy = (
        "torch",
        "numba",
        "faiss",
        "numpy",
        "falcon",
        "pydantic",
        "structlog",
        "kafka",
        "pymongo",
        "redis",
    )
    script = (
        "import sys, streamrec.client; "
        f"print([name for name in {heavy!r} if name in sys.modules], "
        "sorted(name for name in sys.modules if re.fullmatch('streamrec[.](?!client).*', name)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", f"import re; {script}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == ["[]", "[]"]


def test_the_reference_page_names_every_method() -> None:
    page = (ROOT / "docs/reference/client.md").read_text("utf-8")
    methods = [name for name in vars(Client) if not name.startswith("_") and callable(getattr(Client, name))]
    unnamed = [name for name in methods if not re.search(rf"\b{name}\(|`{name}`", page)]
    assert set(unnamed) <= {"send"}


def test_every_method_names_its_route() -> None:
    for name in BUILDERS:
        told = inspect.getdoc(getattr(Client, name)) or ""
        call = CALLS[name]
        assert re.search(re.escape(f"{call.method} {call.path}") + "[`:;]", told), name
