"""The learned blend as it is published, and read again."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from streamrec.domain.events.stream_time import UNKNOWN_TIME, StreamTime
from streamrec.domain.events.weights import USUAL_WEIGHTS, EventWeights
from streamrec.domain.ranking import context_columns, user_columns
from streamrec.domain.ranking.context_columns import n_features
from streamrec.domain.ranking.user_columns import SEGMENTS
from streamrec.domain.users.context import ContextRules
from streamrec.errors import Damaged
from streamrec.payload import decoded

COLUMNS = (*context_columns.NAMES, *user_columns.NAMES)
"""Names of the columns after those of the sources."""

_LARGEST = 1e9
"""No trained number comes near it; sums of products of such numbers still fit a float32."""


class TrainerRules(msgspec.Struct, frozen=True):
    """Rules by which the trainer reads events, for who goes by an event before it was learned.

    Attributes
    ----------
    context
        What a user's last items weigh in the user's vector.
    event_weights, default_event_weight
        See `EventWeights`.
    """

    context: ContextRules = ContextRules()
    event_weights: dict[str, float] = msgspec.field(default_factory=lambda: dict(USUAL_WEIGHTS))
    default_event_weight: float = 1.0

    def weights(self) -> EventWeights:
        """Return what each type of event weighs."""
        return EventWeights(self.event_weights, self.default_event_weight)


class Blend(msgspec.Struct, frozen=True):
    """Learned blend, as it is published.

    Attributes
    ----------
    sources
        Names, in the order of the columns of `Candidates`.
    columns
        Names of the columns after those of the sources: of candidates in their context, and of who asks.
    weights
        Segment -> a weight for each source, of its reciprocal ranks; not negative, they sum to 1.
    scale
        Segment -> what the weights were divided by.
    context
        Segment -> a weight for each column of candidates in their context, of either sign.
    hidden, hidden_bias, output
        The correction: (2 S + K + U, H), (H,), (H,).
    n_learned
        Events that it was learned from.
    time
        Of the stream, when it was published.
    rules
        Of the trainer that published it; usual ones, by which vectors stay as they are, in one of before.
    extra
        Names of extra sources, see `Candidates`; none in one of before.
    extra_weights, extra_hidden
        Their part: segment -> a weight for each, as it is; (2 E, H) of the correction.
    cohorts
        Tokens of those that have a ranking, see `streamrec.domain.users.cohorts`.
    """

    sources: tuple[str, ...]
    columns: tuple[str, ...]
    weights: dict[str, list[float]]
    scale: dict[str, float]
    context: dict[str, list[float]]
    hidden: list[list[float]]
    hidden_bias: list[float]
    output: list[float]
    n_learned: int = 0
    time: StreamTime = UNKNOWN_TIME
    rules: TrainerRules = TrainerRules()
    extra: tuple[str, ...] = ()
    extra_weights: dict[str, list[float]] = {}
    extra_hidden: list[list[float]] = []
    cohorts: tuple[int, ...] = ()

    def goes_by(self, sources: Sequence[str]) -> bool:
        """Return whether it was learned of these sources, and of the columns of this version."""
        return self.sources == tuple(sources) and self.columns == COLUMNS


_decode = msgspec.json.Decoder(Blend).decode


def decode_blend(written: str | bytes) -> Blend | None:
    """Read a blend; None for one of another version, and for what is none."""
    try:
        blend = decoded(_decode, written)
        decoded(TrainerRules.weights, blend.rules)
    except Damaged:
        return None
    return blend if _is_whole(blend) else None


def _is_whole(blend: Blend) -> bool:
    """Return whether weights and correction are of the sizes that its sources want."""
    n_sources, n_hidden, n_extra = len(blend.sources), len(blend.hidden_bias), len(blend.extra)
    return (
        all(len(blend.weights.get(name, ())) == n_sources and name in blend.scale for name in SEGMENTS)
        and all(len(blend.context.get(name, ())) == context_columns.N_COLUMNS for name in SEGMENTS)
        and len(blend.hidden) == n_features(n_sources)
        and (not n_extra or all(len(blend.extra_weights.get(name, ())) == n_extra for name in SEGMENTS))
        and len(blend.extra_hidden) == 2 * n_extra
        and all(len(row) == n_hidden for row in (*blend.hidden, *blend.extra_hidden, blend.output))
        and all(np.abs(np.array(numbers)).max(initial=0.0) < _LARGEST for numbers in _numbers(blend))
    )


def _numbers(blend: Blend) -> list[Any]:
    by_segment = [[*blend.weights[name], blend.scale[name], *blend.context[name]] for name in SEGMENTS]
    of_extra = [*blend.extra_weights.values(), *blend.extra_hidden]
    return [by_segment, blend.hidden, blend.hidden_bias, blend.output, *of_extra]
