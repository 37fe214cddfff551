"""Looks at a model before any of it goes out: what learning can't have come to is never passed on."""

from collections.abc import Mapping

from torch import Tensor

from models.bounds import flaw_of
from streamrec.errors import UnsoundModel


def demand_sound(tensors: Mapping[str, Tensor]) -> None:
    """Look at some of a model's rows, by their names in `GMF.tensors`.

    Raises
    ------
    UnsoundModel
        When one is not finite or beyond its bound.
    """
    if flaw := flaw_of(tensors):
        raise UnsoundModel(f"the model is damaged: {flaw}")
