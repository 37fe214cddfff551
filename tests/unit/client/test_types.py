"""Types of the methods, as type checkers and people see them: mypy reads this file with all others."""

import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type

import pytest

from streamrec.client import AsyncClient, Client, EventBuffer
from streamrec.client.answers.lists import Recommendations, RecommendedItem
from streamrec.client.answers.users import UserView


def typed(client: Client) -> None:
    """Say what each has to be; an `ignore` that is not needed is an error, too."""
    assert_type(client.recommendations(user_id=7, k=5, category=["Drama"]), Recommendations)
    assert_type(client.each_popular(window="day"), Iterator[RecommendedItem])
    assert_type(client.get_user("u"), UserView)
    assert_type(client.delete_item("x"), None)
    assert_type(client.events(), EventBuffer)
    client.recommendations(user="u")  # type: ignore[call-arg]
    client.recommendations("u")  # type: ignore[call-arg]
    client.similar_items("x", by="taste")  # type: ignore[arg-type]
    client.get_user()  # type: ignore[call-arg]


async def typed_async(client: AsyncClient) -> None:
    """Say it of the other client."""
    assert_type(await client.recommendations(user_id=7), Recommendations)
    assert_type(client.each_latest(k=3), AsyncIterator[RecommendedItem])
    await client.recommendations(user="u")  # type: ignore[call-arg]


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_help_shows_parameters_and_what_they_mean(client: type) -> None:
    method = vars(client)["similar_items"]
    assert str(inspect.signature(method)).startswith("(self, /, item_id: str | int, *, k: int | None = None")
    assert "Kind of similarity" in (inspect.getdoc(method) or "")


def test_help_shows_what_is_returned() -> None:
    returned: dict[Any, str] = {
        Client.get_user: "UserView",
        AsyncClient.get_user: "Awaitable[streamrec.client.answers.users.UserView]",
        Client.each_popular: "Iterator[streamrec.client.answers.lists.RecommendedItem]",
        AsyncClient.each_popular: "AsyncIterator[streamrec.client.answers.lists.RecommendedItem]",
        Client.delete_item: "NoneType",
    }
    for method, words in returned.items():
        assert str(inspect.signature(method)).endswith(words)
    with Client("http://x") as client:
        assert list(inspect.signature(client.get_user).parameters) == ["user_id"]
