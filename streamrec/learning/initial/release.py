"""Initial training: history -> a generation that can be served and streamed into."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.prequential import Events
from streamrec.errors import InvalidInput
from streamrec.learning.counting import count_history
from streamrec.learning.initial.fit import FitOptions, FitReport, fit_initial
from streamrec.learning.initial.history import gather
from streamrec.learning.initial.warm_start import warm_start
from streamrec.learning.item_starts import enter_silently, follow_chosen
from streamrec.learning.rules import LearningRules
from streamrec.learning.soundness import demand_sound
from streamrec.learning.state.categories import ItemCategories
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.learning.state.user_cohorts import AttributesOf, complete_cohorts, no_attributes
from streamrec.learning.user_similarity import similarity_vectors
from streamrec.ports import (
    CachePublisher,
    Offsets,
    Snapshot,
    TrainerStore,
    UserUpdates,
)
from streamrec.process.lease import LeaseKeeper
from streamrec.publishing.views import rankings, user_states, vector_table

_USERS_AT_ONCE = 2000
"""Users in one transaction of the store: some tens of milliseconds, for which others wait."""

NewlyErased = Callable[[Sequence[str]], list[str]]
"""Returns those of some users who were erased since it was last asked."""


def nobody(_user_ids: Sequence[str]) -> list[str]:
    """Return nobody: for a history without erasures."""
    return []


@dataclass(frozen=True)
class Start:
    """Inputs that initial training starts from.

    Attributes
    ----------
    events
        The history in the order in which it happened; read once.
    rules
        How events teach.
    options
        How the epochs go.
    warm
        Vectors to start from, or None.
    newly_erased
        Returns those of some users who were erased since the events were chosen.
    attributes_of
        Reads the users' attributes.
    """

    events: Iterable[Interaction]
    rules: LearningRules
    options: FitOptions
    warm: Snapshot | None = None
    newly_erased: NewlyErased = nobody
    attributes_of: AttributesOf = no_attributes


def train_initially(
    state: TrainerState, start: Start, on_progress: Callable[[int, int], None]
) -> tuple[Events, FitReport]:
    """Fit a fresh state to a history.

    Parameters
    ----------
    on_progress
        Called with the number of events counted and gone through, and of all there are at most.

    Raises
    ------
    InvalidInput
        When there is no positive event to learn from, or the given vectors do not fit the model.
    """
    acting = gather(start.events, state, start.rules)
    if gone := start.newly_erased(state.user_ids.ids()):
        acting = acting.where(_forgetting(state, gone, acting.user_rows))
    if not acting.is_choice.any():
        raise InvalidInput("the history holds no event of positive weight: nothing can be learned from it")
    complete_cohorts(state, start.attributes_of)
    n_counted = len(acting.user_rows)
    # How much training adds is known once it begins; an epoch goes through about as many.
    weights = count_history(state, acting, start.rules, lambda done: on_progress(done, 3 * n_counted))
    chosen = acting.where(acting.is_choice)
    history = Events(chosen.user_rows, chosen.item_rows, chosen.timestamps, weights)
    if start.warm is not None:
        warm_start(state, start.warm.items, start.warm.users)
    report = fit_initial(
        state.learner,
        history,
        start.options,
        lambda done, total: on_progress(n_counted + done, n_counted + total),
    )
    # As in the stream: a user of dislikes alone has a vector too, one that says nothing yet.
    state.learner.model.grow_to(state.user_ids.n_rows, state.item_ids.n_rows)
    return history, report


def without_users(state: TrainerState, history: Events, user_ids: Sequence[str]) -> Events:
    """Forget users in a state, and return the history without their events."""
    if not user_ids:
        return history
    return history.at(_forgetting(state, user_ids, history.user_rows))


def _forgetting(state: TrainerState, user_ids: Sequence[str], rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Forget users in a state; return (N,) which events, by the rows of their users, are of others."""
    return ~np.isin(rows, state.forget_users(user_ids))


def enter_catalog(state: TrainerState, items: Iterable[Item], categories: ItemCategories, now: float) -> None:
    """Let items of the catalog that the history does not hold be found, too; `now` is in Unix seconds."""
    follow_chosen(state, categories.contents)
    for item in items:
        enter_silently(state, item, categories.contents, now)


@dataclass(frozen=True)
class Release:
    """Means by which a new generation is published.

    Attributes
    ----------
    lease
        Of initial training, in hand: two of them at a time would mix their users.
    write_snapshot, announce
        Write the artefacts; make the generation the live one, or the challenger.
    changelog_offsets
        Where a reader of the vectors' changelog goes on after the snapshot.
    stream_offsets
        Where the trainer goes on after the history.
    provenance
        Data hash, settings, code version, metrics.
    created_at
        Unix seconds.
    publishes_users
        Not for a challenger: users keep their champion's vectors.
    newly_erased
        As in `Start`: who was erased while the model was trained, or while users are published.
    """

    store: TrainerStore
    cache: CachePublisher
    checkpoints: Checkpoints
    lease: LeaseKeeper
    write_snapshot: Callable[[Snapshot], object]
    announce: Callable[[str], None]
    changelog_offsets: Offsets
    stream_offsets: Offsets
    provenance: dict[str, Any]
    created_at: float
    publishes_users: bool = True
    newly_erased: NewlyErased = nobody


def release(
    state: TrainerState,
    history: Events,
    to: Release,
    on_progress: Callable[[int, int], None],
) -> None:
    """Publish a generation: artefacts, checkpoint, users, rankings; the name comes last.

    A crash before the end leaves the old generation live, and a repeat writes the same again. Of a model that
    is damaged (`UnsoundModel`) nothing is written.

    Parameters
    ----------
    on_progress
        Called with the number of users published, and of all.
    """
    history = without_users(state, history, to.newly_erased(state.user_ids.ids()))
    demand_sound(state.learner.model.tensors())
    to.write_snapshot(
        Snapshot(
            state.generation,
            items=vector_table(state, of_users=False),
            users=vector_table(state, of_users=True),
            next_offsets=to.changelog_offsets,
            created_at=to.created_at,
            provenance=to.provenance,
            similarity_vectors=similarity_vectors(state, state.user_ids.living_rows()),
        )
    )
    state.dirty_items.settle(state.item_ids.n_rows)
    state.dirty_users.settle(state.user_ids.n_rows)
    to.checkpoints.write(state, to.stream_offsets, token=0)
    if to.publishes_users:
        _publish_users(state, history, to, on_progress)
        if gone := to.newly_erased(state.user_ids.ids()):
            to.store.forget_users(gone, to.lease.lease)
        to.cache.write_under(lambda: to.lease.lease)
        to.cache.publish_popular(rankings(state, {}))
    to.announce(state.generation)


def _publish_users(
    state: TrainerState, history: Events, to: Release, on_progress: Callable[[int, int], None]
) -> None:
    order = np.argsort(history.user_rows, kind="stable")
    starts = np.searchsorted(history.user_rows[order], np.arange(state.user_ids.n_rows + 1))
    n_users = state.user_ids.n_rows
    for first in range(0, n_users, _USERS_AT_ONCE):
        last = min(first + _USERS_AT_ONCE, n_users)
        states = user_states(state, np.arange(first, last))
        seen = _seen(state, history, order[starts[first] : starts[last]])
        to.lease.renew_if_due()
        to.store.publish_users(UserUpdates(states, seen), to.lease.lease)
        on_progress(last, n_users)


def _seen(state: TrainerState, history: Events, positions: np.ndarray) -> list[tuple[str, str, float]]:
    return list(
        zip(
            state.user_ids.ids_at(history.user_rows[positions].tolist()),
            state.item_ids.ids_at(history.item_rows[positions].tolist()),
            history.timestamps[positions].tolist(),
            strict=True,
        )
    )
