"""The split that models are trained and judged on."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from lab.configuration.lab_settings import LabSettings
from lab.dataset.lab_data import is_editorial, read_data
from lab.dataset.split import Split, split_by_time
from lab.matrices.cells import CellRules
from streamrec.datasets.event_set import EventSet
from streamrec.errors import InvalidInput


def split_of(folder: Path, settings: LabSettings) -> Split:
    """Return the parts of the first step's data, of products alone where the settings say so.

    The cut is made before anything is left out, so that it does not depend on what models see.

    Raises
    ------
    CorruptArtifact, InvalidInput
        When a file is missing or torn; when nothing is left to train on.
    """
    split = split_by_time(read_data(folder).events, settings.split)
    if settings.models.products_only:
        split = Split(*(products_of(part) for part in split))
    if not len(split.training):
        raise InvalidInput("there is no event to train on: see [split] and models.products_only")
    return split


def rules_of(settings: LabSettings) -> CellRules:
    """Return how events count in training and in judgement: types that are not named do not."""
    return CellRules("count", dict(settings.models.weights), 0.0)


def unnamed_types(events: EventSet, settings: LabSettings) -> dict[str, int]:
    """Return the number of events of each type that `models.weights` does not name: they do not count."""
    n_of = np.bincount(events.types.codes, minlength=len(events.types.names)).tolist()
    pairs = zip(events.types.names, n_of, strict=True)
    return {name: n for name, n in pairs if n and name not in settings.models.weights}


def joined(split: Split) -> EventSet:
    """Return training and validation as the one history that they were."""
    one, other = split.training, split.validation
    return replace(
        one,
        users=one.users._replace(codes=np.concatenate([one.users.codes, other.users.codes])),
        items=one.items._replace(codes=np.concatenate([one.items.codes, other.items.codes])),
        types=one.types._replace(codes=np.concatenate([one.types.codes, other.types.codes])),
        timestamps=np.concatenate([one.timestamps, other.timestamps]),
        values=np.concatenate([one.values, other.values]),
        lines=np.concatenate([one.lines, other.lines]),
    )


def products_of(events: EventSet) -> EventSet:
    """Return the events and the catalogue without editorial items; what has no metadata is a product."""
    editorial = {item.item_id for item in events.catalog if is_editorial(item)}
    is_product = np.array([name not in editorial for name in events.items.names], bool)
    kept = events.where(is_product[events.items.codes]) if len(events) else events
    return replace(kept, catalog=tuple(item for item in events.catalog if item.item_id not in editorial))
