"""Users, and those similar to one."""

from typing import Any

import msgspec


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
    """Habits of a user: categories and tags, those with most events first."""

    categories: list[CategoryUse]
    tags: list[TagUse]


class UserView(msgspec.Struct, frozen=True):
    """A user, without the vector itself; `recent`: ids of the last items, the newest last."""

    user_id: str
    attributes: dict[str, Any]
    generation: str | None
    has_vector: bool
    n_events: int
    updated_at: float | None
    recent: tuple[str, ...]
    disliked: tuple[str, ...]
    less_like: tuple[str, ...]
    profile: Habits


class UserIds(msgspec.Struct, frozen=True):
    """Ids, in order of their bytes; `next_after`: where the next page begins, or None."""

    user_ids: list[str]
    next_after: str | None


class ProfileView(Habits, frozen=True):
    """Profile of a similar user; `last_activity`: Unix seconds of the newest event."""

    attributes: dict[str, Any]
    last_activity: float | None


class SimilarUserView(msgspec.Struct, frozen=True):
    """A user similar to another; `score` is the cosine of what was learned of the two."""

    user_id: str
    score: float
    profile: ProfileView


class SimilarUsersAnswer(msgspec.Struct, frozen=True):
    """Users similar to one, the most similar first; `reason`: ``cold``, ``fold_in`` or None."""

    user_id: str
    users: list[SimilarUserView]
    reason: str | None


class UserStep(msgspec.Struct, frozen=True):
    """A list that was answered to a user (`type` is None), or an event of theirs; `at`: Unix seconds.

    `shown_at`: when the event's item had been shown to them last within the hour before, or None.
    """

    at: float
    item_ids: tuple[str, ...]
    type: str | None
    is_choice: bool
    shown_at: float | None


class UserExposuresAnswer(msgspec.Struct, frozen=True):
    """The last steps of a user within 24 hours, newest first.

    `n_lists` of them are lists, `n_choices` events of positive weight, `n_chosen` of these of what was shown.
    """

    user_id: str
    steps: list[UserStep]
    n_lists: int
    n_choices: int
    n_chosen: int
