"""From a kind of model and options, as a command has them, to a model that can be fitted."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from lab.matrices.cells import CellRules, Cells
from lab.matrices.sparse_similarity import Measure
from lab.models.batch_model import BatchModel
from lab.models.blended_sources import BlendedSources, Source
from lab.models.item_neighbours import ItemNeighbours
from lab.models.neighbour_options import NeighbourOptions
from lab.models.tag_svd import Tags, TagSvd, TagSvdOptions
from lab.models.user_model import UserModel
from lab.models.user_neighbours import UserNeighbours
from streamrec.datasets.event_set import EventSet
from streamrec.domain.events.weights import EventWeights
from streamrec.errors import InvalidInput

KINDS = (ItemNeighbours.kind, UserNeighbours.kind, TagSvd.kind)


@dataclass(frozen=True)
class Wanted:
    """A kind of model and the options of all kinds: each takes its own.

    Attributes
    ----------
    kind
        One of `KINDS`.
    weights
        Of event types, where there are no `sources`.
    cells
        None: what suits the model, mean values for `TagSvd`, else counts.
    sources
        Event type -> weight: users are compared by each type apart, by models of this kind, and blended.
    tag_types
        Of `sources`, those whose items are tags themselves; such items are never recommended.
    """

    kind: str
    weights: EventWeights
    cells: Cells | None = None
    measure: Measure = "cosine"
    shrinkage: float = 10.0
    n_neighbours: int = 50
    n_dims: int = 50
    seed: int = 0
    sources: Mapping[str, float] = field(default_factory=dict)
    tag_types: frozenset[str] = frozenset()


def model_for(wanted: Wanted, events: EventSet) -> BatchModel:
    """Return a model that is not fitted yet.

    Parameters
    ----------
    events
        What it will be fitted on: a source of events without values can only be counted.

    Raises
    ------
    InvalidInput
        When there is no such kind, or options do not go together.
    """
    if wanted.kind not in KINDS:
        raise InvalidInput(f"no model {wanted.kind!r}; there are {', '.join(KINDS)}")
    if wanted.sources:
        return _blend(wanted, events)
    if wanted.tag_types:
        raise InvalidInput("types of tags must be among the sources, and there are no sources")
    rules = CellRules(_cells(wanted), wanted.weights.given, wanted.weights.default)
    if wanted.kind == ItemNeighbours.kind:
        return ItemNeighbours(_neighbour_options(wanted, rules))
    return _user_model(wanted, rules, is_of_tags=False)


def _blend(wanted: Wanted, events: EventSet) -> BlendedSources:
    if wanted.kind == ItemNeighbours.kind:
        raise InvalidInput(f"sources are blended to compare users; {wanted.kind} compares items")
    unlisted = wanted.tag_types - set(wanted.sources)
    if unlisted:
        raise InvalidInput(f"types of tags must be among the sources: {', '.join(sorted(unlisted))}")
    models = {type_: _source_model(wanted, type_, events) for type_ in wanted.sources}
    offered = CellRules.only(*sorted(set(wanted.sources) - wanted.tag_types))
    sources = [Source(type_, weight, models[type_]) for type_, weight in wanted.sources.items()]
    return BlendedSources(sources, offered, wanted.n_neighbours)


def _source_model(wanted: Wanted, type_: str, events: EventSet) -> UserModel:
    names = list(events.types.names)
    is_of_type = events.types.codes == (names.index(type_) if type_ in names else -1)
    if not is_of_type.any():
        raise InvalidInput(f"there is no event of type {type_!r} to make a source of")
    cells = _cells(wanted) if np.isfinite(events.values[is_of_type]).any() else "count"
    return _user_model(wanted, CellRules.only(type_, cells=cells), is_of_tags=type_ in wanted.tag_types)


def _user_model(wanted: Wanted, rules: CellRules, *, is_of_tags: bool) -> UserModel:
    if wanted.kind == UserNeighbours.kind:
        return UserNeighbours(_neighbour_options(wanted, rules))
    tags: Tags = "item_ids" if is_of_tags else "categories"
    return TagSvd(TagSvdOptions(rules, tags, wanted.n_dims, wanted.n_neighbours, wanted.seed))


def _neighbour_options(wanted: Wanted, rules: CellRules) -> NeighbourOptions:
    return NeighbourOptions(rules, wanted.measure, wanted.shrinkage, wanted.n_neighbours)


def _cells(wanted: Wanted) -> Cells:
    return wanted.cells or ("mean_value" if wanted.kind == TagSvd.kind else "count")
