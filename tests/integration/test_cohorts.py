"""What people with the same attributes choose is offered to whoever has hardly chosen anything yet."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streamrec.domain.sources.cohorts import COHORTS, ranking_of
from streamrec.domain.users.cohorts import cohorts_of
from tests.builders import events
from tests.integration.test_unpublished_choices import Stack, n_odd, stack_of

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

JOBS = ("nurse", "cook")
N_PEOPLE, N_OF_A_JOB = 15, 60


class Town(Stack):
    """Nurses choose even items, and cooks odd ones."""

    async def give(self, user_id: str, **attributes: Any) -> None:
        body = {"attributes": attributes}
        assert (await self.client.call("PUT", f"/v1/users/{user_id}", json=body)).status == 204

    async def live(self) -> None:
        """Let people choose, and the trainer publish it."""
        chance = np.random.default_rng(1)
        for number in range(2 * N_PEOPLE):
            await self.give(f"u{number}", job=JOBS[number % 2].title(), born=number)
        for _ in range(10):
            self.world.send(
                *events(
                    *(
                        # Few are chosen often, and many seldom.
                        (f"u{number}", f"i{2 * int(N_OF_A_JOB * chance.random() ** 2) + number % 2}")
                        for number in range(2 * N_PEOPLE)
                    )
                )
            )
            self.learn()


@pytest.fixture(params=["sqlite", "redis"])
async def town(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Town]:
    sent = events(("somebody", "i0"), ("somebody", "i1"))
    async with stack_of(Town, request, tmp_path, sent, lambda trainer: trainer.step(3)) as made:
        await made.live()
        yield made


async def test_who_chose_nothing_yet_gets_what_people_like_them_choose(town: Town) -> None:
    await town.give("n", job="NURSE", zip="never seen <script>")
    await town.give("c", job="cook")
    answer = await town.answer("n", more="&explain=true")
    assert n_odd([item["item_id"] for item in answer["items"]]) <= 2
    assert n_odd(await town.offered("c")) >= 8
    assert answer["based_on"] == "user_id"
    assert {item["source"] for item in answer["items"]} >= {COHORTS.label.name}
    assert any(COHORTS.name in item["explanation"]["sources"] for item in answer["items"])


async def test_their_attributes_count_from_the_next_list_on_and_end_with_them(town: Town) -> None:
    nobody = await town.offered("somebody else")
    await town.give("n", job="nurse")
    assert n_odd(await town.offered("n")) <= 2
    await town.give("n", job="cook")
    assert n_odd(await town.offered("n")) >= 8
    await town.give("n", faith="none")
    assert await town.offered("n") == nobody
    assert (await town.client.call("DELETE", "/v1/users/n")).status == 204
    assert (await town.answer("n"))["based_on"] == "popular_items"


async def test_a_first_choice_does_not_end_it(town: Town) -> None:
    await town.give("n", job="nurse")
    await town.choose("i0", user_id="n")
    town.learn()
    assert n_odd(await town.offered("n")) <= 3


async def test_erased_people_and_deleted_items_leave_the_rankings(town: Town) -> None:
    (token,) = (cohort.token for cohort in cohorts_of({"job": "nurse"}))
    ranked = {item.item_id for item in await town.cache.popular(ranking_of(token), 100)}
    assert "i0" in ranked
    assert not re.search("job|nurse", ranking_of(token))
    assert (await town.client.call("DELETE", "/v1/items/i0")).status in (204, 404)
    town.learn()
    assert "i0" not in {item.item_id for item in await town.cache.popular(ranking_of(token), 100)}
    for number in range(0, 2 * N_PEOPLE, 2):
        assert (await town.client.call("DELETE", f"/v1/users/u{number}")).status == 204
    town.learn()
    assert await town.cache.popular(ranking_of(token), 100) == []
    blend = await town.cache.blend()
    assert blend is not None
    assert token not in blend.cohorts


async def test_who_changes_is_counted_with_the_others_from_then_on(town: Town) -> None:
    state = town.trainer.state
    row = state.user_ids.row("u0")
    before = state.cohorts.of_user(row)
    await town.give("u0", job="cook")
    town.learn()
    after = state.cohorts.of_user(row)
    assert before != after == tuple(cohort.token for cohort in cohorts_of({"job": "cook"}))
