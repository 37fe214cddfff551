"""Lists for many users over HTTP: the same as one by one, and what is wrong with one costs that one alone."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import pytest

from recommender_server.app import Parts, Rules, create_app
from streamrec.domain.items.item import Item
from streamrec.domain.users.user import UserState
from streamrec.errors import Damaged, Unavailable
from streamrec.ports import UserUpdates
from streamrec.serving.composition import ServingLimits
from tests.asgi_client import Client
from tests.unit.recommender_server.conftest import MAX_BODY_BYTES, VECTOR, Server

TARGET = "/v1/recommendations:batch"
USERS = [f"user-{number}" for number in range(70)]


class Counted:
    """A store or a cache whose calls are counted by their names, and which may fail in one of them."""

    def __init__(self, part: object, calls: Counter[str]) -> None:
        self._part = part
        self._calls = calls
        self.fails: dict[str, Exception] = {}

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        method = getattr(self._part, name)

        def counted(*arguments: object, **named: object) -> Awaitable[object]:
            self._calls[name] += 1
            if name in self.fails:
                raise self.fails[name]
            answered: Awaitable[object] = method(*arguments, **named)
            return answered

        return counted


class Batches:
    """The app over counted parts, with users of whom each has seen another item."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.calls: Counter[str] = Counter()
        lease = server.store.acquire("trainer", "test", 10.0, 0.0)
        assert lease is not None
        seen = [(user_id, f"i{number % 20}", 5.0) for number, user_id in enumerate(USERS)]
        states = [UserState(user_id, "g1", VECTOR, (item,), (), 1, 5.0) for user_id, item, _ in seen]
        server.store.publish_users(UserUpdates(states, seen), lease)
        self.store, cache = Counted(server.store, self.calls), Counted(server.cache, self.calls)
        parts = Parts(
            cast("Any", self.store), cast("Any", cache), server.parts.index, server.parts.sink,
            server.parts.metrics,
        )  # fmt: skip
        limits = ServingLimits(timeout_s=30.0, ranking_age_s=3600.0)
        self.client = Client(create_app(parts, Rules(limits, max_body_bytes=MAX_BODY_BYTES)))

    async def ask(self, **body: Any) -> list[Any]:
        answer = await self.client.call("POST", TARGET, json=body)
        assert answer.status == 200, answer.body
        answers: list[Any] = answer.json["answers"]
        return answers


@pytest.fixture
async def batches(server: Server) -> AsyncIterator[Batches]:
    made = Batches(server)
    await server.store.put_items(
        [Item(f"i{row}", title=f"T{row}", attributes={"n": row}) for row in range(20)]
    )
    yield made
    await made.client.shut_down()


async def single(batches: Batches, user_id: str, query: str) -> Any:
    answer = (await batches.client.call("GET", f"/v1/recommendations?user_id={user_id}{query}")).json
    assert answer.pop("request_id")  # of an answer, not of a list
    return answer


async def test_each_list_is_the_one_that_its_user_gets_alone(batches: Batches) -> None:
    answers = await batches.ask(users=[*USERS, "nobody", USERS[0]], k=4)
    assert [answer["user_id"] for answer in answers] == [*USERS, "nobody", USERS[0]]
    assert {answer["error"] for answer in answers} == {None}
    for number in (0, 33, 69, 70, 71):
        of_user = answers[number]
        assert of_user["recommendations"] == await single(batches, of_user["user_id"], "&k=4")
    filtered = await batches.ask(
        users=["user-3", {"user_id": 7.0, "k": 1}], filter=["n<5"], exclude_seen=False
    )
    assert filtered[0]["recommendations"] == await single(
        batches, "user-3", "&filter=n%3C5&exclude_seen=false"
    )
    assert (filtered[1]["user_id"], len(filtered[1]["recommendations"]["items"])) == ("7", 1)


async def test_wishes_of_a_user_hold_for_that_one(batches: Batches) -> None:
    one = {"user_id": "user-1", "only_ids": ["i3", "i1", "i4"], "exclude_ids": ["i4"], "k": 3}
    answers = await batches.ask(users=[one, "user-2", {"user_id": "nobody", "item_id": "i5"}], k=2)
    lists = [[item["item_id"] for item in answer["recommendations"]["items"]] for answer in answers]
    assert lists[0] == ["i3"]
    assert [len(shown) for shown in lists] == [1, 2, 2]
    assert answers[2]["recommendations"]["based_on"] == "item_id"


async def test_what_is_wrong_with_one_user_costs_that_one_alone(batches: Batches) -> None:
    answers = await batches.ask(users=["user-0", "", "x" * 7000, "<script>'\"/ü"])
    assert [answer["error"] is None for answer in answers] == [True, False, False, True]
    assert answers[0]["recommendations"]["items"]
    assert answers[1]["recommendations"] is None
    assert "user_id" in answers[1]["error"]
    assert answers[3]["recommendations"]["popular_because"] == "unknown_user"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"users": []}, 422, "users"),
        ({"users": ["u"] * 501}, 422, "users"),
        ({"users": [None]}, 422, "users"),
        ({"users": ["u"], "k": 0}, 422, "k"),
        ({"users": ["u"], "explain": True}, 422, "explain"),
        ({"users": [{"user_id": "u", "cursor": "x"}]}, 422, "cursor"),
        ({"users": ["u"] * 21, "k": 1000}, 400, "20000 items"),
        ({"users": ["u"], "filter": ["n<"]}, 400, "at character 3"),
        ({}, 422, "users"),
    ],
)
async def test_what_is_wrong_with_all_is_refused(
    batches: Batches, body: dict[str, Any], status: int, words: str
) -> None:
    answer = await batches.client.call("POST", TARGET, json=body)
    assert (answer.status, words in answer.json["detail"]) == (status, True), answer.json


async def test_what_lists_need_is_read_together(batches: Batches) -> None:
    await batches.ask(users=USERS, k=4)
    batches.calls.clear()
    await batches.ask(users=USERS, k=4)
    # Three times some of the users: 32, 32 and 6.
    assert batches.calls["get_profiles"] == 3
    assert batches.calls["get_profile"] == 0
    assert batches.calls["get_items"] <= 6


async def test_a_damaged_user_and_a_store_that_is_away_cost_what_they_cost_alone(batches: Batches) -> None:
    batches.store.fails["get_profiles"] = Damaged("one of them")
    answers = await batches.ask(users=["user-1", "user-2"], k=2)
    assert [answer["recommendations"]["degraded"] for answer in answers] == [False, False]
    batches.store.fails["get_profile"] = batches.store.fails["get_profiles"] = Unavailable("away")
    (answer,) = await batches.ask(users=["user-1"], k=2)
    assert answer["recommendations"]["degraded"]
    assert answer["recommendations"]["popular_because"] == "store_unavailable"
