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
    number, those seen, and the vector; a dislike those disliked.

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
        fresh = await self._with(state or UserState(user_id, "", None), accepted)
        document = UserDocument(user_id) if document is None else document
        seen = [one.item_id for one in reversed(accepted)] if with_seen else []
        return Answered(
            UserProfile(msgspec.structs.replace(document, state=fresh), [*seen, *profile.seen]), failed
        )

    async def _with(self, state: UserState, accepted: Sequence[Accepted]) -> UserState:
        choices = [one for one in accepted if one.is_choice]
        moved = await self._moved(state, choices)
        return msgspec.structs.replace(
            moved,
            recent=(*state.recent, *(one.item_id for one in choices)),
            recent_at=(*state.recent_at, *(one.second for one in choices)),
            disliked=(*state.disliked, *(one.item_id for one in accepted if not one.is_choice)),
            n_events=state.n_events + len(accepted),
        )

    async def _moved(self, state: UserState, choices: Sequence[Accepted]) -> UserState:
        """Return the state with the vector, and its generation, that it has with some choices more."""
        weighing = self._weighing.weighing()
        fresh = [(one.item_id, one.second) for one in reversed(choices)][: weighing.rules.n]
        if not fresh:
            return state
        known = list(zip(reversed(state.recent), reversed(state.recent_at), strict=False))[: weighing.rules.n]
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
        formed = vector_with(vector, known, fresh, past, weighing)
        if formed is None or formed is vector:
            return state
        return msgspec.structs.replace(state, vector=formed.astype("<f4").tobytes(), generation=generation)


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
