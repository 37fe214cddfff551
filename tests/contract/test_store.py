"""Contract of every document store, for the trainer and for the servers."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from streamrec.adapters.memory import store as memory_store
from streamrec.adapters.memory.store import MemoryStore
from streamrec.adapters.mongo import profiles as mongo_profiles
from streamrec.adapters.mongo import store as mongo_store
from streamrec.adapters.opening import open_store, open_trainer_store
from streamrec.adapters.sqlite import search as sqlite_search
from streamrec.domain.events.erasure import Erasure, digest_of
from streamrec.domain.generations.challenger import ChallengerUser
from streamrec.domain.items.item import Item, ItemPosition, VersionSum
from streamrec.domain.users.user import (
    MAX_ATTRIBUTES_BYTES,
    MOST_DISLIKED,
    MOST_RECENT,
    LabelUse,
    Profile,
    UserState,
)
from streamrec.errors import LeaseLost
from streamrec.ports import DocumentStore, Lease, Mark, TrainerStore, UserProfile, UserUpdates

NOW = 1_700_000_000.0
ODD_ATTRIBUTES: dict[str, Any] = {
    "a.b": {"$set": 1, "$": [2.5, None]},
    "": True,
    "nul\0byte": "\0",
    "_id": "mine",
    "large": [2**63, -(2**80), 1.7976931348623157e308],
}
ODD_IDS = ("a/b", "emoji-\U0001f3ac", "with space", "%2F", "nul\0byte", "\U0010ffff", "ü" * 128)


class Sides(NamedTuple):
    trainer: TrainerStore
    server: DocumentStore


@pytest.fixture(params=["memory", "sqlite", "mongodb"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Sides]:
    if request.param == "memory":
        memory = MemoryStore()
        sides = Sides(memory, memory)
    else:
        is_mongodb = request.param == "mongodb"
        url = request.getfixturevalue("mongo_url") if is_mongodb else f"sqlite:///{tmp_path}/store.db"
        sides = Sides(open_trainer_store(url), open_store(url))
    yield sides
    sides.trainer.close()
    await sides.server.aclose()


def held(trainer: TrainerStore, owner: str = "one", now: float = NOW) -> Lease:
    lease = trainer.acquire("trainer", owner, 10.0, now)
    assert lease is not None
    return lease


def state_of(user_id: str, n_events: int = 1) -> UserState:
    return UserState(user_id, "g1", b"\0\1\2\3", ("i1", "i2"), ("i9",), n_events, NOW)


async def test_a_server_reads_what_the_trainer_published(store: Sides) -> None:
    store.trainer.publish_users(UserUpdates([state_of("u")], [("u", "i1", NOW)]), held(store.trainer))
    document = await store.server.get_user("u")
    assert document is not None
    assert document.state == state_of("u")
    assert document.attributes == {}
    assert await store.server.seen_items("u", 10) == ["i1"]
    assert await store.server.get_user("unknown") is None
    assert await store.server.seen_items("unknown", 10) == []


async def test_a_profile_is_document_and_newest_seen_items(store: Sides) -> None:
    seen = [("u", f"i{n}", NOW + n) for n in range(3)] + [("unknown", "i0", NOW)]
    store.trainer.publish_users(UserUpdates([state_of("u")], seen), held(store.trainer))
    profile = await store.server.get_profile("u", 2)
    assert profile == UserProfile(await store.server.get_user("u"), ["i2", "i1"])
    assert (await store.server.get_profile("u", 0)).seen == []
    assert await store.server.get_profile("unknown", 2) == UserProfile(None, ["i0"])


async def test_a_state_without_a_vector_keeps_its_dislikes(store: Sides) -> None:
    state = UserState("u", "g1", None, disliked=("bad",))
    store.trainer.publish_users(UserUpdates([state], []), held(store.trainer))
    document = await store.server.get_user("u")
    assert document is not None
    assert document.state == state


async def test_a_profile_of_what_a_user_does_is_part_of_the_state(store: Sides) -> None:
    habits = Profile((LabelUse("a.$b", 3, 12.5), LabelUse("plain", 1)), (LabelUse("nul\0byte", 1, -1.5),))
    lease = held(store.trainer)
    store.trainer.publish_users(UserUpdates([UserState("u", "g1", None, profile=habits)], []), lease)
    document = await store.server.get_user("u")
    assert document is not None
    assert document.state == UserState("u", "g1", None, profile=habits)
    store.trainer.publish_users(UserUpdates([state_of("u")], []), lease)
    document = await store.server.get_user("u")
    assert document is not None
    assert document.state == state_of("u")


async def test_many_users_are_read_at_once_without_unknown_ones(store: Sides) -> None:
    user_ids = [*ODD_IDS, *(f"u{n}" for n in range(1500))]
    states = [state_of(user_id, n) for n, user_id in enumerate(user_ids)]
    store.trainer.publish_users(UserUpdates(states, []), held(store.trainer))
    await store.server.put_attributes("u3", {"country": "NZ"})
    await store.server.put_attributes("no state", {"country": "FR"})
    found = await store.server.get_users([*user_ids[::-1], "unknown", "no state", "u3"])
    assert set(found) == {*user_ids, "no state"}
    for user_id in (ODD_IDS[0], "u3", "no state", "u1499"):
        assert found[user_id] == await store.server.get_user(user_id)
    assert await store.server.get_users([]) == {}
    assert await store.server.get_users(["unknown"]) == {}


async def test_publishing_twice_changes_nothing(store: Sides) -> None:
    lease = held(store.trainer)
    updates = UserUpdates([state_of("u", 3)], [("u", "i1", NOW), ("u", "i2", NOW + 1)])
    store.trainer.publish_users(updates, lease)
    store.trainer.publish_users(updates, lease)
    document = await store.server.get_user("u")
    assert document is not None
    assert document.state is not None
    assert document.state.n_events == 3
    assert await store.server.seen_items("u", 10) == ["i2", "i1"]


async def test_seen_items_come_newest_first_and_an_older_sight_does_not_count(store: Sides) -> None:
    lease = held(store.trainer)
    seen = [("u", f"i{n}", NOW + n) for n in range(5)]
    store.trainer.publish_users(UserUpdates([], seen), lease)
    store.trainer.publish_users(UserUpdates([], [("u", "i4", NOW - 50), ("u", "i0", NOW + 50)]), lease)
    assert await store.server.seen_items("u", 3) == ["i0", "i4", "i3"]


async def test_what_is_unseen_is_gone_with_all_its_sights_but_for_later_ones(store: Sides) -> None:
    lease = held(store.trainer)
    seen = [
        (user, item, NOW + n) for user in ("u", "v") for n, item in enumerate(("i1", "i2", "i1", ODD_IDS[0]))
    ]
    store.trainer.publish_users(UserUpdates([], seen), lease)
    unseen = [("u", "i1"), ("u", ODD_IDS[0]), ("u", "never"), ("nobody", "i1")]
    updates = UserUpdates([], [], unseen)
    for _ in range(2):
        store.trainer.publish_users(updates, lease)
        assert await store.server.seen_items("u", 10) == ["i2"]
    assert await store.server.seen_items("v", 10) == [ODD_IDS[0], "i1", "i2"]
    store.trainer.publish_users(UserUpdates([], [("v", "i1", NOW)], [("v", "i1")]), lease)
    assert await store.server.seen_items("v", 10) == [ODD_IDS[0], "i2", "i1"]
    assert await store.server.seen_items("nobody", 10) == []


async def test_two_updates_of_a_user_in_one_publication_leave_the_last(store: Sides) -> None:
    store.trainer.publish_users(UserUpdates([state_of("u", 1), state_of("u", 2)], []), held(store.trainer))
    document = await store.server.get_user("u")
    assert document is not None
    assert document.state == state_of("u", 2)


async def test_attributes_and_state_leave_each_other_alone(store: Sides) -> None:
    lease = held(store.trainer)
    await store.server.put_attributes("u", {"country": "NZ", "tags": ["a", 1]})
    before = await store.server.get_user("u")
    assert before is not None
    assert before.state is None
    store.trainer.publish_users(UserUpdates([state_of("u")], []), lease)
    await store.server.put_attributes("u", {"country": "FR"})
    document = await store.server.get_user("u")
    assert document is not None
    assert (document.state, document.attributes) == (state_of("u"), {"country": "FR"})
    store.trainer.forget_users(["u"], lease)
    left = await store.server.get_user("u")
    assert left is not None
    assert (left.state, left.attributes) == (None, {"country": "FR"})


async def test_the_trainer_reads_attributes_of_those_who_have_any(store: Sides) -> None:
    odd = "a/'\"<x>ü\0"
    given: dict[str, Any] = {odd: {"job": "nurse", "likes": ["tea", 1.5, None]}, "b": {"ü": {"deep": True}}}
    for user_id, attributes in given.items():
        await store.server.put_attributes(user_id, attributes)
    store.trainer.publish_users(UserUpdates([state_of("c")], []), held(store.trainer))
    assert store.trainer.read_attributes([odd, "b", "c", "nobody"]) == given
    assert store.trainer.read_attributes([f"n{n}" for n in range(1000)]) == {}
    await store.server.put_attributes("b", {"job": "cook"})
    await store.server.erase_user(odd)
    assert store.trainer.read_attributes([odd, "b"]) == {"b": {"job": "cook"}}


async def test_a_forgotten_user_is_unknown(store: Sides) -> None:
    lease = held(store.trainer)
    updates = UserUpdates([state_of("u"), state_of("v")], [("u", "i1", NOW), ("v", "i1", NOW)])
    store.trainer.publish_users(updates, lease)
    store.trainer.forget_users(["u", "unknown"], lease)
    assert await store.server.get_user("u") is None
    assert await store.server.seen_items("u", 10) == []
    assert await store.server.seen_items("v", 10) == ["i1"]


async def test_erasing_takes_everything_of_one_user(store: Sides) -> None:
    seen = [(user_id, f"i{n}", NOW) for user_id in ("u", "v") for n in range(30)]
    store.trainer.publish_users(UserUpdates([state_of("u"), state_of("v")], seen), held(store.trainer))
    await store.server.put_attributes("u", {"country": "NZ"})
    assert await store.server.erase_user("u")
    assert not await store.server.erase_user("u")
    assert await store.server.get_user("u") is None
    assert await store.server.seen_items("u", 100) == []
    assert len(await store.server.seen_items("v", 100)) == 30


async def test_users_are_found_by_prefix_in_order_of_bytes(store: Sides) -> None:
    user_ids = ["user", "user-1", "user-10", "user-2", "User-1", "userx", "us\U0010ffff", "us\U0010ffffx"]
    store.trainer.publish_users(
        UserUpdates([state_of(user_id) for user_id in user_ids], []), held(store.trainer)
    )
    await store.server.put_attributes("user-3", {})
    assert await store.server.find_users("user-", 10) == ["user-1", "user-10", "user-2", "user-3"]
    assert await store.server.find_users("user-1", 1) == ["user-1"]
    assert await store.server.find_users("us\U0010ffff", 10) == ["us\U0010ffff", "us\U0010ffffx"]
    assert len(everybody := await store.server.find_users("", 100)) == 9
    assert await store.server.find_users("", 3, after=everybody[3]) == everybody[4:7]
    assert await store.server.find_users("user-", 9, after="user-10") == ["user-2", "user-3"]
    assert await store.server.find_users("", 3, after=everybody[-1]) == []
    assert await store.server.find_users("zz", 10) == []


async def test_items_are_found_by_title_and_by_the_beginning_of_their_ids(store: Sides) -> None:
    titles = {
        "b1": "Alien",
        "b2": "Übermut im Salzkammergut",
        "a/1": "100% Wolf",
        "a/2": "1000 Wolves",
        "B3": "<b>",
    }
    await store.server.put_items([Item(id_, title=title) for id_, title in titles.items()])
    await store.server.put_items([Item("gone", title="Aliens"), Item("without"), Item("h", is_hidden=True)])
    await store.server.delete_item("gone")

    async def found(text: str, limit: int = 10) -> list[str]:
        return [item.item_id for item in (await store.server.find_items(text, limit)).items]

    assert await found("aLIEN") == ["b1"]
    assert await found("übermut") == ["b2"]
    assert await found("0% w") == ["a/1"]
    assert await found("b") == ["B3", "b1", "b2"]  # <b> has one in its title
    assert await found("a/") == ["a/1", "a/2"]
    assert await found("", limit=3) == ["B3", "a/1", "a/2"]
    assert await found("h") == ["h"]
    assert await found(".*") == await found("'; DROP TABLE items") == []


async def test_items_are_met_once_page_by_page_while_others_come_and_go(store: Sides) -> None:
    stay = [f"i{n:03}" for n in range(0, 100, 10)] + ["\U0001f3ac", "z/\"'\\%_", "Z", "\ue000"]
    await store.server.put_items([Item(item_id, title=f"Film {item_id}") for item_id in stay])
    met: list[str] = []
    after: str | None = ""
    n_pages = 0
    while after is not None:
        page, after = await store.server.find_items("", 3, after)
        met += [item.item_id for item in page]
        await store.server.put_items([Item(f"i{n_pages:03}x"), Item(f"j{n_pages}")])
        await store.server.delete_item(f"j{n_pages - 1}")
        n_pages += 1
    assert [item_id for item_id in met if item_id in stay] == sorted(stay, key=str.encode)
    assert len(met) == len(set(met))
    some = await store.server.find_items("film I0", 4)
    assert [item.item_id for item in some.items] == ["i000", "i010", "i020", "i030"]
    rest = await store.server.find_items("film I0", 6, some.next_after or "")
    assert ([item.item_id for item in rest.items][-1], rest.next_after) == ("i090", None)
    assert (await store.server.find_items("film I0", 3, "i090")) == ([], None)


async def test_users_who_chose_an_item_are_found_by_their_recent_ones(store: Sides) -> None:
    odd = 'a","b\'\\%\U0001f3ac'
    states = [
        UserState("u1", "g", None, recent=("x", "i", "y"), recent_at=(7, 8)),
        UserState("u2", "g", None, recent=("i", "x", "i"), recent_at=(1, 2, 3)),
        UserState("u/3", "g", None, recent=("ii", odd)),
        UserState("U4", "g", None, recent=("i", "x"), recent_at=(9,)),
        UserState("u5", "g", None, recent=("a", "b"), disliked=("i",)),
    ]
    store.trainer.publish_users(UserUpdates(states, []), held(store.trainer))
    await store.server.put_attributes("u6", {"i": ["i"]})
    found = await store.server.find_choosers("i", 10)
    assert found == ([("U4", None), ("u1", 7), ("u2", 3)], None)
    first = await store.server.find_choosers("i", 2)
    assert first == ([("U4", None), ("u1", 7)], "u1")
    assert await store.server.find_choosers("i", 2, "u1") == ([("u2", 3)], None)
    assert await store.server.find_choosers(odd, 5) == ([("u/3", None)], None)
    for nobody in (",", '","', "", "nothing", "$recent"):
        assert await store.server.find_choosers(nobody, 5) == ([], None)


async def test_users_who_chose_an_item_are_looked_for_page_by_page(
    store: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (memory_store, sqlite_search, mongo_store, mongo_profiles):
        monkeypatch.setattr(module, "MAX_LOOKED_AT", 4)
    states = [UserState(f"u{n}", "g", None, recent=("i" if n in (1, 9) else "x",)) for n in range(10)]
    store.trainer.publish_users(UserUpdates(states, []), held(store.trainer))
    pages = [await store.server.find_choosers("i", 5)]
    while (after := pages[-1].next_after) is not None:
        pages.append(await store.server.find_choosers("i", 5, after))
    assert [[chooser.user_id for chooser in page.found] for page in pages] == [["u1"], [], ["u9"]]


async def test_odd_ids_stay_what_they_are(store: Sides) -> None:
    states = [state_of(odd) for odd in ODD_IDS]
    seen = [("u", odd, NOW + n) for n, odd in enumerate(ODD_IDS)]
    store.trainer.publish_users(UserUpdates(states, seen), held(store.trainer))
    await store.server.put_items([Item(odd) for odd in ODD_IDS])
    assert await store.server.seen_items("u", 10) == list(reversed(ODD_IDS))
    assert set(await store.server.get_items(ODD_IDS)) == set(ODD_IDS)
    for odd in ODD_IDS:
        document = await store.server.get_user(odd)
        assert document is not None
        assert document.user_id == odd


async def test_items_are_replaced_whole_and_unknown_ones_left_out(store: Sides) -> None:
    film = Item("i1", "film", "Alien", "In space.", ("horror", "sf"), False, {"year": 1979}, NOW)
    await store.server.put_items([film, Item("i2", is_hidden=True)])
    assert await store.server.get_items(["i1", "i2", "i3"]) == {"i1": film, "i2": Item("i2", is_hidden=True)}
    await store.server.put_items([Item("i1", title="Aliens")])
    assert await store.server.get_items(["i1"]) == {"i1": Item("i1", title="Aliens")}
    assert await store.server.get_items([]) == {}
    assert await store.server.delete_item("i1")
    assert not await store.server.delete_item("i1")
    assert await store.server.get_items(["i1"]) == {}


async def test_the_trainer_reads_all_items_or_some(store: Sides) -> None:
    items = [Item(f"i{n:04}", title=str(n)) for n in range(2500)]
    await store.server.put_items(items)
    assert list(store.trainer.read_items()) == items
    assert list(store.trainer.read_items(["i0003", "nobody", "i0001"])) == [items[3], items[1]]


def test_one_holder_at_a_time_and_tokens_grow(store: Sides) -> None:
    first = held(store.trainer, "one")
    assert store.trainer.acquire("trainer", "two", 10.0, NOW + 9) is None
    renewed = store.trainer.acquire("trainer", "one", 10.0, NOW + 9)
    assert renewed == Lease("trainer", "one", first.token, NOW + 19)
    second = store.trainer.acquire("trainer", "two", 10.0, NOW + 19)
    assert second is not None
    assert second.token > first.token
    assert store.trainer.acquire("trainer", "one", 10.0, NOW + 20) is None
    assert store.trainer.acquire("other", "one", 10.0, NOW + 20) is not None


def test_a_lease_is_told_as_it_was_given_out(store: Sides) -> None:
    assert store.trainer.held("trainer") is None
    first = held(store.trainer, "one")
    assert store.trainer.held("trainer") == first
    assert store.trainer.acquire("trainer", "two", 10.0, first.expires_at - 0.001) is None
    second = store.trainer.acquire("trainer", "two", 10.0, first.expires_at)
    assert second is not None
    assert store.trainer.held("trainer") == second
    store.trainer.release(second)
    assert store.trainer.held("trainer") is None


def test_tokens_are_at_least_the_time_so_that_they_grow_over_stores(store: Sides) -> None:
    assert held(store.trainer).token >= int(NOW)


def test_a_released_lease_is_free_and_its_token_is_not_given_again(store: Sides) -> None:
    first = held(store.trainer, "one")
    store.trainer.release(first)
    second = held(store.trainer, "two")
    assert second.token > first.token
    store.trainer.release(first)  # no longer ours: without effect
    assert store.trainer.acquire("trainer", "three", 10.0, NOW) is None


def test_every_token_is_a_plain_number_that_json_holds(store: Sides) -> None:
    for owner in ("one", "two", "three"):
        lease = store.trainer.acquire("trainer", owner, 10.0, 1000.0)
        assert lease is not None
        assert type(lease.token) is int
        store.trainer.release(lease)


async def test_who_lost_the_lease_writes_nothing(store: Sides) -> None:
    stale = held(store.trainer, "one")
    current = held(store.trainer, "two", NOW + 11)
    store.trainer.publish_users(UserUpdates([state_of("u", 7)], [("u", "i1", NOW)]), current)
    with pytest.raises(LeaseLost, match="another trainer"):
        store.trainer.publish_users(UserUpdates([state_of("u", 1)], [("u", "i2", NOW)]), stale)
    with pytest.raises(LeaseLost):
        store.trainer.forget_users(["u"], stale)
    document = await store.server.get_user("u")
    assert document is not None
    assert document.state == state_of("u", 7)
    assert await store.server.seen_items("u", 10) == ["i1"]


async def test_attributes_may_have_any_keys_and_numbers(store: Sides) -> None:
    await store.server.put_attributes("u", ODD_ATTRIBUTES)
    await store.server.put_items([Item("i1", attributes=ODD_ATTRIBUTES)])
    document = await store.server.get_user("u")
    assert document is not None
    assert document.attributes == ODD_ATTRIBUTES
    assert (await store.server.get_items(["i1"]))["i1"].attributes == ODD_ATTRIBUTES


async def test_a_large_publication_is_written_whole(store: Sides) -> None:
    lease = held(store.trainer)
    user_ids = [f"user-{number:05}" for number in range(10_000)]
    seen = [(user_id, "i1", NOW) for user_id in user_ids]
    store.trainer.publish_users(UserUpdates([state_of(user_id) for user_id in user_ids], seen), lease)
    assert await store.server.find_users("", 20_000) == user_ids
    for user_id in (user_ids[0], user_ids[4999], user_ids[-1]):
        assert (await store.server.get_profile(user_id, 10)).seen == ["i1"]
    store.trainer.forget_users(user_ids[1:], lease)
    assert await store.server.find_users("", 20_000) == user_ids[:1]
    assert await store.server.seen_items(user_ids[-1], 10) == []


async def test_seen_again_and_again_counts_once_by_its_newest_sight(store: Sides) -> None:
    lease = held(store.trainer)
    seen = [("u", f"i{number % 4}", NOW + number) for number in range(200)]
    store.trainer.publish_users(UserUpdates([], seen), lease)
    assert await store.server.seen_items("u", 30) == ["i3", "i2", "i1", "i0"]


async def test_of_two_publishers_the_newer_one_prevails_wherever_they_meet(store: Sides) -> None:
    stale = held(store.trainer, "one")
    user_ids = [f"user-{number}" for number in range(300)]

    def write_until_stopped() -> int:
        n_events = 1
        while True:
            n_events += 1
            updates = UserUpdates([state_of(user_id, n_events) for user_id in user_ids], [])
            try:
                store.trainer.publish_users(updates, stale)
            except LeaseLost:
                return n_events

    stale_writer = asyncio.create_task(asyncio.to_thread(write_until_stopped))
    await asyncio.sleep(0.05)
    current = held(store.trainer, "two", NOW + 11)
    newest = [state_of(user_id, 1_000_000) for user_id in user_ids]
    await asyncio.to_thread(store.trainer.publish_users, UserUpdates(newest, []), current)
    assert await stale_writer > 1
    for user_id in user_ids:
        document = await store.server.get_user(user_id)
        assert document is not None
        assert document.state == state_of(user_id, 1_000_000)


async def test_leases_of_other_names_do_not_fence_one_another(store: Sides) -> None:
    trainer = held(store.trainer)
    later = NOW
    initial = trainer
    for owner in ("a", "b", "c"):
        later += 11
        taken = store.trainer.acquire("initial-training", owner, 10.0, later)
        assert taken is not None
        initial = taken
    store.trainer.publish_users(UserUpdates([state_of("u", 2)], []), initial)
    store.trainer.publish_users(UserUpdates([state_of("u", 3)], []), trainer)
    document = await store.server.get_user("u")
    assert document is not None
    assert document.state == state_of("u", 3)


async def test_a_server_and_the_trainer_may_create_the_same_user_at_once(store: Sides) -> None:
    lease = held(store.trainer)
    user_ids = [f"user-{number}" for number in range(200)]
    updates = UserUpdates([state_of(user_id) for user_id in user_ids], [])
    await asyncio.gather(
        asyncio.to_thread(store.trainer.publish_users, updates, lease),
        *(store.server.put_attributes(user_id, {"country": "NZ"}) for user_id in user_ids),
    )
    for user_id in user_ids:
        document = await store.server.get_user(user_id)
        assert document is not None
        assert (document.state, document.attributes) == (state_of(user_id), {"country": "NZ"})


async def test_a_store_that_is_there_answers(store: Sides) -> None:
    await store.server.check()


async def test_an_erasure_is_kept_by_digest_and_the_latest_places_count(store: Sides) -> None:
    assert store.trainer.read_erasures() == []
    await store.server.note_erasure("u", Mark("log", {0: 5, 1: 9}), NOW)
    await store.server.note_erasure("u", Mark("log", {0: 7, 1: 3, 2: 1}), NOW - 5)
    await store.server.note_erasure("u", Mark("another log", {0: 2}), NOW)
    await store.server.note_erasure("v", Mark("", {0: 1}), NOW + 1)
    u, v = (digest_of(user_id, store.trainer.erasure_salt()) for user_id in "uv")
    in_log = Erasure(u, "log", {0: 7, 1: 9, 2: 1}, NOW)
    elsewhere, of_v = Erasure(u, "another log", {0: 2}, NOW), Erasure(v, "", {0: 1}, NOW + 1)
    assert sorted(store.trainer.read_erasures([u])) == sorted([elsewhere, in_log])
    assert sorted(store.trainer.read_erasures()) == sorted([elsewhere, in_log, of_v])
    assert store.trainer.read_erasures([]) == []
    assert store.trainer.read_erasures([b"0" * 16]) == []


async def test_erasures_behind_the_end_of_a_log_that_was_cut_stand_at_its_end(store: Sides) -> None:
    await store.server.note_erasure("u", Mark("log", {0: 7, 1: 9}), NOW)
    await store.server.note_erasure("v", Mark("another log", {0: 7}), NOW)
    store.trainer.limit_erasures("log", {0: 5, 1: 20})
    offsets = {one.log: one.offsets for one in store.trainer.read_erasures()}
    assert offsets == {"log": {0: 5, 1: 9}, "another log": {0: 7}}


async def test_many_erasures_are_read_at_once_and_by_user(store: Sides) -> None:
    user_ids = [*ODD_IDS, *(f"u{n}" for n in range(700))]
    for n, user_id in enumerate(user_ids):
        await store.server.note_erasure(user_id, Mark("log", {0: n}), NOW)
    salt = store.trainer.erasure_salt()
    assert len(store.trainer.read_erasures()) == len(user_ids)
    digests = [digest_of(user_id, salt) for user_id in user_ids]
    places = {one.digest: one.offsets[0] for one in store.trainer.read_erasures(digests)}
    assert places == {digest: n for n, digest in enumerate(digests)}


async def test_times_of_choices_are_part_of_the_state_and_go_with_it(store: Sides) -> None:
    state = UserState("u", "g1", None, ("i1", "i2"), recent_at=(7, 2**32 - 1))
    lease = held(store.trainer)
    store.trainer.publish_users(UserUpdates([state], []), lease)
    document = await store.server.get_user("u")
    assert document is not None
    assert document.state == state
    store.trainer.publish_users(UserUpdates([UserState("u", "g1", None, ("i1",))], []), lease)
    document = await store.server.get_user("u")
    assert document is not None
    assert document.state is not None
    assert document.state.recent_at == ()


async def test_the_largest_user_there_can_be_is_stored_and_read(store: Sides) -> None:
    longest = ["\U0001f3ac" * 62 + f"{number:08}" for number in range(MOST_DISLIKED)]  # 256 bytes each
    labels = tuple(LabelUse(f"{number:04}" * 64, 10**9, -1e30) for number in range(8))
    state = UserState(
        "u", "g1", b"\0\0\x80?" * 513, tuple(longest[:MOST_RECENT]), tuple(longest), 10**9, NOW,
        Profile(labels, labels), tuple(range(2**32 - 20, 2**32)),
    )  # fmt: skip
    lease = held(store.trainer)
    await store.server.put_attributes("u", {"note": "x" * (MAX_ATTRIBUTES_BYTES - 20)})
    store.trainer.publish_users(UserUpdates([state], []), lease)
    document = await store.server.get_user("u")
    assert document is not None
    assert document.state is not None
    differing = [
        name for name in state.__struct_fields__ if getattr(document.state, name) != getattr(state, name)
    ]
    assert differing == []  # by name: to show 20,000 ids takes longer than all tests


async def test_lists_longer_than_the_bound_lose_the_oldest_when_they_are_read(store: Sides) -> None:
    if isinstance(store.trainer, MemoryStore):
        pytest.skip("no document outlives the version that wrote it")
    ids = tuple(f"i{number}" for number in range(40_000))
    store.trainer.publish_users(UserUpdates([UserState("u", "g1", None, ids, ids)], []), held(store.trainer))
    document = await store.server.get_user("u")
    assert document is not None
    assert document.state is not None
    assert hash(document.state.disliked) == hash(ids[-MOST_DISLIKED:])
    assert hash(document.state.recent) == hash(ids[-MOST_RECENT:])


async def read_on(server: DocumentStore, position: ItemPosition) -> tuple[list[Item], ItemPosition]:
    found: list[Item] = []
    while True:
        page = await server.changed_items(position, 2)
        assert len(page.items) <= 2
        found += page.items.values()
        position = page.end
        if page.is_last:
            return found, position


async def test_all_items_are_read_in_pages_and_then_what_changed(store: Sides) -> None:
    assert await read_on(store.server, ItemPosition()) == ([], ItemPosition())
    items = [Item(item_id, attributes=ODD_ATTRIBUTES) for item_id in ODD_IDS]
    await store.server.put_items(items)
    found, position = await read_on(store.server, ItemPosition())
    assert sorted(found, key=lambda item: item.item_id) == sorted(items, key=lambda item: item.item_id)
    assert await read_on(store.server, position) == ([], position)
    await asyncio.sleep(0.002)  # versions are at least milliseconds
    await store.server.put_items([Item(ODD_IDS[1], title="new")])
    await store.server.delete_item(ODD_IDS[0])
    changed, position = await read_on(store.server, position)
    assert {item.item_id: (item.title, item.is_hidden) for item in changed} == {
        ODD_IDS[0]: (None, True), ODD_IDS[1]: ("new", False),
    }  # fmt: skip
    assert position.version >= 0
    everything, end = await read_on(store.server, ItemPosition())
    assert (len(everything), end) == (len(ODD_IDS), position)


async def test_places_and_counts_of_items_are_by_their_versions(store: Sides) -> None:
    assert await store.server.sum_changed(0, 2**62) == VersionSum()
    await store.server.put_items([Item(item_id) for item_id in ODD_IDS])
    await store.server.delete_item(ODD_IDS[0])
    page = await store.server.changed_items(ItemPosition(), 1000)
    assert {place.key.decode() for place in page.places} == set(ODD_IDS)
    assert page.places[-1] == page.end
    versions = [place.version for place in page.places]
    assert versions == sorted(versions)
    assert await store.server.sum_changed(0, versions[-1]) == VersionSum(len(ODD_IDS), sum(versions))
    assert await store.server.sum_changed(versions[-1] + 1, 2**62) == VersionSum()
    first = versions[0]
    later = VersionSum(len(versions), sum(version - first for version in versions))
    assert await store.server.sum_changed(first, versions[-1]) == later


@pytest.mark.parametrize("n_seen", [0, 3])
async def test_profiles_of_many_users_are_those_of_each(store: Sides, n_seen: int) -> None:
    user_ids = [*ODD_IDS, "$literal", "with attributes", "only seen", "unknown", "repeats"]
    states = [UserState(user_id, "g1", b"\0" * 8, ("i1",), (), 1, 5.0) for user_id in user_ids[:5]]
    seen = [(user_id, f"i{number}", float(number)) for user_id in user_ids[:9] for number in range(5)]
    seen += [("repeats", f"i{number % 2}", float(number)) for number in range(9)]
    store.trainer.publish_users(UserUpdates(states, seen), held(store.trainer))
    await store.server.put_attributes("with attributes", ODD_ATTRIBUTES)
    found = await store.server.get_profiles(user_ids, n_seen)
    assert found == {user_id: await store.server.get_profile(user_id, n_seen) for user_id in user_ids}
    assert [len(found[user_id].seen) for user_id in ("a/b", "unknown", "repeats")] == [
        n_seen,
        0,
        min(n_seen, 2),
    ]
    assert await store.server.get_profiles([], n_seen) == {}


def challenger_of(user_id: str, generation: str = "g2", aging: bytes | None = None) -> ChallengerUser:
    return ChallengerUser(user_id, generation, b"\0\0\x80\x3f" * 2, aging)


def challengers_lease(trainer: TrainerStore, owner: str = "one", now: float = NOW) -> Lease:
    lease = trainer.acquire("trainer-challenger", owner, 10.0, now)
    assert lease is not None
    return lease


async def test_the_challengers_vectors_stand_beside_the_documents(store: Sides) -> None:
    lease = challengers_lease(store.trainer)
    store.trainer.publish_users(UserUpdates([state_of("u")], []), held(store.trainer))
    users = [challenger_of(id_) for id_ in ("u", *ODD_IDS)]
    store.trainer.publish_challenger(users, [], lease)
    for user in users:
        assert await store.server.get_challenger_user(user.user_id) == user
    assert await store.server.get_challenger_user("unknown") is None
    document = await store.server.get_user("u")
    assert document is not None
    assert document.state == state_of("u")
    newer = challenger_of("u", "g3", b"\0\x3c" * 2)
    store.trainer.publish_challenger([challenger_of("u"), newer], ["u", ODD_IDS[0], "unknown"], lease)
    assert await store.server.get_challenger_user("u") == newer
    assert await store.server.get_challenger_user(ODD_IDS[0]) is None
    store.trainer.publish_challenger([], [], lease)


async def test_a_challenger_that_lost_its_lease_writes_nothing(store: Sides) -> None:
    lost = challengers_lease(store.trainer)
    lease = challengers_lease(store.trainer, "two", NOW + 11)
    store.trainer.publish_challenger([challenger_of("u", "g3")], [], lease)
    for users, gone in (([challenger_of("u")], []), ([challenger_of("v")], []), ([], ["u"])):
        with pytest.raises(LeaseLost):
            store.trainer.publish_challenger(users, gone, lost)
    assert await store.server.get_challenger_user("u") == challenger_of("u", "g3")
    assert await store.server.get_challenger_user("v") is None


async def test_an_erased_user_has_no_vector_of_the_challenger(store: Sides) -> None:
    lease = challengers_lease(store.trainer)
    store.trainer.publish_challenger([challenger_of("u"), challenger_of("v")], [], lease)
    assert await store.server.erase_user("u")
    assert await store.server.get_challenger_user("u") is None
    assert await store.server.get_challenger_user("v") == challenger_of("v")
    assert not await store.server.erase_user("u")
