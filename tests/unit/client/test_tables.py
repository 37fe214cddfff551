"""Rows of tables as events and items."""

import math
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

from streamrec.client import Item, Unsendable
from streamrec.client.call import encoded
from streamrec.client.calls.events import event_of
from streamrec.client.calls.items import encoded_item
from streamrec.client.calls.lists import recommendations


def sent(record: dict[str, Any]) -> dict[str, Any]:
    written: dict[str, Any] = msgspec.json.decode(encoded(event_of({"event_id": "e", **record})))
    return written


def test_a_frame_with_empty_cells_is_events() -> None:
    frame = pd.DataFrame(
        {
            "user_id": [1, 2, None],
            "item_id": ["a", "b", "c"],
            "value": [1.5, None, 3],
            "timestamp": pd.to_datetime(["2024-03-10T09:30:00.00Z", None, "2024-03-10T09:30:00.25Z"]),
            "type": pd.array(["view", pd.NA, "buy"], dtype="string"),
        }
    )
    first, second, third = frame.to_dict("records")
    assert sent(first) == {
        "user_id": "1", "item_id": "a", "value": 1.5, "timestamp": "2024-03-10T09:30:00+00:00",
        "type": "view", "event_id": "e",
    }  # fmt: skip
    assert sent(second) == {"user_id": "2", "item_id": "b", "event_id": "e"}
    with pytest.raises(Unsendable, match="an event needs user_id"):
        sent(third)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (np.float32(1.5), 1.5), (np.int64(7), 7), (np.float64("nan"), None), (math.nan, None),
        (Decimal("1.5"), "1.5"),
    ],
)  # fmt: skip
def test_numbers_of_numpy_are_numbers(value: object, written: object) -> None:
    assert sent({"user_id": np.int32(7), "item_id": np.str_("x"), "value": value}).get("value") == written


@pytest.mark.parametrize("unit", ["s", "ns"])
def test_times_are_times(unit: Any) -> None:
    event = sent({"user_id": 1, "item_id": 2, "timestamp": np.datetime64("2024-03-10T09:30:00", unit)})
    assert event["timestamp"].startswith("2024-03-10T09:30:00")


@pytest.mark.parametrize("user_id", [7.5, "", None, math.nan, math.inf, "\ud800", pd.NA])
def test_what_is_no_id_is_said(user_id: Any) -> None:
    with pytest.raises(Unsendable, match="user_id"):
        event_of({"user_id": user_id, "item_id": 1})


@pytest.mark.parametrize("name", ["value", "timestamp"])
def test_numbers_without_end_do_not_become_empty(name: str) -> None:
    with pytest.raises(Unsendable, match=f"{name} is infinite"):
        event_of({"user_id": 1, "item_id": 2, name: math.inf})


def test_parameters_are_ids_and_texts_too() -> None:
    assert recommendations(user_id=np.int64(7)).query == recommendations(user_id=7.0).query  # type: ignore[arg-type]
    for wrong in ({"user_id": ""}, {"user_id": 7.5}, {"cursor": "\ud800"}, {"exclude_ids": [""]}):
        with pytest.raises(Unsendable):
            recommendations(**wrong)


def test_items_of_a_frame() -> None:
    row = {
        "item_id": 7.0,
        "title": None,
        "categories": np.array(["a", "b"]),
        "attributes": {"year": np.int64(1995)},
    }
    assert msgspec.json.decode(encoded_item(row)) == {
        "item_id": "7", "categories": ["a", "b"], "attributes": {"year": 1995},
    }  # fmt: skip
    assert b"updated_at" not in encoded_item(Item("x", updated_at=5.0))
    for wrong in ({"title": "x"}, {"item_id": "x", "attributes": {"f": object()}}):
        with pytest.raises(Unsendable):
            encoded_item(wrong)
