"""Items nearest to the user's own vector, or, for an unknown user, to the item that is looked at."""

from collections.abc import Mapping

from streamrec.domain.popularity.ranked_item import RankedNumbers
from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.sources.findings import Findings
from streamrec.domain.sources.request_context import RequestContext
from streamrec.domain.sources.source import NEAREST, NOTHING, Label, Similarity, Source, first_wanted


def propose(found: Findings, n: int) -> Proposal:
    """Return the index's best; nothing when it has neither the user's generation nor the item."""
    context = found.context
    if found.nearest is None or (context.vector is None and context.item_id is None):
        return NOTHING
    numbers, scores, is_logit = found.nearest.ranking
    if found.fulfilling is not None:
        # The index knows who was banned, and nothing of conditions.
        return first_wanted(found, RankedNumbers(numbers, scores), n)._replace(is_logit=is_logit)
    return Proposal(numbers[:n], scores[:n], is_logit)


def causes(found: Findings, item_id: str) -> Mapping[str, float]:
    """Return the item looked at; all that a user chose is merged in their vector."""
    looked_at = found.context.item_id
    return {} if is_fixed(found.context) or looked_at is None else {looked_at: 1.0}


def is_fixed(context: RequestContext) -> bool:
    """Return whether it goes by the user's vector, which stays as it is, or by nothing."""
    return context.vector is not None or context.item_id is None


GMF = Source(
    name="gmf",
    needs=(NEAREST,),
    propose=propose,
    label=Label("gmf", "fits all that you chose so far"),
    label_without_vector=Label("similar", "is like what you look at"),
    causes=causes,
    is_fixed=is_fixed,
    similarity=Similarity("vector", "by the model's vectors"),
)
