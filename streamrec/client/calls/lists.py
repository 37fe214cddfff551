"""Requests for lists of items: recommendations, feeds, and items similar to one."""

from collections.abc import Collection, Iterable
from typing import Literal

import msgspec

from streamrec.client.answers.lists import BatchAnswer, Recommendations, SimilarItems
from streamrec.client.call import Call, Id, encoded, id_text, present, question

Order = Literal["score", "same_category", "same_category_then_value"]
Similarity = Literal["vector", "covisitation", "same_day", "blend"]
Window = Literal["recent", "hour", "day", "week", "all"]


class BatchUser(msgspec.Struct, frozen=True, omit_defaults=True):
    """One user of a batch, with wishes of their own; what is left out is as for all."""

    user_id: Id
    item_id: Id | None = None
    k: int | None = None
    exclude_ids: list[str] = []
    only_ids: list[str] = []


def recommendations(
    *,
    user_id: Id | None = None,
    item_id: Id | None = None,
    k: int | None = None,
    exclude_seen: bool | None = None,
    category: Collection[str] | None = None,
    filter: Collection[str] | None = None,  # noqa: A002  # as the API calls it
    exclude_ids: Collection[Id] | None = None,
    only_ids: Collection[Id] | None = None,
    min_score: float | None = None,
    diversity: float | None = None,
    max_per_category: int | None = None,
    cursor: str | None = None,
    explain: bool | None = None,
    order: Order | None = None,
    variant: str | None = None,
) -> Call[Recommendations]:
    """Ask for items for a user, an item, or anybody: `GET /v1/recommendations`.

    Parameters
    ----------
    user_id, item_id
        Who asks, and what an unknown user looks at; either, both or neither.
    k
        Items wanted, 1 to 1,000; the server's default is 10.
    exclude_seen
        Whether to leave out what the user has seen; so by default.
    category
        Only items of one of these.
    filter
        Only items that fulfil all of these conditions, as ``"price<50"``.
    exclude_ids, only_ids
        Not these either; rank just these.
    min_score
        Only items that score at least this much.
    diversity
        0: the best, however alike, to 1: the least alike.
    max_per_category
        Items of one category while there are others.
    cursor
        `next_cursor` of the page before; `each_recommendation` follows it.
    explain
        Tell of each item why it is there.
    order
        Order of what is like `item_id`, where nothing is known of the user.
    variant
        Name of lists made beforehand: the user's comes first.
    """
    return question(
        "/v1/recommendations", Recommendations, user_id=user_id, item_id=item_id, k=k,
        exclude_seen=exclude_seen, category=category, filter=filter, exclude_ids=exclude_ids,
        only_ids=only_ids, min_score=min_score, diversity=diversity, max_per_category=max_per_category,
        cursor=cursor, explain=explain, order=order, variant=variant,
    )  # fmt: skip


def recommendations_batch(
    users: Iterable[Id | BatchUser],
    *,
    k: int | None = None,
    exclude_seen: bool | None = None,
    category: Collection[str] | None = None,
    filter: Collection[str] | None = None,  # noqa: A002
    min_score: float | None = None,
    diversity: float | None = None,
    max_per_category: int | None = None,
) -> Call[BatchAnswer]:
    """Ask for a list for each of up to 500 users: `POST /v1/recommendations:batch`.

    Answers come in the order of the users; one that is wrong costs itself alone (`error`).
    """
    body = present(
        users=list(users),
        k=k,
        exclude_seen=exclude_seen,
        category=None if category is None else list(category),
        filter=None if filter is None else list(filter),
        min_score=min_score,
        diversity=diversity,
        max_per_category=max_per_category,
    )
    return Call(method="POST", path="/v1/recommendations:batch", answer=BatchAnswer, body=encoded(body))


def popular(
    *,
    k: int | None = None,
    category: Collection[str] | None = None,
    filter: Collection[str] | None = None,  # noqa: A002
    cursor: str | None = None,
    window: Window | None = None,
) -> Call[Recommendations]:
    """Ask for what most people choose: `GET /v1/popular`; `each_popular` follows its pages."""
    return question(
        "/v1/popular", Recommendations, k=k, category=category, filter=filter, cursor=cursor, window=window
    )


def trending(
    *,
    k: int | None = None,
    category: Collection[str] | None = None,
    filter: Collection[str] | None = None,  # noqa: A002
    cursor: str | None = None,
) -> Call[Recommendations]:
    """Ask for what is chosen more and more: `GET /v1/trending`; `each_trending` follows its pages."""
    return question("/v1/trending", Recommendations, k=k, category=category, filter=filter, cursor=cursor)


def latest(
    *,
    k: int | None = None,
    category: Collection[str] | None = None,
    filter: Collection[str] | None = None,  # noqa: A002
    cursor: str | None = None,
) -> Call[Recommendations]:
    """Ask for what is new: `GET /v1/latest`; `each_latest` follows its pages."""
    return question("/v1/latest", Recommendations, k=k, category=category, filter=filter, cursor=cursor)


def similar_items(
    item_id: Id,
    *,
    k: int | None = None,
    by: Similarity | None = None,
    category: Collection[str] | None = None,
    filter: Collection[str] | None = None,  # noqa: A002
    exclude_ids: Collection[Id] | None = None,
    only_ids: Collection[Id] | None = None,
    min_score: float | None = None,
    order: Order | None = None,
) -> Call[SimilarItems]:
    """Ask for items like one: `GET /v1/items/{item_id}/similar`.

    Parameters
    ----------
    by
        Kind of similarity; the server's default is ``blend``.
    """
    ids = {"item_id": id_text("item_id", item_id)}
    return question(
        "/v1/items/{item_id}/similar", SimilarItems, ids=ids, k=k, by=by, category=category, filter=filter,
        exclude_ids=exclude_ids, only_ids=only_ids, min_score=min_score, order=order,
    )  # fmt: skip
