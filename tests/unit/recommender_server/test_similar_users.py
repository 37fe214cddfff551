"""`GET /v1/users/{user_id}/similar`."""

from typing import Any

import pytest

from recommender_server.app import Parts, Rules, create_app
from streamrec.domain.users.user import LabelUse, Profile, UserState
from streamrec.errors import Unavailable
from streamrec.ports import UserUpdates
from tests.asgi_client import Client
from tests.unit.recommender_server.conftest import VECTOR, Server


@pytest.fixture
def known(server: Server) -> Server:
    profile = Profile((LabelUse("war", 4, 30.5), LabelUse("drama", 1)), (LabelUse("old", 2, 3.0),))
    lease = server.store.acquire("trainer", "test", 10.0, 0.0)
    assert lease is not None
    v = UserState("v", "g1", VECTOR, ("i1",), (), 5, 9.0, profile)
    server.store.publish_users(UserUpdates([v], []), lease)
    return server


async def test_users_like_one_come_with_what_they_do(known: Server) -> None:
    await known.client.call("PUT", "/v1/users/v", json={"attributes": {"country": "NZ"}})
    answer = await known.client.call("GET", "/v1/users/u/similar?k=5")
    assert answer.status == 200
    assert answer.json == {
        "user_id": "u",
        "users": [
            {
                "user_id": "v",
                "score": 1.0,
                "profile": {
                    "categories": [
                        {"category": "war", "n_events": 4, "mean_value": 30.5},
                        {"category": "drama", "n_events": 1, "mean_value": None},
                    ],
                    "tags": [{"tag": "old", "n_events": 2, "mean_value": 3.0}],
                    "attributes": {"country": "NZ"},
                    "last_activity": 9.0,
                },
            }
        ],
        "reason": None,
    }
    assert (await known.client.call("GET", "/v1/users/v")).json["profile"]["categories"][0] == {
        "category": "war", "n_events": 4, "mean_value": 30.5,
    }  # fmt: skip


async def test_a_cold_user_gets_an_empty_list_and_the_reason(known: Server) -> None:
    await known.client.call("PUT", "/v1/users/new%2Fone", json={"attributes": {"a": 1}})
    for user_id in ("new%2Fone", "user%2F2"):
        answer = await known.client.call("GET", f"/v1/users/{user_id}/similar")
        assert (answer.status, answer.json["users"], answer.json["reason"]) == (200, [], "cold")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/users/nobody/similar", 404),
        ("/v1/users/123/similar", 404),
        ("/v1/users/u/similar?k=0", 400),
        ("/v1/users/u/similar?k=1001", 400),
        ("/v1/users/u/similar?k=many", 400),
        ("/v1/users/u/similar?by=vector", 400),
        ("/v1/users/%FF/similar", 400),
        (f"/v1/users/{'x' * 257}/similar", 400),
    ],
)
async def test_a_wrong_question_is_told_so(known: Server, path: str, status: int) -> None:
    answer = await known.client.call("GET", path)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"


class Broken:
    """A part that refuses."""

    def __getattr__(self, _name: str) -> Any:
        async def fail(*_arguments: object) -> None:
            raise Unavailable("the index of users is turned off")

        return fail


@pytest.mark.parametrize("part", ["index", "store"])
async def test_without_the_index_or_the_store_it_says_so(known: Server, part: str) -> None:
    client = Client(create_app(Parts(**{**vars(known.parts), part: Broken()}), Rules()))
    answer = await client.call("GET", "/v1/users/u/similar")
    assert answer.status == 503
    assert "turned off" in answer.json["detail"]
    await client.shut_down()
