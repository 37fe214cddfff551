"""Basis of an answer, and the reason why it is not about who asks, where it is not."""

from collections.abc import Sequence

from streamrec.domain.ranking.recommendation import (
    BasedOn,
    PopularBecause,
    RecommendationRequest,
    RecommendedItem,
)
from streamrec.domain.sources.request_context import RequestContext
from streamrec.domain.sources.table import LABELS


def fallback_reason(
    context: RequestContext, generation: str | None, failed: frozenset[str], *, is_short: bool
) -> str | None:
    """Return why the user's own vector had no part in the answer, or items are missing; else None."""
    if context.vector is None:
        return "stranger"
    if "index" in failed:
        return "index_unavailable"
    if generation is None:
        return "generation_not_served"
    return "too_few_candidates" if is_short else None


def based_on(items: Sequence[RecommendedItem], context: RequestContext, generation: str | None) -> BasedOn:
    """Return which input the best part of an answer is based on."""
    if not items:
        return "popular_items"
    # The user's own vector had its say in the order, even where what is popular speaks for each item most.
    if context.vector is not None and generation is not None:
        return "user_id"
    if not any(LABELS[item.source].is_personal for item in items):
        return "popular_items"
    return "item_id" if context.is_by_item else "user_id"


def popular_because(
    basis: BasedOn, request: RecommendationRequest, context: RequestContext, failed: frozenset[str]
) -> PopularBecause | None:
    """Return why nothing in an answer goes by who asks; None where something does."""
    if basis != "popular_items":
        return None
    if request.user_id is None and request.item_id is None:
        return "anybody"
    is_known = context.generation is not None or context.n_events > 0
    if "store" in failed and not is_known and request.user_id is not None:
        return "store_unavailable"
    if "index" in failed:
        return "index_unavailable"
    if "cache" in failed:
        return "cache_unavailable"
    if is_known:
        return "nothing_fits"
    return "unknown_user" if request.item_id is None else "unknown_item"
