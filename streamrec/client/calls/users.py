"""Requests about users: what is known of them, who is like them, and their erasure."""

from collections.abc import Mapping
from typing import Any

from streamrec.client.answers.users import SimilarUsersAnswer, UserExposuresAnswer, UserIds, UserView
from streamrec.client.call import Call, Id, encoded, id_text, question


def get_user(user_id: Id) -> Call[UserView]:
    """Ask what is known of a user: `GET /v1/users/{user_id}`."""
    return question("/v1/users/{user_id}", UserView, ids=_ids(user_id))


def put_user(user_id: Id, *, attributes: Mapping[str, Any]) -> Call[None]:
    """Replace a user's attributes: `PUT /v1/users/{user_id}`."""
    body = encoded({"attributes": dict(attributes)})
    return Call(method="PUT", path="/v1/users/{user_id}", ids=_ids(user_id), body=body)


def erase_user(user_id: Id) -> Call[None]:
    """Erase a user everywhere: `DELETE /v1/users/{user_id}`."""
    return Call(method="DELETE", path="/v1/users/{user_id}", ids=_ids(user_id))


def find_users(
    *, prefix: str | None = None, limit: int | None = None, after: str | None = None
) -> Call[UserIds]:
    """Look for users whose id begins with a text: `GET /v1/users`.

    Parameters
    ----------
    limit
        Ids of a page, 1 to 1,000.
    after
        Only ids behind this one: `next_after` of the page before. With it an admin key is asked for.
    """
    return question("/v1/users", UserIds, prefix=prefix, limit=limit, after=after)


def all_users(*, prefix: str | None = None, limit: int = 1000, after: str = "") -> Call[UserIds]:
    """Ask for the ids of all users page by page, with an admin key: `GET /v1/users`.

    Parameters
    ----------
    prefix
        Only ids that begin with it.
    limit
        Ids of a page, 1 to 1,000.
    after
        Begin behind this id.
    """
    return find_users(prefix=prefix, limit=limit, after=after)


def similar_users(user_id: Id, *, k: int | None = None) -> Call[SimilarUsersAnswer]:
    """Ask for users who choose like one: `GET /v1/users/{user_id}/similar`."""
    return question("/v1/users/{user_id}/similar", SimilarUsersAnswer, ids=_ids(user_id), k=k)


def user_exposures(user_id: Id) -> Call[UserExposuresAnswer]:
    """Ask what was shown to a user lately, and what they did: `GET /v1/users/{user_id}/exposures`."""
    return question("/v1/users/{user_id}/exposures", UserExposuresAnswer, ids=_ids(user_id))


def _ids(user_id: Id) -> dict[str, str]:
    return {"user_id": id_text("user_id", user_id)}
