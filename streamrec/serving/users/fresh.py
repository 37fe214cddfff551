"""Users as they will be once the trainer has published what this process took in of them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec
import numpy as np

from streamrec.domain.users.context import Vector, Weighing, vector_with
from streamrec.domain.users.user import UserDocument, UserState
from streamrec.ports import Metrics, Neighbours, Rankings, UserProfile
from streamrec.serving.guard import Answered, Guard
from streamrec.serving.recommender import Profiles
from streamrec.serving.users.accepted import Accepted, AcceptedChoices


class WeighingSource(Protocol):
    """Source of what a user's last items weigh."""

    def weighing(self) -> Weighing:
        """Return what the trainer published last; of no items, where it published none."""


class FreshUsers:
    """Users of a store, and what they chose since it was written to, as far as this process took it in.

    Of who chose nothing meanwhile, the store's profile is all. A choice joins the last items, their times and
    number, those seen, and the vector; a dislike those disliked; a retraction takes all of them back that
    were before it, of the published choices those that are not dated later.

    Parameters
    ----------
    users
        As published.
    cache
        Has what each item adds to a vector, with its neighbours.
    """

    def __init__(
        self,
        users: Profiles,
        accepted: AcceptedChoices,
        cache: Rankings,
        cache_guard: Guard,
        weighing: WeighingSource,
        metrics: Metrics,
    ) -> None:
        self._users = users
        self._accepted = accepted
        self._cache = cache
        self._cache_guard = cache_guard
        self._weighing = weighing
        self._metrics = metrics

    async def profile(self, user_id: str, *, with_seen: bool) -> Answered[UserProfile]:
        """Return what is known of a user, if wanted with seen items."""
        profile, failed = await self._users.profile(user_id, with_seen=with_seen)
        document = profile.document
        state = None if document is None else document.state
        accepted = self._accepted.unpublished(user_id, state)
        if not accepted:
            return Answered(profile, failed)
        self._metrics.count("recommender.unpublished_choices", len(accepted))
        said, retracted = _folded(accepted)
        fresh = await self._with(state or UserState(user_id, "", None), said, retracted)
        document = UserDocument(user_id) if document is None else document
        seen = [
            *(one.item_id for one in reversed(said)),
            *(id_ for id_ in profile.seen if id_ not in retracted),
        ]
        return Answered(
            profile._replace(
                document=msgspec.structs.replace(document, state=fresh), seen=seen if with_seen else []
            ),
            failed,
        )

    async def _with(
        self, state: UserState, said: Sequence[Accepted], retracted: Mapping[str, int]
    ) -> UserState:
        kept = without_retracted(state, retracted)
        choices = [one for one in said if one.is_choice]
        disliked, liked_again = dict.fromkeys(kept.disliked), set[str]()
        for one in said:
            if one.is_choice:
                disliked.pop(one.item_id, None)
                liked_again.add(one.item_id)
            else:
                disliked[one.item_id] = None
                liked_again.discard(one.item_id)
        # What less is wanted of is known once it is published: a retraction that is held came before that.
        gone = (retracted.keys() - disliked.keys()) | liked_again
        moved = await self._moved(state, kept, choices)
        return msgspec.structs.replace(
            kept,
            vector=moved.vector,
            aging=moved.aging,
            generation=moved.generation,
            recent=(*kept.recent, *(one.item_id for one in choices)),
            recent_at=(*kept.recent_at, *(one.second for one in choices)),
            disliked=tuple(disliked),
            less=tuple(one for one in state.less if one.item_id not in gone),
            n_events=kept.n_events + len(choices) + len(disliked.keys() - set(kept.disliked)),
        )

    async def _moved(self, state: UserState, kept: UserState, choices: Sequence[Accepted]) -> UserState:
        """Return the state with the vector, and its generation, that it has with some choices more.

        Parameters
        ----------
        kept
            The state without what is taken back.
        """
        weighing = self._weighing.weighing()
        fresh = [(one.item_id, one.second) for one in reversed(choices)][: weighing.rules.n]
        known, left = (_dated(one)[: weighing.rules.n] for one in (state, kept))
        if not fresh and len(left) == len(known):
            return state
        item_ids = list(dict.fromkeys(item_id for item_id, _ in (*fresh, *known)))
        nothing: dict[str, Neighbours] = {}
        # Should the cache be away, the sources that want neighbours say so.
        published, _ = await self._cache_guard.ask(lambda: self._cache.neighbours(item_ids), nothing)
        generation = state.generation
        if state.vector is None:
            of_fresh = (published[item_id] for item_id, _ in fresh if item_id in published)
            generation = next((near.generation for near in of_fresh if near.past), generation)
        vector = None if state.vector is None else np.frombuffer(state.vector, "<f4")
        past = _past_of(published, generation, None if vector is None else len(vector) - 1)
        formed = vector_with(vector, known, fresh, past, weighing, left)
        if formed is None or formed is vector:
            return state
        return msgspec.structs.replace(
            state, vector=formed.astype("<f4").tobytes(), aging=None, generation=generation
        )


def _folded(accepted: Sequence[Accepted]) -> tuple[list[Accepted], dict[str, int]]:
    """Return what no later retraction took back, and the items taken back with the seconds of that."""
    said: list[Accepted] = []
    retracted: dict[str, int] = {}
    for one in accepted:
        if one.is_retraction:
            said = [other for other in said if other.item_id != one.item_id]
            retracted[one.item_id] = max(one.second, retracted.get(one.item_id, 0))
        else:
            said.append(one)
    return said, retracted


def without_retracted(state: UserState, retracted: Mapping[str, int]) -> UserState:
    """Return a state without what was said of some items up to these seconds; dislikes have no time.

    >>> state = UserState("u", "g", None, ("a", "b", "a"), ("c",), n_events=4, recent_at=(5, 9))
    >>> left = without_retracted(state, {"a": 8, "c": 8})
    >>> left.recent, left.recent_at, left.disliked, left.n_events
    (('b', 'a'), (5, 9), (), 2)
    """
    if not retracted:
        return state
    n_undated = len(state.recent) - len(state.recent_at)
    dated = [(item_id, -1) for item_id in state.recent[:n_undated]]
    dated += zip(state.recent[n_undated:], state.recent_at, strict=True)
    left = [(item_id, at) for item_id, at in dated if at > retracted.get(item_id, -2)]
    disliked = tuple(item_id for item_id in state.disliked if item_id not in retracted)
    n_gone = len(dated) - len(left) + len(state.disliked) - len(disliked)
    return msgspec.structs.replace(
        state,
        recent=tuple(item_id for item_id, _ in left),
        recent_at=tuple(at for _, at in left if at >= 0),
        disliked=disliked,
        n_events=max(0, state.n_events - n_gone),
    )


def _dated(state: UserState) -> list[tuple[str, int]]:
    """Return the last items with their times, newest first."""
    return list(zip(reversed(state.recent), reversed(state.recent_at), strict=False))


def _past_of(published: Mapping[str, Neighbours], generation: str, dim: int | None) -> dict[str, Vector]:
    """Return what items add to a vector of a generation, (D,) each."""
    rows: dict[str, Vector] = {}
    for item_id, near in published.items():
        if near.generation == generation and near.past and len(near.past) % 4 == 0:
            row = np.frombuffer(near.past, "<f4")
            dim = len(row) if dim is None else dim
            if len(row) == dim:
                rows[item_id] = row
    return rows
