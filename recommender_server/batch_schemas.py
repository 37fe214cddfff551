"""Schemas of lists for many users: the checks and the OpenAPI document are made from these types."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from recommender_server.list_schemas import (
    Categories,
    Diversity,
    ExcludedIds,
    Filter,
    K,
    MaxPerCategory,
    MinScore,
    OnlyIds,
)
from streamrec.domain.ranking.recommendation import Recommendations
from streamrec.wire import ExactFloat

MAX_USERS = 500

MAX_ITEMS = 20_000
"""Of all lists of a batch together: 6 MB."""


class BatchUser(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One user of a batch, with wishes of their own; what is left out is as for all."""

    user_id: str | int | ExactFloat
    item_id: str | int | ExactFloat | UnsetType = UNSET
    k: K | UnsetType = UNSET
    exclude_ids: ExcludedIds = []
    only_ids: OnlyIds = []


class BatchBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Users, by id or with wishes of their own, and what holds for all of their lists."""

    users: Annotated[
        list[str | int | ExactFloat | BatchUser],
        Meta(
            min_length=1,
            max_length=MAX_USERS,
            description=f"All lists together have {MAX_ITEMS:,} items at most.",
        ),
    ]
    k: K = 10
    exclude_seen: bool = True
    category: Categories = []
    filter: Filter = []
    min_score: MinScore | UnsetType = UNSET
    diversity: Diversity | UnsetType = UNSET
    max_per_category: MaxPerCategory | UnsetType = UNSET


class UserAnswer(msgspec.Struct, frozen=True):
    """Answer to one user of a batch: a list, or why there is none."""

    user_id: str
    recommendations: Recommendations | None = None
    error: str | None = None


class BatchAnswer(msgspec.Struct, frozen=True):
    """Answers in the order of the users."""

    answers: list[UserAnswer]
