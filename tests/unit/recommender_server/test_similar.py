"""What `GET /v1/items/{item_id}/similar` answers."""

from typing import Any

import pytest

from recommender_server.app import Parts, Rules, create_app
from streamrec.domain.similarity.like_order import LikeOrder
from streamrec.errors import Unavailable
from streamrec.ports import Neighbours
from tests.asgi_client import Answer, Client
from tests.unit.recommender_server.conftest import Server

NEAR = Neighbours(["i7", "i8", "i9"], [0.6, 0.5, 0.1], [4.0, 3.0, 0.5], [0.0] * 3, ["i8", "i12"], [3, 1])
"""Of i5; by vectors the most like it are i19, i18 ..."""


@pytest.fixture(autouse=True)
def _counted(server: Server) -> None:
    server.cache.publish_neighbours({"i5": NEAR})


async def similar(server: Server, parameters: str = "", item_id: str = "i5") -> Answer:
    return await server.client.call("GET", f"/v1/items/{item_id}/similar?{parameters}")


def ids_of(answer: Answer) -> list[str]:
    assert answer.status == 200
    return [item["item_id"] for item in answer.json["items"]]


def scores_of(answer: Answer) -> list[tuple[str, float, float | None, str]]:
    assert answer.status == 200
    return [
        (item["item_id"], item["score"], item["support"], item["source"]) for item in answer.json["items"]
    ]


async def test_each_way_has_its_own_scores_and_supports(server: Server) -> None:
    assert scores_of(await similar(server, "by=vector&k=2")) == [
        ("i19", 95.0, None, "similar"),
        ("i18", 90.0, None, "similar"),
    ]
    assert scores_of(await similar(server, "by=covisitation")) == [
        ("i7", 0.6, 4.0, "covisitation"),
        ("i8", 0.5, 3.0, "covisitation"),
        ("i9", 0.1, 0.5, "covisitation"),
    ]
    assert scores_of(await similar(server, "by=same_day")) == [
        ("i8", 3.0, 3.0, "same_day"),
        ("i12", 1.0, 1.0, "same_day"),
    ]


async def test_the_blend_is_what_an_unknown_user_who_looks_at_the_item_is_recommended(server: Server) -> None:
    blended = await similar(server, "k=20")
    recommended = await server.client.call("GET", "/v1/recommendations?item_id=i5&k=19")
    assert ids_of(blended) == ids_of(recommended)
    assert blended.json["by"] == "blend"
    assert [item["score"] for item in blended.json["items"]] == pytest.approx(
        [item["score"] for item in recommended.json["items"]]
    )
    supports = {item["item_id"]: item["support"] for item in blended.json["items"]}
    assert (supports["i7"], supports["i9"], supports["i19"]) == (4.0, 0.5, None)
    assert {name: blended.json[name] for name in ("item_id", "generation", "degraded")} == {
        "item_id": "i5", "generation": "g1", "degraded": False,
    }  # fmt: skip


@pytest.mark.parametrize("by", ["vector", "covisitation", "same_day", "blend"])
async def test_filters_are_those_of_recommendations(server: Server, by: str) -> None:
    for item_id in ("i8", "i9", "i18"):
        await server.client.call("PUT", f"/v1/items/{item_id}", json={"categories": ["x"]})
    await server.client.call("PUT", "/v1/items/i19", json={"is_hidden": True})
    await server.client.call("PUT", "/v1/items/i7", json={"is_hidden": True})
    everything = ids_of(await similar(server, f"by={by}&k=1000"))
    assert not {"i5", "i7", "i19"} & set(everything)
    of_category = ids_of(await similar(server, f"by={by}&category=x&category=y"))
    assert of_category == [item_id for item_id in everything if item_id in ("i8", "i9", "i18")]
    without = ids_of(await similar(server, f"by={by}&k=1000&exclude_ids=i8&exclude_ids=i18"))
    assert without == [item_id for item_id in everything if item_id not in ("i8", "i18")]
    only = ids_of(await similar(server, f"by={by}&only_ids=no%2Fbody&only_ids=i8&only_ids=i5&only_ids=i19"))
    assert only == ["i8", "no/body"]
    assert ids_of(await similar(server, f"by={by}&k=1&min_score=-1000")) == everything[:1]
    assert ids_of(await similar(server, f"by={by}&min_score=1000")) == []


async def test_an_unknown_item_is_a_404_and_one_without_neighbours_an_empty_list(server: Server) -> None:
    await server.client.call("PUT", "/v1/items/new", json={})
    for by in ("vector", "covisitation", "same_day", "blend"):
        assert ids_of(await similar(server, f"by={by}", "new")) == []
        for parameters in ("", "&only_ids=i8", "&category=x"):
            answer = await similar(server, f"by={by}{parameters}", "nobody")
            assert (answer.status, "'nobody'" in answer.json["detail"]) == (404, True)
    # Known by its vector alone.
    for by in ("covisitation", "same_day"):
        assert ids_of(await similar(server, f"by={by}", "i6")) == []


@pytest.mark.parametrize("parameters", ["by=price", "by=", "order=price", "k=0", "k=1001", "min_score=x",
                                        "user_id=u", "exclude_ids="])  # fmt: skip
async def test_what_does_not_fit_is_named(server: Server, parameters: str) -> None:
    answer = await similar(server, parameters)
    assert answer.status == 400
    assert parameters.partition("=")[0] in answer.json["detail"]


class Down:
    """A part whose every call fails."""

    def __getattr__(self, _name: str) -> Any:
        async def fail(*_arguments: object) -> None:
            raise Unavailable("down")

        return fail


@pytest.mark.parametrize(
    ("part", "n_found"),
    [
        ("index", {"blend": 3, "covisitation": 3, "same_day": 2, "vector": None}),
        ("cache", {"blend": 19, "covisitation": None, "same_day": None, "vector": 19}),
        ("store", {"blend": 19, "covisitation": 3, "same_day": 2, "vector": 19}),
    ],
)
async def test_what_still_works_is_the_answer(
    server: Server, part: str, n_found: dict[str, int | None]
) -> None:
    client = Client(create_app(Parts(**{**vars(server.parts), part: Down()}), Rules()))
    for by, n in n_found.items():
        answer = await client.call("GET", f"/v1/items/i5/similar?k=20&by={by}")
        if n is None:
            assert answer.status == 503
        else:
            is_asked = part != "index" or by == "blend"
            assert (len(ids_of(answer)), answer.json["degraded"]) == (n, is_asked)
    await client.shut_down()


async def priced(client: Client) -> None:
    for n, (category, price) in enumerate(
        [("shoes", 50), ("hats", 50), ("shoes", 90), ("shoes", "45.5"), ("hats", None), ("shoes", True)]
    ):
        await client.call(
            "PUT",
            f"/v1/items/i{5 + n}",
            json={"categories": [category, "all"], "attributes": {"price": price}},
        )


LIKE_I5 = Neighbours(["i10", "i9", "i6", "i7", "i8"], [0.9, 0.8, 0.7, 0.6, 0.5], [1.0] * 5, [0.0] * 5)


async def test_the_same_category_comes_first_and_then_the_nearest_price(server: Server) -> None:
    await priced(server.client)
    server.cache.publish_neighbours({"i5": LIKE_I5})
    expected = {
        "score": ["i10", "i9", "i6", "i7", "i8"],
        "same_category": ["i10", "i7", "i8", "i9", "i6"],
        "same_category_then_value": ["i8", "i7", "i10", "i6", "i9"],
    }
    for order, ids in expected.items():
        assert ids_of(await similar(server, f"by=covisitation&order={order}")) == ids
        # A shorter list is the head of the longer one: it is chosen from as many.
        assert ids_of(await similar(server, f"by=covisitation&order={order}&k=2")) == ids[:2]
    unpriced = await similar(server, "by=same_day&order=same_category_then_value", "i4")
    assert ids_of(unpriced) == []


async def test_a_servers_own_order_counts_where_a_request_names_none(server: Server) -> None:
    await priced(server.client)
    server.cache.publish_neighbours({"i5": LIKE_I5})
    client = Client(create_app(server.parts, Rules(like_order=LikeOrder("same_category", "price"))))
    target = "/v1/items/i5/similar?by=covisitation&k=3"
    assert ids_of(await client.call("GET", target)) == ["i10", "i7", "i8"]
    assert ids_of(await client.call("GET", f"{target}&order=score")) == ["i10", "i9", "i6"]
    await client.shut_down()


async def test_an_unknown_user_who_looks_at_an_item_is_recommended_in_that_order_too(server: Server) -> None:
    await priced(server.client)
    target = "/v1/recommendations?item_id=i5&k=4"
    for order, n_first in (("same_category", 3), ("same_category_then_value", 3)):
        answer = await server.client.call("GET", f"{target}&user_id=unknown&order={order}")
        assert set(ids_of(answer)[:n_first]) == {"i7", "i8", "i10"}
        assert answer.json["items"][3]["categories"] != ["shoes", "all"]
    assert ids_of(answer)[:3] == ["i8", "i7", "i10"]
    known = await server.client.call("GET", f"{target}&user_id=u&order=same_category")
    assert ids_of(known) == ids_of(await server.client.call("GET", f"{target}&user_id=u"))


@pytest.mark.parametrize("shape", ["diversity=0.5", "max_per_category=3"])
async def test_an_order_sorts_what_a_shape_has_chosen(server: Server, shape: str) -> None:
    await priced(server.client)
    hats_first = Neighbours(["i9", "i6", "i8", "i7"], [0.9, 0.8, 0.7, 0.6], [1.0] * 4, [0.0] * 4)
    server.cache.publish_neighbours({"i5": hats_first})
    target = f"/v1/recommendations?item_id=i5&k=6&{shape}&order="
    chosen = ids_of(await server.client.call("GET", f"{target}score"))
    in_order = sorted(chosen, key=lambda item_id: item_id not in ("i7", "i8", "i10"))
    assert in_order != chosen
    assert ids_of(await server.client.call("GET", f"{target}same_category")) == in_order
