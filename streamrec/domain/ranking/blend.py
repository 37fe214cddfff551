"""Blend of several sources: a small ranking network that learns from what users did next."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.stream_time import UNKNOWN_TIME, StreamTime
from streamrec.domain.ranking import context_columns
from streamrec.domain.ranking.candidates import Candidates, Described
from streamrec.domain.ranking.context_columns import context_of, n_features
from streamrec.domain.ranking.levels import heaviest_ranks, probabilities_of, softmax
from streamrec.domain.ranking.published_blend import COLUMNS, Blend
from streamrec.domain.ranking.user_columns import SEGMENTS
from streamrec.domain.rows.state_part import Arrays, StatePart
from streamrec.domain.rows.stored import stored
from streamrec.domain.sources.extra_weights import ExtraSources, descend, equal_weights, first_squares
from streamrec.errors import UnfitState

_N_HIDDEN = 64
"""Units of the correction: with 16 or 32 a catalogue of many items ranks worse."""

_FIRST_TOTAL = 4.0
"""Sum of the equal weights at the start. Only proportions matter to a ranking, but the sum sets the
confidence, and so the size of the first steps."""

_RATES = (0.03, 0.03, 0.05, 0.05, 0.05)
"""Of the parameters in the order of `_STORED`."""

_STORED = ("weights", "context", "hidden", "hidden_bias", "output")

_Array = NDArray[np.float32]


class BlendRanker(StatePart):
    """Scores candidates: a weighted sum of reciprocal ranks and context columns, plus a one-layer correction.

    The sum of ranks alone, with equal weights, is what it starts from. The weights of context columns start
    at zero, and so does the correction, which learns what a sum can't say: that a source counts only when
    another agrees, or for users who are new.
    All learn together by the softmax loss over all candidates (ListNet's top-one form: Cao et al. 2007,
    Learning to rank: from pairwise approach to listwise approach, section 4.2), with a rate per parameter as
    in RMSProp.

    Parameters
    ----------
    kinds
        Kind of each source: those of one kind share a weight at the start. Empty: each is one of its own.
    extra
        Names of extra sources, see `Candidates`. Each starts with the weight of a kind.

    >>> from streamrec.domain.ranking.candidates import Proposal
    >>> from streamrec.domain.rows.item_numbers import ItemNumbers
    >>> from streamrec.domain.ranking.user_columns import Asker
    >>> ranker = BlendRanker(("good", "bad"))
    >>> items, scores = ItemNumbers(), np.array([2.0, 1.0])
    >>> x, y = items.of(["x", "y"])
    >>> proposals = {
    ...     "good": Proposal(np.array([x, y]), scores), "bad": Proposal(np.array([y, x]), scores)
    ... }
    >>> candidates = Candidates(ranker.sources, proposals, Asker(9), items)
    >>> for _ in range(100):
    ...     ranker.learn(candidates, x)
    >>> items.ids_at([candidates.numbers[ranker.scores(candidates).argmax()]])
    ['x']
    """

    def __init__(
        self, sources: Sequence[str], seed: int = 0, *, kinds: Sequence[str] = (), extra: Sequence[str] = ()
    ) -> None:
        n = n_features(len(sources))
        chance = np.random.default_rng(seed)
        self.sources = tuple(sources)
        self.n_learned = 0
        self._weights: _Array = np.tile(
            equal_weights(kinds or self.sources, _FIRST_TOTAL), (len(SEGMENTS), 1)
        )
        self._context: _Array = np.zeros((len(SEGMENTS), context_columns.N_COLUMNS), np.float32)
        self._hidden: _Array = chance.normal(0, n**-0.5, (n, _N_HIDDEN)).astype(np.float32)
        self._hidden_bias: _Array = np.zeros(_N_HIDDEN, np.float32)
        self._output: _Array = np.zeros(_N_HIDDEN, np.float32)
        self._squares = first_squares(self._parameters())
        # Drawn after all others, which therefore are what they are without any.
        rows = chance.normal(0, n**-0.5, (2 * len(extra), _N_HIDDEN)).astype(np.float32)
        self._extra = ExtraSources(extra, _FIRST_TOTAL / len({*(kinds or self.sources)}), rows)

    def scores(self, candidates: Candidates) -> _Array:
        """Return (N,) scores; higher is better."""
        return self._forward(candidates)[1]

    def probabilities(self, candidates: Described) -> _Array:
        """Return (N,) how probably each candidate is the one chosen next, if it is any of them."""
        return probabilities_of(*self._products(candidates), self._hidden_bias, self._output)

    def shares(self, candidates: Candidates, rows: Sequence[int]) -> _Array:
        """Return each source's share of the weighted ranks: (M, S), (M, S + E) with extra ones; 1 in sum."""
        shares = self._parts(candidates, rows)
        shares /= shares.sum(axis=1, keepdims=True)
        return shares

    def main_sources(self, candidates: Candidates, rows: Sequence[int]) -> list[str]:
        """Return, of (M,) candidates, the source whose rank weighs most."""
        segment, columns = SEGMENTS.index(candidates.segment), candidates.features.T
        weights, n_plain = self._weights[segment], len(self._hidden)
        if len(columns) > n_plain:
            weights = np.concatenate([weights, self._extra.weights(segment)])
        heaviest = heaviest_ranks(columns, np.asarray(rows, np.int64), weights, len(self.sources), n_plain)
        names = (*self.sources, *self._extra.names)
        return [names[source] for source in heaviest.tolist()]

    def context_parts(self, candidates: Candidates, rows: Sequence[int]) -> _Array:
        """Return, of (M,) candidates, (M, K) how much a score rises by each context column.

        Beside a mean candidate's, that is; the correction counts as it is at the candidate: linear there.
        """
        of_context = context_of(candidates.n_sources)
        features = candidates.features[np.asarray(rows, np.int64)]
        is_active = self._inputs(features) + self._hidden_bias > 0
        slopes = (self._output * is_active) @ self._hidden[of_context].T
        slopes += self._context[SEGMENTS.index(candidates.segment)]
        parts: _Array = slopes * (features[:, of_context] - candidates.context_means)
        return parts

    def learn(self, candidates: Candidates, chosen: int) -> None:
        """Take one step towards the item that the user chose; none when no source proposed it."""
        row = candidates.row_of(chosen)
        if row < 0:
            return
        active, scores = self._forward(candidates)
        errors = softmax(scores)
        errors[row] -= 1
        segment, n_sources = SEGMENTS.index(candidates.segment), candidates.n_sources
        grad_weights, grad_context = np.zeros_like(self._weights), np.zeros_like(self._context)
        grad_weights[segment] = errors @ candidates.features[:, :n_sources]
        grad_context[segment] = errors @ candidates.features[:, context_of(n_sources)]
        grad_active = (errors[:, None] * self._output) * (active > 0)
        plain, extra = self._split(candidates.features)
        grad_hidden = plain.T @ grad_active
        gradients = [grad_weights, grad_context, grad_hidden, grad_active.sum(axis=0), errors @ active]
        descend(self._parameters(), self._squares, gradients, _RATES)
        np.maximum(self._weights, 0, out=self._weights)
        if extra is not None:
            self._extra.learn(extra, segment, errors, grad_active)
        self.n_learned += 1

    def published(self, time: StreamTime = UNKNOWN_TIME) -> Blend:
        """Return what was learned, as others may use it, at a time of the stream."""
        totals = np.maximum(self._weights.sum(axis=1), 1e-6)
        return Blend(
            self.sources,
            COLUMNS,
            weights={name: (self._weights[n] / totals[n]).tolist() for n, name in enumerate(SEGMENTS)},
            scale={name: float(totals[n]) for n, name in enumerate(SEGMENTS)},
            context={name: self._context[n].tolist() for n, name in enumerate(SEGMENTS)},
            hidden=self._hidden.tolist(),
            hidden_bias=self._hidden_bias.tolist(),
            output=self._output.tolist(),
            n_learned=self.n_learned,
            time=time,
            **self._extra.published(),
        )

    @classmethod
    def of(cls, blend: Blend, extra: Sequence[str] = ()) -> "BlendRanker":
        """Return a ranker that scores as the published one does."""
        ranker = cls(blend.sources, extra=extra)
        ranker._weights = np.array(
            [np.array(blend.weights[name]) * blend.scale[name] for name in SEGMENTS], np.float32
        )
        ranker._context = np.array([blend.context[name] for name in SEGMENTS], np.float32)
        ranker._hidden = np.array(blend.hidden, np.float32)
        ranker._hidden_bias = np.array(blend.hidden_bias, np.float32)
        ranker._output = np.array(blend.output, np.float32)
        ranker._extra.take(blend)
        ranker.n_learned = blend.n_learned
        return ranker

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state, for a checkpoint."""
        state: dict[str, NDArray[Any]] = dict(zip(_STORED, self._parameters(), strict=True))
        state |= {f"squares.{name}": array for name, array in zip(_STORED, self._squares, strict=True)}
        return state | self._extra.arrays() | {"n_learned": np.array([self.n_learned])}

    def entries(self) -> list[str]:
        """Return the names of sources and columns in the order of their weights, for a checkpoint."""
        return [*self.sources, *COLUMNS]

    def load_entries(self, entries: Sequence[str]) -> None:
        """Check that what is stored was learned of the same sources and columns."""
        if list(entries) != self.entries():
            learned_of = ", ".join(map(str, entries))
            raise UnfitState(f"it was learned of {learned_of}, and goes by {', '.join(self.entries())}")

    def load_arrays(self, arrays: Arrays) -> None:
        """Take over copies of what `arrays` returned, for the same sources."""
        shapes = [parameter.shape for parameter in self._parameters()]
        read = [stored(arrays, name, np.float32, *shape) for name, shape in zip(_STORED, shapes, strict=True)]
        squares = [
            stored(arrays, f"squares.{name}", np.float32, *shape)
            for name, shape in zip(_STORED, shapes, strict=True)
        ]
        (n_learned,) = stored(arrays, "n_learned", np.int64, 1)
        self._extra.load_arrays(arrays)
        self._weights, self._context, self._hidden, self._hidden_bias, self._output = read
        self._squares, self.n_learned = squares, int(n_learned)

    def _parameters(self) -> list[_Array]:
        return [self._weights, self._context, self._hidden, self._hidden_bias, self._output]

    def _split(self, features: _Array) -> tuple[_Array, _Array | None]:
        """Return the columns that all candidates have, and those of extra sources where there are any."""
        n_plain = len(self._hidden)
        if features.shape[1] == n_plain:
            return features, None
        return features[:, :n_plain], features[:, n_plain:]

    def _inputs(self, features: _Array) -> _Array:
        """Return what goes into the (N, H) hidden units."""
        plain, extra = self._split(features)
        inputs: _Array = plain @ self._hidden
        return inputs if extra is None else inputs + self._extra.activations(extra)

    def _parts(self, candidates: Candidates, rows: Sequence[int]) -> _Array:
        """Return, of (M,) candidates, (M, S) or (M, S + E) the weighted ranks by source."""
        segment = SEGMENTS.index(candidates.segment)
        plain, extra = self._split(candidates.features[np.asarray(rows, np.int64)])
        parts: _Array = plain[:, : candidates.n_sources] * (self._weights[segment] + np.float32(1e-6))
        return parts if extra is None else np.hstack([parts, self._extra.parts(extra, segment)])

    def _forward(self, candidates: Candidates) -> tuple[_Array, _Array]:
        """Return the (N, H) active hidden units and the (N,) scores."""
        sums, hidden = self._products(candidates)
        active = np.maximum(hidden + self._hidden_bias, 0)
        return active, sums + active @ self._output

    def _products(self, candidates: Described) -> tuple[_Array, _Array]:
        """Return the (N,) weighted sums, and what goes into the (N, H) hidden units."""
        features, n_sources = candidates.features, candidates.n_sources
        segment = SEGMENTS.index(candidates.segment)
        sums = features[:, :n_sources] @ self._weights[segment]
        sums += features[:, context_of(n_sources)] @ self._context[segment]
        _, extra = self._split(features)
        if extra is not None:
            sums += self._extra.sums(extra, segment)
        return sums, self._inputs(features)
