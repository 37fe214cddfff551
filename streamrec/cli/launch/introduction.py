"""Introduction to what there is to look at, once everything runs."""

import shlex
from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from streamrec.cli.launch.services import Services
from streamrec.datasets.event_set import EventSet


def paths_to_try(events: EventSet, user_id: str) -> list[str]:
    """Return requests that have something to show for these events."""
    item_id = events[0].item_id
    paths = [
        f"/v1/recommendations?user_id={quoted(user_id)}&k=5",
        f"/v1/items/{quoted(item_id)}/similar?k=5",
        "/v1/popular?k=5",
    ]
    categories = [item.categories for item in events.catalog if item.item_id == item_id]
    if categories and categories[0]:
        paths[-1] += f"&category={quoted(categories[0][0])}"
    return paths


def what_to_try(services: Services, paths: Sequence[str], item_id: str) -> str:
    """Return where things are, and command lines for the requests and for an event of one's own."""
    url = services.recommender.url
    event = msgspec.json.encode({"user_id": "me", "item_id": item_id}).decode()
    lines = [
        *services.where(),
        "Try:",
        *(_curl(url + path) for path in paths),
        _curl(f"{url}/v1/events", "-H 'Content-Type: application/json' -d " + shlex.quote(event)),
        _curl(f"{url}/v1/recommendations?user_id=me&k=5"),
    ]
    return "\n".join(lines)


def _curl(url: str, options: str = "") -> str:
    return f"  curl {shlex.quote(url)} {options}".rstrip()


def quoted(id_: str) -> str:
    """Return an id as a part of a path or a query: every byte that could divide is encoded.

    >>> quoted("a/b c")
    'a%2Fb%20c'
    """
    return quote(id_, safe="")
