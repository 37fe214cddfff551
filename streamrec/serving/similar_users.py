"""Users similar to one, and what is known of them."""

from typing import Literal, NamedTuple, cast

from streamrec.domain.users.user import UserDocument
from streamrec.errors import Damaged, UnknownId
from streamrec.ports import IndexAnswer, ItemIndex, UsersByProfile, UserStore
from streamrec.serving.guard import Guard

Reason = Literal["cold", "fold_in"]

_MAX_ASKED = 1000

_SPARE = 10
"""Asked for beyond those wanted: of somebody erased a moment ago the index may know still."""


class SimilarUser(NamedTuple):
    """User similar to the one asked for; `score` is the cosine of what was learned of the two."""

    document: UserDocument
    score: float


class SimilarUsers(NamedTuple):
    """Users, the most similar first.

    Attributes
    ----------
    reason
        ``"cold"``: nothing that this user chose is known, so that nobody can be similar to them.
        ``"fold_in"``: the index does not have the user yet, so these are similar to one who chose the same
        items. Else None.
    """

    users: list[SimilarUser]
    reason: Reason | None


class SimilarUserFinder:
    """Asks the index for users similar to one, and the document store who they are."""

    def __init__(self, store: UserStore, store_guard: Guard, index: ItemIndex, index_guard: Guard) -> None:
        self._store = store
        self._store_guard = store_guard
        self._index = index
        self._index_guard = index_guard

    async def similar(self, user_id: str, k: int) -> SimilarUsers:
        """Return up to `k` users similar to this one, without the user, and without those who were erased.

        Raises
        ------
        UnknownId
            When there is no document of this user.
        Unavailable
            When the store or the index does not answer, or users are not indexed.
        """
        document = await self._store_guard.call(lambda: self._store.get_user(user_id))
        if document is None:
            raise UnknownId(f"there is no user {user_id!r}")
        state = document.state
        if state is None or not state.recent:
            return SimilarUsers([], "cold")
        query = UsersByProfile(user_id, min(k + _SPARE, _MAX_ASKED), state.recent)
        answer = await self._index_guard.call(lambda: self._index.search(query))
        users = (await self._known(answer))[:k]
        return SimilarUsers(users, _reason_of(answer))

    async def _known(self, answer: IndexAnswer) -> list[SimilarUser]:
        """Return those who have a state: of an erased user at most attributes are left.

        One whose document is damaged is left out.
        """
        try:
            documents = await self._store_guard.call(lambda: self._store.get_users(answer.ids))
        except Damaged as error:
            documents = cast("dict[str, UserDocument]", error.rest or {})
        return [
            SimilarUser(document, score)
            for user_id, score in zip(answer.ids, answer.scores, strict=True)
            if (document := documents.get(user_id)) is not None and document.state is not None
        ]


def _reason_of(answer: IndexAnswer) -> Reason | None:
    if not answer.is_missing:
        return None
    return "fold_in" if answer.ids else "cold"
