"""Views of the trainer's state for the outside: absolute values, copied from one moment."""

import math
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from models.context import Past
from models.gmf import GMF
from streamrec.domain.events.stream_time import StreamTime
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.popularity.growth import growth
from streamrec.domain.ranking.published_blend import Blend, TrainerRules
from streamrec.domain.sources.feeds import LATEST, TRENDING
from streamrec.domain.users.aging import aging_of
from streamrec.domain.users.user import Profile, UserState
from streamrec.learning.soundness import demand_sound
from streamrec.learning.state.hidden_items import are_hidden
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.learning.user_similarity import rows_as_bytes
from streamrec.ports import RankedItem, VectorTable

NEW_ITEMS = "new"
"""The ranking of items that few have had a chance to choose yet, beside those of popularity."""

PROMISING = "promising"
"""The ranking of the same items by what there is to learn of each, drawn anew with every event."""

GROWTH = ("day", "week")
"""Windows of popularity whose counts tell what grows, the short and the long one."""

N_POPULAR = 1000
"""Items per overall ranking: the largest k that may be asked for."""

N_POPULAR_PER_CATEGORY = 200

_NO_COUNTS = np.zeros(0)


def user_states(state: TrainerState, rows: NDArray[np.int64]) -> list[UserState]:
    """Return the documents of (B,) user rows, of those that live.

    Raises
    ------
    UnsoundModel
        When a row that a vector is made of is not finite or beyond its bound; so do vectors of items.
    """
    if not len(rows):
        return []
    model, torch_rows = state.learner.model, torch.from_numpy(rows)
    past = model.past_of(torch_rows)
    demand_sound({"users.rows": model.users.rows[torch_rows], "output": model.output})
    is_named = torch.zeros(model.past.capacity, dtype=torch.bool)
    is_named[past.items[past.shares > 0]] = True  # each item once: many users chose the same
    demand_sound({"past.rows": model.past.rows[is_named]})
    vectors, aging = aging_vectors(model, torch_rows, past)
    written = rows_as_bytes(vectors.numpy())
    histories = state.learner.recent_items(rows, state.n_recent)
    n_events, updated_at = state.users.n_events[rows].tolist(), state.users.updated_at[rows].tolist()
    recent_at = model.context.times_of(rows, histories)
    categories, tags = state.user_categories.of(rows), state.user_tags.of(rows)
    states = []
    for position, row in enumerate(rows.tolist()):
        user_id = state.user_ids.id_at(row)
        if user_id is not None:
            states.append(
                UserState(
                    user_id=user_id,
                    generation=state.generation,
                    vector=written[position],
                    recent=tuple(state.item_ids.ids_at(histories[position].tolist())),
                    disliked=tuple(state.users.disliked.get(row, ())),
                    n_events=n_events[position],
                    updated_at=updated_at[position],
                    profile=Profile(categories[position], tags[position]),
                    recent_at=tuple(recent_at[position]),
                    aging=aging[position],
                    less=state.user_less.of(row),
                )
            )
    return states


def aging_vectors(model: GMF, rows: torch.Tensor, past: Past) -> tuple[torch.Tensor, list[bytes]]:
    """Return (B, D + 1) vectors of users at their newest choices, and how each of them ages."""
    vectors = model.vectors_of(model.inner(rows, past))
    long_after = model.user_vectors(rows, pause_s=math.inf)
    return vectors, aging_of(vectors.numpy(), long_after.numpy(), model.context.order_shares(rows))


def item_vectors(state: TrainerState, rows: NDArray[np.int64]) -> list[tuple[str, bytes]]:
    """Return ids and vectors of the (B,) item rows that live and are not hidden."""
    rows = rows[~are_hidden(state)[rows]] if state.hidden_items else rows
    if not len(rows):
        return []
    rows_of_items = state.learner.model.item_vectors(torch.from_numpy(rows))
    demand_sound({"items.rows": rows_of_items})
    vectors = rows_as_bytes(rows_of_items.numpy())
    ids = [state.item_ids.id_at(row) for row in rows.tolist()]
    return [(id_, vector) for id_, vector in zip(ids, vectors, strict=True) if id_ is not None]


def stream_time(state: TrainerState) -> StreamTime:
    """Return the time of the stream that was learned so far."""
    return StreamTime(state.clock.newest, state.learner.model.context.scale_s)


def blend_of(state: TrainerState, weights: EventWeights, cohorts: tuple[int, ...] = ()) -> Blend:
    """Return what was learned of how to blend sources, the time of the stream, and the trainer's rules.

    Parameters
    ----------
    cohorts
        Tokens of those whose rankings are out.
    """
    context = state.learner.model.context.weighing.rules
    rules = TrainerRules(context, weights.given, weights.default)
    return msgspec.structs.replace(state.blend.published(stream_time(state)), rules=rules, cohorts=cohorts)


def state_gauges(state: TrainerState, now: float) -> dict[str, float]:
    """Return how much of the state there is, and how much of it waits to be published."""
    return {
        "waiting_items": float(state.dirty_items.n_waiting),
        "item_staleness_s": state.dirty_items.first_staleness_s(now),
        "waiting_user_vectors": float(state.dirty_users.n_waiting),
        "user_vector_staleness_s": state.dirty_users.staleness_s(now),
        "waiting_neighbours": float(state.dirty_neighbours.n_waiting),
        "n_users": float(len(state.user_ids)),
        "n_items": float(len(state.item_ids)),
        "n_silent_items": float(state.new_items.n_silent),
    }


def blend_gauges(state: TrainerState) -> dict[str, float]:
    """Return the blend's weights, and how much it learned from, by metric name."""
    blend = state.blend.published()
    of_extra = {
        f"blend.{segment}.{source}": weight / blend.scale[segment]
        for segment, weights in blend.extra_weights.items()
        for source, weight in zip(blend.extra, weights, strict=True)
    }
    of_plain = {
        f"blend.{segment}.{source}": weight
        for segment, weights in blend.weights.items()
        for source, weight in zip(blend.sources, weights, strict=True)
    }
    return {"blend.n_learned": float(blend.n_learned), **of_plain, **of_extra}


def vector_table(state: TrainerState, *, of_users: bool) -> VectorTable:
    """Return all living ids and their vectors, for a snapshot; hidden items are left out."""
    ids = state.user_ids if of_users else state.item_ids
    rows = ids.living_rows()
    if not of_users:
        rows = rows[~are_hidden(state)[rows]]
    model = state.learner.model
    vectors_of = model.user_vectors if of_users else model.item_vectors
    return VectorTable(ids.ids_at(rows.tolist()), vectors_of(torch.from_numpy(rows)).numpy().astype("<f4"))


def rankings(
    state: TrainerState, members_by_category: Mapping[str, Sequence[str]]
) -> dict[str, list[RankedItem]]:
    """Return rankings: ``window`` over all items, ``window:category`` within one.

    The windows are those of popularity, `NEW_ITEMS`, `PROMISING`, and the feeds `TRENDING` and `LATEST`.
    """
    rows_of = {name: state.item_ids.rows_of(members) for name, members in members_by_category.items()}
    ranked: dict[str, list[RankedItem]] = {}
    scores_of = {window: state.popularity.scores(window) for window in state.popularity.windows}
    scores_of[NEW_ITEMS] = state.new_items.scores(state.clock.now)
    # The same state draws the same: a restart changes nothing of what is published.
    rng = np.random.default_rng(state.counters.n_events)
    scores_of[PROMISING] = state.new_items.draws(state.clock.now, rng)
    scores_of[LATEST] = state.new_items.appeared_at(state.clock.now)
    short, long = (scores_of.get(window, _NO_COUNTS) for window in GROWTH)
    scores_of[TRENDING] = growth(short, long)
    scores_of = {window: _shown(state, scores) for window, scores in scores_of.items()}
    for window, scores in scores_of.items():
        ranked[window] = _top(state, scores, np.arange(len(scores)), N_POPULAR)
        for name, rows in rows_of.items():
            within = rows[(rows >= 0) & (rows < len(scores))]
            ranked[f"{window}:{name}"] = _top(state, scores, within, N_POPULAR_PER_CATEGORY)
    return ranked


def ranking_names(state: TrainerState, categories: Iterable[str]) -> set[str]:
    """Return the names of all rankings that there are with these categories."""
    windows = (*state.popularity.windows, NEW_ITEMS, PROMISING, LATEST, TRENDING)
    return {f"{window}:{name}" for name in categories for window in windows} | set(windows)


def popular(state: TrainerState, window: str) -> list[RankedItem]:
    """Return the ranking over all items of one of popularity's windows; empty for another name."""
    if window not in state.popularity.windows:
        return []
    scores = _shown(state, state.popularity.scores(window))
    return _top(state, scores, np.arange(len(scores)), N_POPULAR)


def _shown(state: TrainerState, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N,) scores in which hidden items have none."""
    if not state.hidden_items:
        return scores
    is_hidden = are_hidden(state)[: len(scores)]
    return np.where(np.pad(is_hidden, (0, len(scores) - len(is_hidden))), 0.0, scores)


def _top(
    state: TrainerState, scores: NDArray[np.float64], rows: NDArray[np.int64], limit: int
) -> list[RankedItem]:
    rows = rows[scores[rows] > 0]
    if len(rows) > limit:
        rows = rows[np.argpartition(-scores[rows], limit)[:limit]]
    rows = rows[np.argsort(-scores[rows], kind="stable")]
    return [
        RankedItem(id_, score)
        for row, score in zip(rows.tolist(), scores[rows].tolist(), strict=True)
        if (id_ := state.item_ids.id_at(row)) is not None
    ]
