"""Several sources on the same users, compared apart and blended."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from lab.matrices.cells import CellRules
from lab.matrices.similarity import Similarity
from lab.matrices.user_items import UserItems, in_columns, read_user_items
from lab.models.contents import Contents, user_items_contents
from lab.models.neighbour_options import check_n_neighbours
from lab.models.parts import PartOptions, described, with_parts
from lab.models.tag_svd import TagSvd
from lab.models.user_model import UserModel
from lab.models.user_neighbours import UserNeighbours
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.item import Item
from streamrec.errors import CorruptArtifact, InvalidInput

SOURCE_MODELS: dict[str, type[UserModel]] = {model.kind: model for model in (UserNeighbours, TagSvd)}


class Source(msgspec.Struct, frozen=True):
    """One way of comparing users.

    Attributes
    ----------
    name
        Views, interests, assessments ...; each name once.
    weight
        Beside the other sources'; above 0.
    model
        Compares the users. Its options say which types of events are its own; `CellRules.only` makes such.
    """

    name: str
    weight: float
    model: UserModel


class _BlendOptions(msgspec.Struct, frozen=True):
    offered: CellRules
    n_neighbours: int
    sources: list[PartOptions]


class BlendedSimilarity:
    """The weighted mean of what the sources know of a pair.

    A source that knows nothing of one of the two is left out for this pair, and the weights of the others
    count in full (Gower 1971, A general coefficient of similarity, section 2: a comparison that can't be
    made weighs nothing). What no source can compare is unknown.

    Parameters
    ----------
    parts
        (weight, similarity) of each source; all have the same N rows.
    """

    def __init__(self, parts: Sequence[tuple[float, Similarity]]) -> None:
        self._parts = parts

    @property
    def n_rows(self) -> int:
        """N."""
        return self._parts[0][1].n_rows

    def scores(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (B, N) similarities of each of B rows to all; NaN where unknown."""
        totals, weights = np.zeros((2, len(rows), self.n_rows))
        for weight, similarity in self._parts:
            scores = similarity.scores(rows)
            is_known = ~np.isnan(scores)
            totals[is_known] += weight * scores[is_known]
            weights[is_known] += weight
        blended: NDArray[np.float64] = np.divide(
            totals, weights, out=np.full_like(totals, np.nan), where=weights > 0
        )
        return blended

    def supports(self, row: int, others: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return (K,) what a row and each of K others have in common, of all sources."""
        supports = np.zeros(len(others), np.int64)
        for _, similarity in self._parts:
            supports += similarity.supports(row, others)
        return supports


class BlendedSources(UserModel):
    """Compares users by several sources of one history.

    Parameters
    ----------
    sources
        At least one. All are fitted on the same events; each takes its own types of them.
    offered
        Which events' items are recommended: leave out the types whose items are none, as tags of interests.
    n_neighbours
        Neighbours that vote in a recommendation.

    Raises
    ------
    InvalidInput
        When there is no source, a name stands twice, or a weight is not above 0.
    """

    kind: ClassVar[str] = "blended-sources"

    def __init__(self, sources: Sequence[Source], offered: CellRules, n_neighbours: int = 50) -> None:
        check_n_neighbours(n_neighbours)
        if not sources or len({source.name for source in sources}) < len(sources):
            raise InvalidInput("a blend needs at least one source, and each name once")
        for source in sources:
            if not 0 < source.weight < np.inf:
                raise InvalidInput(f"the weight of {source.name} is {source.weight}; wanted more than 0")
        self._sources, self._offered, self._n_neighbours = tuple(sources), offered, n_neighbours
        # Not a fit of nothing: the sources may have been read from a file.
        self._set(read_user_items((), (), offered)[0])

    def fit(self, interactions: Iterable[Interaction], items: Sequence[Item] = ()) -> None:
        """Learn a history; see `BatchModel.fit`."""
        events = in_columns(interactions)
        matrix, _ = read_user_items(events, items, self._offered)
        for source in self._sources:
            source.model.fit(events, items)
        self._set(matrix)

    def contents(self) -> Contents:
        """Return all that a file must hold."""
        parts = [source.model.contents() for source in self._sources]
        options = _BlendOptions(self._offered, self._n_neighbours, described(self._sources, parts))
        return with_parts(user_items_contents(options, self.matrix), parts, share_matrix=False)

    @classmethod
    def restored(cls, contents: Contents) -> "BlendedSources":
        """Return the model that a file holds."""
        options = contents.options_as(_BlendOptions)
        matrix = contents.user_items()
        sources = []
        for number, one in enumerate(options.sources):
            if one.kind not in SOURCE_MODELS:
                raise CorruptArtifact(f"source {one.name}: no model of kind {one.kind!r}")
            part = contents.under(f"{number}/")._replace(options=one.options)
            model = SOURCE_MODELS[one.kind].restored(part)
            if model.similarity.n_rows != len(matrix.users):
                raise CorruptArtifact(f"source {one.name}: has other users than the blend")
            sources.append(Source(one.name, one.weight, model))
        blend = cls(sources, options.offered, options.n_neighbours)
        blend._set(matrix)
        return blend

    def _set(self, matrix: UserItems) -> None:
        self.matrix = matrix
        self.similarity = BlendedSimilarity(
            [(source.weight, source.model.similarity) for source in self._sources]
        )
