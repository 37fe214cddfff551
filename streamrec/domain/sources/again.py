"""Items that the user chose before, lately and often: for those who may be offered them again."""

from collections.abc import Mapping

import numpy as np

from streamrec.domain.popularity.ranked_item import RankedNumbers
from streamrec.domain.popularity.recency import again
from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.sources.findings import Findings
from streamrec.domain.sources.request_context import RequestContext
from streamrec.domain.sources.source import NOTHING, Label, Source, best_wanted


def propose(found: Findings, n: int) -> Proposal:
    """Return the user's own items; nothing when only new ones are wanted."""
    context = found.context
    if context.is_new_only:
        return NOTHING
    scores = again(context.recent)
    numbers = found.items.of(list(scores))
    is_there = numbers >= 0
    own = np.fromiter(scores.values(), np.float64, len(scores))
    return best_wanted(found, RankedNumbers(numbers[is_there], own[is_there]), n)


def causes(found: Findings, item_id: str) -> Mapping[str, float]:
    """Return the item itself."""
    return {item_id: 1.0}


def is_fixed(context: RequestContext) -> bool:
    """Return whether it proposes nothing at all."""
    return context.is_new_only


AGAIN = Source(
    name="again",
    needs=(),
    propose=propose,
    label=Label("again", "is what you chose before"),
    causes=causes,
    is_fixed=is_fixed,
)
