"""Which of the promotions that were asked for can be carried out: a question, which changes nothing."""

from streamrec.domain.generations.roles import Promotion, PromotionRequest, Roles
from streamrec.errors import CorruptArtifact
from streamrec.promotion.decision import decide

NOW = Roles("old", "new")


def ask(generation: str, at: float = 1.0) -> PromotionRequest:
    return PromotionRequest("promote", generation, at)


def any_generation(_generation: str) -> None:
    """All can be trained."""


def test_the_first_that_can_be_carried_out_is_and_those_behind_it_wait() -> None:
    requests = [ask("another"), ask("new", 2.0), ask("", 3.0)]
    decision = decide(requests, NOW, any_generation)
    assert decision.promotion == Promotion("promote", "new", "old", at=2.0)
    assert [refusal.request for refusal in decision.refusals] == [ask("another")]
    assert "not the challenger" in decision.refusals[0].reason
    assert decision.waiting == requests[1:]
    assert requests == [ask("another"), ask("new", 2.0), ask("", 3.0)]


def test_one_that_was_begun_already_is_passed_over_without_a_word() -> None:
    done = Promotion("promote", "new", "old", at=2.0, is_done=True)
    decision = decide([ask("new", 2.0)], Roles("new", "old", done), any_generation)
    assert decision == (None, [], [])


def test_a_generation_that_can_not_be_trained_is_refused() -> None:
    def nothing_to_read(generation: str) -> None:
        raise CorruptArtifact(f"{generation} has no checkpoint")

    decision = decide([ask("new")], NOW, nothing_to_read)
    assert (decision.promotion, decision.waiting) == (None, [])
    assert [refusal.reason for refusal in decision.refusals] == ["new has no checkpoint"]
