"""Memory that the trainer keeps of a user and of an item, part by part.

A state that has learned is walked through once with some users and items, then with more users, and with more
items: what it has more is what they take. Arrays grow by a tenth at most beyond what is used, which is in it.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from benchmarks import results_file
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.items.item import Item
from streamrec.learning.absorb import absorb
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.categories import ItemCategories
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.settings.processes import LearningSettings, TrainerSettings

N_USERS, N_ITEMS = 5_000, 5_000
N_MORE = 5_000
N_EVENTS_EACH = 20
SEED = 5
_GENRES = ("action", "comedy", "drama", "horror", "romance", "sf", "thriller", "western")

PARTS = {
    "learner.model.users": "own row of the model, and the squares of its steps",
    "learner.model.items": "row as a candidate with its bias, and the squares of its steps",
    "learner.model.past": "row as somebody's past, and the squares of its steps",
    "learner.model.context": "last 20 items, their times, and where they stand in the replay memory",
    "learner._recent": "last 50 items, for histories",
    "learner._known": "pairs that were chosen, as bits",
    "learner._replay": "past events to replay",
    "user_ids": "id and its row",
    "item_ids": "id and its row",
    "covisitation": "neighbours by co-visits, and its count",
    "same_day": "what was chosen on the same day",
    "popularity": "counts of the windows",
    "new_items": "age and number of choices",
    "user_categories": "most chosen categories",
    "user_tags": "most chosen tags",
    "user_shares": "share under the cap",
    "users": "number of events and values, last time",
    "touched": "order of the last use",
    "dirty_users": "waiting to be published",
    "dirty_items": "waiting to be published",
    "metadata": "metadata: categories, words, and who shares them",
}
"""Path in the state -> what lies there, in words; the longest path that fits counts."""

_REST = "all else"

Sizes = dict[str, float]


def main(json: Annotated[Path | None, typer.Option(help="Write the figures to this file.")] = None) -> None:
    """Measure the bytes a user and an item, by part."""
    first = measure(N_USERS, N_ITEMS)
    of_user = _more(first, measure(N_USERS + N_MORE, N_ITEMS))
    of_item = _more(first, measure(N_USERS, N_ITEMS + N_MORE))
    results = {
        "events_each": N_EVENTS_EACH,
        "user": of_user,
        "item": of_item,
        "bytes_per_user": sum(of_user.values()),
        "bytes_per_item": sum(of_item.values()),
    }
    show("a user", of_user)
    show("an item", of_item)
    results_file.write(json, results)


def show(of_what: str, sizes: Sizes) -> None:
    """Print the parts, largest first."""
    table = Table(f"of {of_what}", "bytes")
    for what, size in sorted(sizes.items(), key=lambda entry: -entry[1]):
        table.add_row(what, f"{size:,.0f}")
    table.add_row("together", f"{sum(sizes.values()):,.0f}")
    Console().print(table)


def measure(n_users: int, n_items: int) -> Sizes:
    """Return the bytes of each part of a state that learned events of so many users and items."""
    categories = ItemCategories(
        Item(f"item-{n}", "film", f"Film number {n}", categories=(_GENRES[n % 8],), attributes={"year": 1950})
        for n in range(n_items)
    )
    state = TrainerState("g", LearningSettings(), TrainerSettings())
    rules = LearningRules(EventWeights({}), False, categories.contents, categories.labels)
    for events in _events(n_users, n_items):
        absorb(state, events, rules, 0.0)
    sizes: Sizes = defaultdict(float)
    seen = set[int]()
    for path, size in [*_walk(state, "", seen), *_walk(categories, ".metadata", seen)]:
        sizes[_part_of(path.lstrip("."))] += size
    return sizes


def _events(n_users: int, n_items: int) -> Iterator[list[Interaction]]:
    """Yield events in batches; every user and every item has `N_EVENTS_EACH` at least."""
    rng = np.random.default_rng(SEED)
    n_events = N_EVENTS_EACH * max(n_users, n_items)
    users, items = rng.permutation(n_events) % n_users, rng.permutation(n_events) % n_items
    for start in range(0, n_events, 1000):
        yield [
            Interaction(f"user-{users[n]}", f"item-{items[n]}", 1.7e9 + n)
            for n in range(start, min(start + 1000, n_events))
        ]


def _part_of(path: str) -> str:
    fitting = [prefix for prefix in PARTS if path == prefix or path.startswith(f"{prefix}.")]
    return PARTS[max(fitting, key=len)] if fitting else _REST


def _more(first: Sizes, larger: Sizes) -> Sizes:
    """Return the bytes of each part that one of `N_MORE` more takes; none of those that take under one."""
    of_one = {name: (larger[name] - first.get(name, 0.0)) / N_MORE for name in larger}
    return {name: size for name, size in of_one.items() if size >= 1}


def _walk(thing: Any, path: str, seen: set[int]) -> Iterator[tuple[str, int]]:  # noqa: ANN401  # any object
    """Yield the bytes of all that an object holds, each once, by the path of attributes to it."""
    if isinstance(thing, memoryview):
        thing = thing.obj
    if id(thing) in seen or isinstance(thing, type) or callable(thing):
        return
    seen.add(id(thing))
    if isinstance(thing, np.ndarray):
        owner = thing
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        if owner is thing or id(owner) not in seen:
            seen.add(id(owner))
            yield path, thing.nbytes
        return
    if not isinstance(thing, int) or thing > 256:  # small ones are shared
        yield path, sys.getsizeof(thing)
    for name, inner in _inside(thing):
        yield from _walk(inner, f"{path}.{name}" if name else path, seen)


def _inside(thing: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # any object
    """Yield what an object holds, with the attribute's name where it has one."""
    if isinstance(thing, dict):
        yield from (("", part) for entry in thing.items() for part in entry)
    elif isinstance(thing, tuple) and hasattr(thing, "_fields"):
        yield from zip(thing._fields, thing, strict=True)
    elif isinstance(thing, list | tuple | set | frozenset):
        yield from (("", part) for part in thing)
    elif hasattr(thing, "__dict__"):
        yield from vars(thing).items()
    else:
        slots = [name for base in type(thing).__mro__ for name in getattr(base, "__slots__", ())]
        yield from ((name, getattr(thing, name)) for name in slots if hasattr(thing, name))


if __name__ == "__main__":
    typer.run(main)
