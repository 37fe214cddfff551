"""Weights at the start, and the part of a blend that extra sources have: those for some users only."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.ranking.published_blend import Blend
from streamrec.domain.ranking.user_columns import SEGMENTS
from streamrec.domain.rows.state_part import Arrays
from streamrec.domain.rows.stored import stored

_Array = NDArray[np.float32]

_MEMORY = 0.9998
"""Squared gradients are remembered for some 5,000 steps: a rate that only ever fell could not follow when the
best source changes."""

_FIRST_SQUARE = 1e-2

_RATES = (0.03, 0.05)
"""Of the weights, and of the part in the correction."""

_STORED = ("extra_weights", "extra_hidden")
"""Names of the parameters in a checkpoint."""


def first_squares(parameters: Sequence[_Array]) -> list[_Array]:
    """Return what the squared gradients of parameters are taken for at the start."""
    return [np.full_like(parameter, _FIRST_SQUARE) for parameter in parameters]


def descend(
    parameters: Sequence[_Array],
    all_squares: Sequence[_Array],
    gradients: Sequence[_Array],
    rates: Sequence[float],
) -> None:
    """Let each parameter take a step of RMSProp, in place."""
    for parameter, squares, gradient, rate in zip(parameters, all_squares, gradients, rates, strict=True):
        squares *= _MEMORY
        squares += gradient * gradient
        parameter -= rate * gradient / np.sqrt(squares)


def equal_weights(kinds: Sequence[str], total: float) -> _Array:
    """Return (S,) weights of a sum: every kind of source has the same, and the sources of one kind share it.

    >>> equal_weights(["gmf", "popular", "popular"], 4.0).tolist()
    [2.0, 1.0, 1.0]
    """
    shares = np.array([1 / kinds.count(kind) for kind in kinds], np.float32)
    shares *= np.float32(total) / shares.sum()
    return shares


class ExtraSources:
    """Weights of E extra sources, and their 2 E rows of a correction of H units.

    Whoever has nothing of any of them is ranked, and teaches, as if there were none.

    Parameters
    ----------
    names
        In the order of their columns in `Candidates`.
    first_weight
        Of each, at the start.
    rows
        (2 E, H) of the correction, at the start.
    """

    def __init__(self, names: Sequence[str], first_weight: float, rows: _Array) -> None:
        self.names = tuple(names)
        self._weights: _Array = np.full((len(SEGMENTS), len(names)), first_weight, np.float32)
        self._hidden = rows
        self._squares = first_squares(self._parameters())

    def sums(self, columns: _Array, segment: int) -> _Array:
        """Return (N,) weighted sums of the ranks in (N, 2 E) columns."""
        sums: _Array = columns[:, : len(self.names)] @ self._weights[segment]
        return sums

    def weights(self, segment: int) -> _Array:
        """Return the (E,) weights of ranks."""
        weights: _Array = self._weights[segment]
        return weights

    def parts(self, columns: _Array, segment: int) -> _Array:
        """Return the (N, E) weighted ranks."""
        parts: _Array = columns[:, : len(self.names)] * (self._weights[segment] + np.float32(1e-6))
        return parts

    def activations(self, columns: _Array) -> _Array:
        """Return what (N, 2 E) columns add to the (N, H) inputs of the correction."""
        added: _Array = columns @ self._hidden
        return added

    def learn(self, columns: _Array, segment: int, errors: _Array, errors_of_units: _Array) -> None:
        """Take a step against the (N,) errors of the scores, and the (N, H) errors of the correction."""
        of_weights = np.zeros_like(self._weights)
        of_weights[segment] = errors @ columns[:, : len(self.names)]
        descend(self._parameters(), self._squares, [of_weights, columns.T @ errors_of_units], _RATES)
        np.maximum(self._weights, 0, out=self._weights)

    def published(self) -> Mapping[str, Any]:
        """Return the fields of a `Blend` that are about extra sources."""
        return {
            "extra": self.names,
            "extra_weights": {name: self._weights[n].tolist() for n, name in enumerate(SEGMENTS)},
            "extra_hidden": self._hidden.tolist(),
        }

    def take(self, blend: Blend) -> None:
        """Take over what is published of the same sources; of others, what is learned begins here."""
        n_own, n_published = len(self.names), len(blend.extra)
        for name in {*self.names} & {*blend.extra}:
            own, there = self.names.index(name), blend.extra.index(name)
            self._weights[:, own] = [blend.extra_weights[segment][there] for segment in SEGMENTS]
            self._hidden[own] = blend.extra_hidden[there]
            self._hidden[n_own + own] = blend.extra_hidden[n_published + there]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state, for a checkpoint."""
        squares = {f"squares.{name}": array for name, array in zip(_STORED, self._squares, strict=True)}
        return dict(zip(_STORED, self._parameters(), strict=True)) | squares if self.names else {}

    def load_arrays(self, arrays: Arrays) -> None:
        """Take over copies of what `arrays` returned; what was stored of other sources begins anew.

        Raises
        ------
        UnfitState
            When it is of another shape.
        """
        if not self.names or _STORED[0] not in arrays:
            return
        shapes = [parameter.shape for parameter in self._parameters()]
        by_name = list(zip(_STORED, shapes, strict=True))
        read = [stored(arrays, name, np.float32, *shape) for name, shape in by_name]
        self._squares = [stored(arrays, f"squares.{name}", np.float32, *shape) for name, shape in by_name]
        self._weights, self._hidden = read

    def _parameters(self) -> list[_Array]:
        return [self._weights, self._hidden]
