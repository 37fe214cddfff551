"""A decision about the promotions that were asked for: which of them can be carried out."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from streamrec.domain.generations.roles import Promotion, PromotionRequest, Roles
from streamrec.errors import CorruptArtifact, InvalidInput


class Refusal(NamedTuple):
    """A request that can't be carried out, and why."""

    request: PromotionRequest
    reason: str


class Decision(NamedTuple):
    """Of some requests, the first that can be carried out.

    Attributes
    ----------
    promotion
        None: none can.
    refusals
        Those before it that can't be carried out.
    waiting
        It and those behind it.
    """

    promotion: Promotion | None
    refusals: list[Refusal]
    waiting: list[PromotionRequest]


def decide(
    requests: Sequence[PromotionRequest], roles: Roles, check_generation: Callable[[str], None]
) -> Decision:
    """Return what comes of requests, in their order.

    Parameters
    ----------
    check_generation
        Raises `CorruptArtifact` when a generation can't be trained.
    """
    refusals: list[Refusal] = []
    for number, request in enumerate(requests):
        if roles.is_known(request):
            continue  # a checkpoint from before its beginning brought it back
        try:
            promotion = roles.next_promotion(*request)
            check_generation(promotion.champion)
        except (InvalidInput, CorruptArtifact) as error:
            refusals.append(Refusal(request, str(error)))
            continue
        return Decision(promotion, refusals, list(requests[number:]))
    return Decision(None, refusals, [])
