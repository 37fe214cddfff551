"""A variant that the challenger answers, and what becomes of it when that is promoted or falls silent."""

from typing import Any

import msgspec
import numpy as np
import pytest

from streamrec.domain.experiments.definition import Changes, Experiment, Guardrail
from streamrec.domain.generations.challenger import ChallengerStatus, ChallengerUser
from streamrec.domain.ranking.recommendation import Recommendations
from streamrec.domain.sources.table import first_blend
from streamrec.domain.status.report import TrainerReport
from streamrec.domain.users.user import UserState
from streamrec.errors import Conflict, InvalidInput, Unavailable
from streamrec.ports import Lease, UserUpdates
from streamrec.serving.experiments.challenger import TRUSTED_S
from tests.unit.serving.experiments.shop import Shop, experiment

BY_CHALLENGER = Changes(generation="challenger", sources=("gmf",))
BY_CHAMPION = Changes(sources=("gmf",))
VECTOR = np.array([1, 0.2, 1], "<f4").tobytes()


def wanted(*changes: Changes, **fields: Any) -> Experiment:
    return experiment("x", *(changes or (BY_CHALLENGER, BY_CHALLENGER)), **{"challenger": "g2"} | fields)


class Challenged(Shop):
    """A shop whose challenger knows the even users."""

    def __init__(self) -> None:
        super().__init__()
        self.n_told = 0
        lease = self.store.acquire("trainer-challenger", "test", 10.0, 0.0)
        assert lease is not None
        self.lease: Lease = lease
        self.store.publish_challenger([ChallengerUser(f"u{n}", "g2", VECTOR) for n in (0, 2, 4)], [], lease)

    def tell(self, generation: str = "g2", *, has_users: bool = True) -> None:
        self.n_told += 1
        blend = first_blend().published()
        self.cache.publish_challenger(ChallengerStatus(generation, blend, has_users, float(self.n_told)))

    async def hear(self, generation: str = "g2", *, has_users: bool = True) -> None:
        for _ in range(2):
            self.tell(generation, has_users=has_users)
            await self.experimenting.running.refresh()

    @property
    def paused(self) -> dict[str, str]:
        return self.experimenting.running.paused


async def listed(shop: Shop, user_id: str) -> tuple[list[str], Recommendations]:
    answer = await shop.ask(user_id)
    return [item.item_id for item in answer.items], answer


async def test_the_challengers_vectors_answer_its_variant() -> None:
    shop = Challenged()
    plain, _ = await listed(shop, "u2")
    await shop.put(wanted())
    await shop.hear()
    assert shop.paused == {}
    of_challenger, answer = await listed(shop, "u2")
    assert answer.generation == "g2"
    assert answer.experiments
    assert {item.source for item in answer.items} == {"gmf"}
    assert set(of_challenger).isdisjoint(plain)
    shown = await shop.exposures()
    assert [(one.generation, one.experiments[0][0]) for one in shown] == [("g2", "x")]


async def test_both_generations_answer_side_by_side() -> None:
    shop = Challenged()
    await shop.put(wanted(BY_CHAMPION, BY_CHALLENGER))
    await shop.hear()
    known = {f"u{n}" for n in range(40)}
    shop.store.publish_challenger([ChallengerUser(id_, "g2", VECTOR) for id_ in known], [], shop.lease)
    generations = {"a": "g1", "b": "g2"}
    met = set()
    for user_id in sorted(known):
        answer = await shop.ask(user_id)
        assert answer.experiments
        met.add(answer.experiments["x"])
        assert answer.generation == generations[answer.experiments["x"]]
    assert met == {"a", "b"}


async def test_an_interleaved_list_has_items_of_both() -> None:
    shop = Challenged()
    await shop.put(wanted(BY_CHAMPION, BY_CHALLENGER, design="interleaved"))
    await shop.hear()
    answer = await shop.ask("u2")
    teams = {item.team: item.item_id for item in answer.items}
    assert teams.keys() == {"a", "b"}
    plain, _ = await listed(Challenged(), "u2")
    assert any(item.item_id in plain for item in answer.items)
    assert not all(item.item_id in plain for item in answer.items)


async def test_a_user_whom_the_challenger_does_not_know_is_answered_by_what_is_left() -> None:
    shop = Challenged()
    await shop.put(wanted(Changes(generation="challenger"), Changes(generation="challenger")))
    await shop.hear()
    for user_id in ("u1", "nobody"):
        _, answer = await listed(shop, user_id)
        assert len(answer.items) == 6
        assert "gmf" not in {item.source for item in answer.items}
        assert not answer.degraded
    assert shop.metrics.counts["recommender.challenger_users_missing"] == 1


async def test_a_vector_of_another_generation_is_not_compared() -> None:
    shop = Challenged()
    await shop.put(wanted())
    await shop.hear()
    shop.store.publish_challenger([ChallengerUser("u2", "g0", VECTOR * 2)], [], shop.lease)
    assert "gmf" not in {item.source for item in (await shop.ask("u2")).items}


async def test_what_was_chosen_a_moment_ago_is_left_out_in_each_variant() -> None:
    shop = Challenged()
    await shop.put(wanted())
    await shop.hear()
    first, _ = await listed(shop, "u2")
    state = UserState("u2", "g1", VECTOR, ("i3", first[0]), (), 6, 6.0)
    lease = shop.store.acquire("trainer", "test", 10.0, 1.0)
    assert lease is not None
    shop.store.publish_users(UserUpdates([state], [("u2", first[0], 6.0)]), lease)
    later, _ = await listed(shop, "u2")
    assert first[0] not in later
    assert later[0] == first[1]


async def test_a_promoted_challenger_pauses_the_experiment_and_a_rollback_ends_the_pause() -> None:
    shop = Challenged()
    plain, _ = await listed(shop, "u2")
    await shop.put(wanted())
    await shop.hear()
    shop.tell("g1")
    await shop.experimenting.running.refresh()
    assert "'g2' is not the challenger any more, 'g1' is" in shop.paused["x"]
    ids, answer = await listed(shop, "u2")
    assert (ids, bool(answer.experiments), answer.degraded) == (plain, False, False)
    assert shop.metrics.counts["recommender.experiments_paused"] > 0
    shop.tell("g2")
    await shop.experimenting.running.refresh()
    assert shop.paused == {}
    assert (await shop.ask("u2")).experiments


async def test_a_challenger_that_is_silent_or_not_ready_pauses_the_experiment() -> None:
    shop = Challenged()
    other = experiment("other", Changes(), Changes(), layer="page")
    await shop.put(wanted(), other)
    assert "nothing is published" in shop.paused["x"]
    shop.tell()
    await shop.experimenting.running.refresh()
    assert "nothing new was heard" in shop.paused["x"], "what stands there may be of long ago"
    await shop.hear(has_users=False)
    assert "are being published" in shop.paused["x"]
    await shop.hear()
    assert shop.paused == {}
    challenger = shop.serving.usual.challenger
    challenger._heard_at -= TRUSTED_S  # noqa: SLF001  # a minute passes
    await shop.experimenting.running.refresh()
    assert "nothing new was heard" in shop.paused["x"]
    answer = await shop.ask("u2")
    assert answer.experiments
    assert answer.experiments.keys() == {"other"}, "others go on"
    await shop.hear()
    assert shop.paused == {}


async def test_while_the_cache_is_away_what_was_heard_counts_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = Challenged()
    await shop.put(wanted())
    await shop.hear()

    async def away() -> None:
        raise Unavailable("the cache is away")

    monkeypatch.setattr(shop.cache, "challenger", away)
    await shop.experimenting.running.refresh()
    assert shop.paused == {}
    assert (await shop.ask("u2")).generation == "g2"


async def test_an_era_keeps_the_challenger_that_it_began_with() -> None:
    shop = Challenged()
    editor = shop.experimenting.editor
    draft = await editor.put(wanted(state="draft", challenger=None), after=0)
    assert draft.challenger is None
    with pytest.raises(InvalidInput, match="no challenger"):
        await editor.put(wanted(challenger=None), after=1)
    shop.tell("g2")
    running = await editor.put(wanted(challenger="mine"), after=1)
    assert running.challenger == "g2"
    shop.tell("g3")
    assert (await editor.ramp("x", 50.0)).challenger == "g2"
    renamed = await editor.put(wanted(ramp=50.0, guardrails=(Guardrail("clicks", 0.1),)), after=3)
    stopped = await editor.stop("x", "")
    assert stopped.challenger == "g2"
    again = await editor.put(msgspec.structs.replace(renamed, state="running"), after=stopped.version)
    assert again.challenger == "g3"
    without = await editor.put(wanted(Changes(), Changes()), after=again.version)
    assert without.challenger is None


async def test_the_one_that_was_promoted_a_moment_ago_is_not_taken_for_the_challenger() -> None:
    shop = Challenged()
    editor = shop.experimenting.editor
    shop.tell("g2")
    shop.cache.publish_report(TrainerReport(1.0, "g2", 0.0, []), [])
    with pytest.raises(Conflict, match="'g2' was promoted"):
        await editor.put(wanted(challenger=None), after=0)
    shop.tell("g1")
    assert (await editor.put(wanted(challenger=None), after=0)).challenger == "g1"
