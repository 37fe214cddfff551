"""Writing of the shop, slice by slice, in order of time and in bounded memory."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow
from numpy.typing import NDArray

from lab.configuration.generator_section import GeneratorSection
from lab.dataset.lab_data import INTERACTIONS, SCHEMA, part_path
from lab.generator.catalog import item_ids
from lab.generator.drawing import EVENT_TYPES, Events, draw_slice
from lab.generator.item_texts import items_of
from lab.generator.shop import Shop
from lab.generator.truth import write_truth
from lab.steps.step import Bar
from lab.steps.tables import write_table
from streamrec.datasets.files.item_files import catalog_path, write_items


def write_shop(settings: GeneratorSection, folder: Path, bar: Bar) -> dict[str, int]:
    """Write interactions, items and the truth; return how many there are."""
    shop = Shop.of(settings)
    users = np.array(item_ids("u", settings.n_users), np.object_)
    items = np.array(item_ids("p", settings.n_products) + item_ids("e", settings.n_editorial), np.object_)
    n_of_type = np.zeros(len(EVENT_TYPES), np.int64)
    n_written = 0
    with bar("Drawing events", settings.n_interactions) as show:
        for number, events in enumerate(in_order_of_time(shop)):
            write_table(part_path(folder, number), _table(events, users, items))
            n_of_type += np.bincount(events.types, minlength=len(EVENT_TYPES))
            n_written += len(events.users)
            show(n_written)
    n_items = write_items(catalog_path(folder / INTERACTIONS), items_of(shop.catalog, settings))
    write_truth(shop, folder)
    by_type = {f"n_{name}": int(n) for name, n in zip(EVENT_TYPES, n_of_type, strict=True)}
    return {"n_events": n_written, "n_users": settings.n_users, "n_items": n_items, **by_type}


def in_order_of_time(shop: Shop) -> Iterator[Events]:
    """Yield all events in blocks; those of a session behind the end of its slice come in a later block."""
    slices = [slice_ for slice_ in shop.slices() if slice_.n_events]
    left_over: Events | None = None
    n_sessions = 0
    for number, slice_ in enumerate(slices):
        drawn = draw_slice(shop, number, slice_)
        drawn = drawn._replace(sessions=drawn.sessions + n_sessions)
        n_sessions = int(drawn.sessions[-1]) + 1
        if left_over is not None:
            drawn = Events._make(map(np.concatenate, zip(left_over, drawn, strict=True)))
        drawn = drawn.take(drawn.timestamps.argsort(kind="stable"))
        is_last = number == len(slices) - 1
        n_ready = len(drawn.users) if is_last else int(drawn.timestamps.searchsorted(slice_.end))
        yield drawn.take(np.arange(n_ready))
        left_over = drawn.take(np.arange(n_ready, len(drawn.users)))


def _table(events: Events, users: NDArray[np.object_], items: NDArray[np.object_]) -> pyarrow.Table:
    types = np.array(EVENT_TYPES, np.object_)
    columns = [
        _coded(events.users, users),
        _coded(events.items, items),
        pyarrow.array(events.timestamps),
        _coded(events.types, types),
        pyarrow.array(events.values, mask=np.isnan(events.values)),
        pyarrow.array(events.sessions),
    ]
    return pyarrow.table(columns, schema=SCHEMA)


def _coded(numbers: NDArray[np.int64], names: NDArray[np.object_]) -> pyarrow.DictionaryArray:
    """Return strings of which a file holds only those that occur in it."""
    distinct, codes = np.unique(numbers, return_inverse=True)
    return pyarrow.DictionaryArray.from_arrays(
        pyarrow.array(codes.astype(np.int32)), pyarrow.array(names[distinct], pyarrow.string())
    )
