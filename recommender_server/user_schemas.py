"""Schemas of requests and answers at `/v1/users/{user_id}/similar`, and of a user's habits."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from streamrec.domain.ranking.recommendation import MAX_K
from streamrec.domain.users.user import NO_PROFILE, Profile, UserDocument
from streamrec.serving.similar_users import Reason, SimilarUsers


class CategoryUse(msgspec.Struct, frozen=True):
    """Events of a user with items of a category, and the mean of their values, if any had one."""

    category: str
    n_events: int
    mean_value: float | None


class TagUse(msgspec.Struct, frozen=True):
    """Events of a user with items that bear a tag, and the mean of their values, if any had one."""

    tag: str
    n_events: int
    mean_value: float | None


class Habits(msgspec.Struct, frozen=True):
    """Habits of a user: a bounded number of categories and tags, those with most events first."""

    categories: list[CategoryUse]
    tags: list[TagUse]


class ProfileView(Habits, frozen=True):
    """Profile of a user similar to another. `last_activity`: Unix seconds of the newest event."""

    attributes: dict[str, Any]
    last_activity: float | None


class SimilarUserView(msgspec.Struct, frozen=True):
    """A user similar to another; `score` is the cosine of what was learned of the two."""

    user_id: str
    score: float
    profile: ProfileView


class SimilarUsersAnswer(msgspec.Struct, frozen=True):
    """Users similar to one, the most similar first.

    `reason`: null; `cold`: nothing that this user chose is known yet, `users` is empty; `fold_in`: the index
    does not have the user yet, these are similar to one who chose the same items.
    """

    user_id: str
    users: list[SimilarUserView]
    reason: Reason | None


class SimilarUsersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of `GET /v1/users/{user_id}/similar`."""

    k: Annotated[int, Meta(ge=1, le=MAX_K, description="Users wanted.")] = 10


def habits_of(profile: Profile) -> Habits:
    """Return what a caller is shown of a profile."""
    return Habits(
        [CategoryUse(use.name, use.n_events, use.mean_value) for use in profile.categories],
        [TagUse(use.name, use.n_events, use.mean_value) for use in profile.tags],
    )


def answer_of(user_id: str, similar: SimilarUsers) -> SimilarUsersAnswer:
    """Return what a caller is shown of users similar to one."""
    views = [
        SimilarUserView(user.document.user_id, user.score, _profile_of(user.document))
        for user in similar.users
    ]
    return SimilarUsersAnswer(user_id, views, similar.reason)


def _profile_of(document: UserDocument) -> ProfileView:
    state = document.state
    habits = habits_of(NO_PROFILE if state is None else state.profile)
    last_activity = None if state is None else state.updated_at
    return ProfileView(habits.categories, habits.tags, document.attributes, last_activity)
