"""Models that are made of other models, and held in one file with them."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from lab.models.batch_model import BatchModel
from lab.models.contents import Contents


class WeighedModel(Protocol):
    """A model, its name among the others, and its weight beside theirs."""

    @property
    def name(self) -> str:
        """Return the name, which no other has."""

    @property
    def weight(self) -> float:
        """Return the weight."""

    @property
    def model(self) -> BatchModel:
        """Return the model."""


class PartOptions(msgspec.Struct, frozen=True):
    """A part as a file holds it: its name and weight, and which model it is with which options."""

    name: str
    weight: float
    kind: str
    options: Any


def described(parts: Sequence[WeighedModel], contents: Sequence[Contents]) -> list[PartOptions]:
    """Return the options of parts, whose contents these are."""
    return [
        PartOptions(part.name, part.weight, part.model.kind, of_part.options)
        for part, of_part in zip(parts, contents, strict=True)
    ]


def with_parts(own: Contents, parts: Sequence[Contents], *, share_matrix: bool) -> Contents:
    """Return contents that hold those of parts as well, each under its number: ``0/`` and so on.

    Parameters
    ----------
    share_matrix
        Whether all parts have the matrix of the whole, which is held once then.
    """
    ids, arrays = dict(own.ids), dict(own.arrays)
    shared_ids, shared_arrays = (own.ids, own.arrays) if share_matrix else ((), ())
    for number, part in enumerate(parts):
        ids |= {f"{number}/{name}": of for name, of in part.ids.items() if name not in shared_ids}
        arrays |= {f"{number}/{name}": of for name, of in part.arrays.items() if name not in shared_arrays}
    return Contents(own.options, ids, arrays)
