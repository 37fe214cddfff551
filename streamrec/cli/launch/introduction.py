"""Introduction to what there is to look at, once everything runs."""

import shlex
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from streamrec.cli.launch.own_keys import OwnKey
from streamrec.cli.launch.services import Services
from streamrec.cli.service_call import quoted
from streamrec.datasets.event_set import EventSet
from streamrec.settings.processes import TrainerSettings


class WhoChose(NamedTuple):
    """A user, and an item that is chosen often, with its first category if it has one."""

    user_id: str
    item_id: str
    category: str | None


def one_who_chose(history: EventSet, settings: TrainerSettings) -> WhoChose | None:
    """Return the user who chose last, and the item that was chosen most; None: nobody chose anything."""
    weights = settings.weights
    types = history.types.tolist()
    values = (None if value != value else value for value in history.values.tolist())  # noqa: PLR0124 NaN
    weighs = (weights.of(type_, value) > 0 for type_, value in zip(types, values, strict=True))
    chosen = np.flatnonzero(np.fromiter(weighs, np.bool_, len(types)))
    if not len(chosen):
        return None
    user_id = history.users.names[history.users.codes[chosen[-1]]]
    item_id = history.items.names[int(np.bincount(history.items.codes[chosen]).argmax())]
    categories = next((item.categories for item in history.catalog if item.item_id == item_id), ())
    return WhoChose(user_id, item_id, categories[0] if categories else None)


def paths_to_try(chosen: WhoChose) -> list[str]:
    """Return requests that have something to show."""
    category = "" if chosen.category is None else f"&category={quoted(chosen.category)}"
    return [
        f"/v1/recommendations?user_id={quoted(chosen.user_id)}&k=5",
        f"/v1/items/{quoted(chosen.item_id)}/similar?k=5",
        f"/v1/popular?k=5{category}",
    ]


def what_to_try(services: Services, paths: Sequence[str], item_id: str) -> str:
    """Return where things are, and command lines for the requests and for an event of one's own."""
    url = services.recommender.url
    event = msgspec.json.encode({"user_id": "me", "item_id": item_id}).decode()
    lines = [
        *services.where(),
        "Try:",
        *(_curl(url + path, services.key) for path in paths),
        _curl(
            f"{url}/v1/events",
            services.key,
            "-H 'Content-Type: application/json' -d " + shlex.quote(event),
        ),
        _curl(f"{url}/v1/recommendations?user_id=me&k=5", services.key),
    ]
    return "\n".join(lines)


def _curl(url: str, key: OwnKey | None, options: str = "") -> str:
    with_key = "" if key is None else f'-H "X-API-Key: {key.shown}" '
    return f"  curl {shlex.quote(url)} {with_key}{options}".rstrip()
