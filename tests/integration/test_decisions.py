"""What somebody takes back is gone from lists and stores, and of what they want less there is less."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streamrec.domain.events.weights import LESS, RETRACT
from streamrec.domain.users.user import UserState
from tests.builders import World, events
from tests.integration.test_unpublished_choices import (
    N_OF_A_KIND,
    Stack,
    n_odd,
    publish_all,
    stack_of,
    two_tastes,
)


@pytest.fixture(params=["sqlite"])
async def stack(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stack]:
    async with stack_of(Stack, request, tmp_path, two_tastes(), publish_all) as made:
        yield made


async def state_of(stack: Stack) -> UserState:
    document = (await stack.store.get_user("cat")) or pytest.fail("nothing was published")
    assert document.state is not None
    return document.state


async def test_a_choice_that_is_taken_back_changes_nothing_and_may_be_offered(stack: Stack) -> None:
    before, everything = await stack.offered(), await stack.offered(k=30)
    await stack.choose("i1", "i3", "i5")
    assert n_odd(await stack.offered()) > n_odd(before)
    await stack.choose("i1", "i3", "i5", type=RETRACT)
    # Not the same list to the last place: vectors age while the test goes on.
    assert n_odd(await stack.offered()) <= n_odd(before) + 1
    assert set(await stack.offered(k=30)) == set(everything)


async def test_a_published_choice_is_taken_back_before_the_trainer_knows(stack: Stack) -> None:
    before = await stack.offered(k=30)
    assert "i2" not in before
    await stack.choose("i2", type=RETRACT)
    assert "i2" in await stack.offered(k=30)
    assert set(before) < set(await stack.offered(k=30))


async def test_the_trainer_makes_of_it_what_the_recommender_made(stack: Stack) -> None:
    await stack.choose("i1", "i3")
    await stack.choose("i4", type="dislike")
    await stack.choose("i1", "i2", "i4", type=RETRACT)
    formed = await stack.offered()
    stack.learn()
    state = await state_of(stack)
    assert state.recent == ("i0", "i3")
    assert state.disliked == ()
    assert await stack.store.seen_items("cat", 10) == ["i3", "i0"]
    assert len(set(await stack.offered()) & set(formed)) >= 8
    assert {"i1", "i2", "i4"} <= set(await stack.offered(k=30))


async def test_a_dislike_that_is_taken_back_may_be_offered(stack: Stack) -> None:
    first, *_ = before = await stack.offered()
    await stack.choose(first, type="dislike")
    stack.learn()
    assert first not in await stack.offered(k=30)
    await stack.choose(first, type=RETRACT)
    assert first in await stack.offered(k=30)
    stack.learn()
    assert set(await stack.offered(k=30)) >= set(before)


async def test_who_chooses_again_after_taking_back_has_chosen(stack: Stack) -> None:
    for type_ in ("view", RETRACT, "view"):
        await stack.choose("i1", type=type_)
    assert "i1" not in await stack.offered(k=30)
    stack.learn()
    assert "i1" not in await stack.offered(k=30)
    assert (await state_of(stack)).recent == ("i0", "i2", "i1")


async def test_what_was_disliked_after_taking_back_is_disliked(stack: Stack) -> None:
    for type_ in ("dislike", RETRACT, "dislike"):
        await stack.choose("i4", type=type_)
    assert "i4" not in await stack.offered(k=30)
    stack.learn()
    assert "i4" not in await stack.offered(k=30)


@pytest.mark.parametrize("is_published", [False, True])
async def test_of_a_choice_and_a_dislike_the_latest_counts(stack: Stack, *, is_published: bool) -> None:
    async def say(item_id: str, type_: str) -> None:
        await stack.choose(item_id, type=type_)
        if is_published:
            stack.learn()

    for type_ in ("dislike", "view"):
        await say("i4", type_)
    for type_ in (LESS, "view", "dislike"):
        await say("i6", type_)
    for type_ in (LESS, "view"):
        await say("i8", type_)
    again = await stack.offered(k=30, more="&exclude_seen=false")
    assert {"i4", "i8"} <= set(again)
    assert "i6" not in again
    stack.learn()
    state = await state_of(stack)
    assert (state.disliked, state.less) == (("i6",), ())
    assert set(await stack.offered(k=30, more="&exclude_seen=false")) == set(again)


ODD_ID = "<script>'\"/é" + "x" * 200


async def test_odd_ids_are_taken_back_like_others(stack: Stack) -> None:
    await stack.choose(ODD_ID)
    stack.learn()
    assert ODD_ID in (await state_of(stack)).recent
    await stack.choose(ODD_ID, type=RETRACT)
    stack.learn()
    assert ODD_ID not in (await state_of(stack)).recent
    assert ODD_ID not in await stack.store.seen_items("cat", 10)


async def catalogued(stack: Stack) -> None:
    """Give each item a category, and the odd ones a tag."""
    items = [
        {
            "item_id": f"i{n}",
            "categories": ["odd" if n % 2 else "even", f"category of i{n}"],
            "attributes": {"tags": ["has a tag"]} if n % 2 else {},
        }
        for n in range(2 * N_OF_A_KIND)
    ]
    assert (await stack.client.call("PUT", "/v1/items", json=items)).status == 204
    stack.learn()


async def test_of_what_less_is_wanted_there_is_less_but_not_nothing(stack: Stack) -> None:
    await catalogued(stack)
    await stack.choose("i1", "i3", "i5")
    stack.learn()
    await stack.choose("i7", type=LESS)
    assert "i7" not in await stack.offered(k=30)  # at once; the others once it is published
    stack.learn()
    everything = await stack.offered(k=30)
    assert n_odd(everything) == N_OF_A_KIND - 4
    assert "i7" not in everything
    (asked,) = (await state_of(stack)).less
    assert (asked.item_id, asked.at, asked.categories) == ("i7", 5000, ("odd", "category of i7"))
    user = await stack.client.call("GET", "/v1/users/cat")
    assert user.json["less_like"] == user.json["disliked"] == ["i7"]
    answer = await stack.answer(k=30, more="&explain=true")
    words = {item["item_id"]: item["explanation"].get("less", []) for item in answer["items"]}
    wanted = ["you asked for less of the category odd", "you asked for less of the tag has a tag"]
    assert words == {item_id: wanted if n_odd([item_id]) else [] for item_id in everything}
    scores = {item["item_id"]: item["score"] for item in answer["items"]}
    assert list(scores.values()) == sorted(scores.values(), reverse=True)
    # What was in the blend's order before is not any more: the odd ones had twice as much.
    full = [score * (1 + n_odd([item_id])) for item_id, score in scores.items()]
    assert full != sorted(full, reverse=True)
    await stack.choose("i7", type=RETRACT)
    assert "i7" in await stack.offered(k=30)
    assert await said_of(stack) == []
    stack.learn()
    assert ((await state_of(stack)).less, (await state_of(stack)).disliked) == ((), ())
    assert await said_of(stack) == []


async def said_of(stack: Stack) -> list[str]:
    """Return all that is said of what less is wanted of."""
    items = (await stack.answer(k=30, more="&explain=true"))["items"]
    return [words for item in items for words in item["explanation"].get("less", [])]


async def test_less_that_is_wanted_after_taking_back_counts(stack: Stack) -> None:
    """The retraction is held still, and must not take along what was said after it."""
    await catalogued(stack)
    for type_ in (LESS, RETRACT, LESS):
        await stack.choose("i7", type=type_)
    stack.learn()
    assert len((await state_of(stack)).less) == 1
    assert "i7" not in await stack.offered(k=30)
    assert await said_of(stack)


async def test_pages_of_a_list_with_less_of_something_hold_each_item_once(stack: Stack) -> None:
    await catalogued(stack)
    await stack.choose("i7", type=LESS)
    stack.learn()
    shown: list[str] = []
    answer = await stack.answer(k=7)
    while True:
        shown += [item["item_id"] for item in answer["items"]]
        if answer.get("next_cursor") is None:
            break
        answer = await stack.answer(k=7, more=f"&cursor={answer['next_cursor']}")
    assert sorted(shown) == sorted(await stack.offered(k=30))


async def test_less_of_an_item_that_nobody_knows_is_a_dislike(stack: Stack) -> None:
    await stack.choose("never heard of", type=LESS)
    stack.learn()
    assert (await state_of(stack)).disliked == ("never heard of",)
    assert len(await stack.offered()) == 10


SAID = [
    *events(("u", "a"), ("u", "b"), ("v", "a"), event_id=None),
    *events(("u", "a"), ("w", "nothing"), type=RETRACT, event_id="once"),
    *events(("u", "c"), ("v", "b")),
    *events(("v", "a"), type=RETRACT),
    *events(("v", "a")),
]


@pytest.mark.parametrize("n_learned", range(1, len(SAID) + 1))
def test_a_trainer_that_dies_and_reads_the_log_again_comes_to_the_same(
    tmp_path: Path, n_learned: int
) -> None:
    """It published everything, and its checkpoint is as of some place before."""
    world = World(tmp_path)
    trainer = world.trainer()
    world.send(*SAID[:n_learned])
    trainer.step()
    trainer.loop.checkpoint()
    world.send(*SAID[n_learned:])
    trainer.step()
    trainer.context.close()  # without a checkpoint: it was killed
    world.clock.now += 1000.0
    again = world.trainer("two", is_restored=True)
    again.step()
    again.finish()
    recent, seen = {}, {}
    for user_id in ("u", "v"):
        document = asyncio.run(world.store.get_user(user_id)) or pytest.fail(user_id)
        assert document.state is not None
        recent[user_id] = document.state.recent
        seen[user_id] = sorted(asyncio.run(world.store.seen_items(user_id, 10)))
    assert recent == {"u": ("b", "c"), "v": ("b", "a")}
    assert seen == {"u": ["b", "c"], "v": ["a", "b"]}
    assert again.state.counters.n_retracted == 2
    assert asyncio.run(world.store.get_user("w")) is None
