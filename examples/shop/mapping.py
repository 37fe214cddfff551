"""The shop's two files as what the product takes."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from examples.shop.generate import DELIMITER, EVENTS, PRODUCTS


def events_of(folder: Path) -> list[dict[str, Any]]:
    """Return what customers did, in order of time; an event's value is the price."""
    return [
        event(row["uuid"], row["sourceprodid"], row["userevent"], float(row["price"]))
        | {"timestamp": float(row["clicked_epoch"])}
        for row in _rows(folder / EVENTS)
    ]


def event(uuid: str, sourceprodid: str, userevent: str, price: float | None) -> dict[str, Any]:
    """Return one event, of this moment."""
    return {"user_id": uuid, "item_id": sourceprodid, "type": userevent, "value": price}


def items_of(folder: Path) -> list[dict[str, Any]]:
    """Return products; their categories are the node of the ontology and those above it.

    The innermost stands first, because the first category is the main one.
    """
    return [
        {
            "item_id": row["sourceprodid"],
            "kind": "product",
            "title": row["name"],
            "categories": _from_innermost(row["ontology"]),
            "attributes": {"price": float(row["price"])},
        }
        for row in _rows(folder / PRODUCTS)
    ]


def _from_innermost(path: str) -> list[str]:
    """Return a path and those above it.

    >>> _from_innermost("home/kitchen/pans")
    ['home/kitchen/pans', 'home/kitchen', 'home']
    """
    names = path.split("/")
    return ["/".join(names[:n]) for n in range(len(names), 0, -1)]


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter=DELIMITER)
