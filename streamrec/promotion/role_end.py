"""The end of a trainer's role: by a promotion, by another champion, or for a better role."""

from collections.abc import Sequence
from pathlib import Path

import structlog

from streamrec.domain.generations.roles import Promotion, PromotionRequest
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.ports import Metrics
from streamrec.promotion.decision import decide
from streamrec.promotion.roles import HeldRole, TrainerRoles


class RoleEnd:
    """Settles, as often as a status is shown, whether a role ends.

    A request for a promotion stays in the trainer's state, and so in its checkpoints, until it is refused or
    begun: a crash behind the command's offset in the log does not lose it.

    Attributes
    ----------
    is_over
        Whether the role has ended.
    promotion
        The one that is to be carried out then; None: none.
    """

    def __init__(self, held: HeldRole, roles: TrainerRoles, artifacts_dir: Path, metrics: Metrics) -> None:
        self._held = held
        self._roles = roles
        self._artifacts_dir = artifacts_dir
        self._metrics = metrics
        self.is_over = False
        self.promotion: Promotion | None = None

    def settle(self, requests: Sequence[PromotionRequest]) -> list[PromotionRequest]:
        """Refuse what can't be carried out, and take a better role if it is free; return what waits on.

        While the roles can't be read, requests wait and the role goes on.
        """
        if self._held.role != "champion":
            requests = []  # the champion's to carry out
        waiting = self._decide(requests)
        is_lost = self.promotion is not None or not self._roles.has(self._held)
        self.is_over = is_lost or self._roles.take_better(self._held)
        return waiting

    def _decide(self, requests: Sequence[PromotionRequest]) -> list[PromotionRequest]:
        if not requests or self.promotion is not None or (roles := self._roles.readable()) is None:
            return list(requests)
        decision = decide(requests, roles, self._check_generation)
        for request, reason in decision.refusals:
            self._metrics.count("promotions.refused")
            structlog.get_logger().warning(
                "promotion_refused", command=request.name, generation=request.generation, error=reason
            )
        self.promotion = decision.promotion
        return decision.waiting

    def _check_generation(self, generation: str) -> None:
        Checkpoints(self._artifacts_dir, generation).check()
