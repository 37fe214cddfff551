"""Models that score every item, beside what their papers' formulas give when they are written out plainly."""

import numpy as np
import pytest
import torch

from lab.matrices.cells import CellRules
from lab.scoring.als import AlsModel, AlsOptions
from lab.scoring.content import ContentModel, ContentOptions
from lab.scoring.ease import Ease, EaseOptions
from lab.scoring.hybrid import Hybrid, Part
from lab.scoring.item_cosine import ItemCosine, ItemCosineOptions
from lab.scoring.popularity import PopularityOptions, RecencyPopularity
from lab.scoring.scoring_model import NO_ITEM, ScoringModel
from lab.scoring.session_neighbours import SessionNeighbours, SessionOptions
from lab.scoring.streamed import StreamedCoVisitation, StreamedGmf, StreamedGmfOptions, StreamedOptions
from lab.scoring.svd_neighbours import SvdNeighbours, SvdOptions
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.item import Item
from streamrec.errors import InvalidInput
from streamrec.evaluation.covisitation_ranker import CoVisitationRanker
from streamrec.evaluation.prequential import columns
from streamrec.learning.learner import Learner
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.settings.processes import LearningSettings, TrainerSettings

N_USERS, N_ITEMS = 30, 20


def history(n_events: int = 400, seed: int = 0) -> list[Interaction]:
    """Two groups of users, each with items of its own; every user and item occurs."""
    rng = np.random.default_rng(seed)
    users = np.concatenate([np.arange(N_USERS), rng.integers(0, N_USERS, n_events)])
    items = (rng.integers(0, N_ITEMS // 2, len(users)) + users % 2 * (N_ITEMS // 2)) % N_ITEMS
    items[:N_ITEMS] = np.arange(N_ITEMS)
    times = np.cumsum(rng.exponential(400.0, len(users)))
    return [
        Interaction(f"u{user}", f"i{item}", float(time))
        for user, item, time in zip(users, items, times, strict=True)
    ]


def fitted(model: ScoringModel, events: list[Interaction] | None = None) -> ScoringModel:
    items = [Item(f"i{n}", title=f"word{n % 3} all", categories=(f"c{n % 4}",)) for n in range(N_ITEMS)]
    model.fit(history() if events is None else events, items)
    return model


def all_scores(model: ScoringModel) -> np.ndarray:
    return model.scores(np.arange(len(model.matrix.users)))


def test_popularity_halves_with_age() -> None:
    day = 86_400.0
    events = [Interaction("u", "a", 0.0), Interaction("v", "a", 7 * day), Interaction("w", "b", 14 * day)]
    model = RecencyPopularity(PopularityOptions(half_life_days=7.0))
    model.fit(events)
    assert model.scores(np.array([0]))[0].tolist() == [0.75, 1.0]


def test_what_was_chosen_long_ago_is_still_something() -> None:
    model = RecencyPopularity(PopularityOptions(half_life_days=0.01))
    model.fit([Interaction("u", "old", 0.0), Interaction("v", "new", 1e9)])
    assert [item.id for item in model.recommend("v")] == ["old"]


def test_ease_is_its_closed_form() -> None:
    model = fitted(Ease(EaseOptions(regularization=3.0)))
    chosen = (model.matrix.seen.toarray() > 0).astype(float)
    inverse = np.linalg.inv(chosen.T @ chosen + 3.0 * np.eye(N_ITEMS))
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)
    assert all_scores(model) == pytest.approx(chosen @ weights, abs=1e-5)


def test_ease_of_the_most_chosen_items_leaves_the_others_out() -> None:
    events = [*history(), *(Interaction(f"u{n}", "i0", 1e6 + n) for n in range(20))]
    model = fitted(Ease(EaseOptions(regularization=3.0, max_items=5)), events)
    assert (all_scores(model) != 0).any(axis=0).sum() <= 5


def test_ease_of_more_items_than_a_block_of_mirroring() -> None:
    rng = np.random.default_rng(1)
    events = [Interaction(f"u{n % 40}", f"i{item}", float(n)) for n, item in enumerate(rng.permutation(1100))]
    model = Ease(EaseOptions(regularization=2.0))
    model.fit(events)
    chosen = (model.matrix.seen.toarray() > 0).astype(float)
    inverse = np.linalg.inv(chosen.T @ chosen + 2.0 * np.eye(1100))
    expected = chosen[:3] @ (inverse / -np.diag(inverse) * (1 - np.eye(1100)))
    assert model.scores(np.arange(3)) == pytest.approx(expected, abs=1e-4)


def test_item_cosine_is_cosine_of_the_nearest_only() -> None:
    model = fitted(ItemCosine(ItemCosineOptions(n_neighbours=4)))
    cells = model.matrix.cells.toarray()
    lengths = np.linalg.norm(cells, axis=0)
    cosines = cells.T @ cells / np.outer(lengths, lengths)
    np.fill_diagonal(cosines, 0)
    kept = np.where(cosines >= np.sort(cosines, axis=1)[:, [-4]], cosines, 0)
    assert all_scores(model) == pytest.approx(cells @ kept, abs=1e-5)


def test_als_keeps_groups_apart() -> None:
    model = fitted(AlsModel(AlsOptions(factors=8)))
    scores = all_scores(model)
    users = np.array([int(id_[1:]) for id_ in model.matrix.users.ids_at(range(N_USERS))])
    items = np.array([int(id_[1:]) for id_ in model.matrix.items.ids_at(range(N_ITEMS))])
    is_own = (users[:, None] % 2) == (items[None, :] >= N_ITEMS // 2)
    assert scores[is_own].mean() > 5 * abs(scores[~is_own].mean())


def test_svd_is_votes_of_the_nearest_users() -> None:
    model = fitted(SvdNeighbours(SvdOptions(n_dims=5, n_neighbours=3)))
    assert isinstance(model, SvdNeighbours)
    cells = model.matrix.cells.toarray()
    left, strengths, _ = np.linalg.svd(cells)
    vectors = left[:, :5] * strengths[:5]
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = units @ units.T
    np.fill_diagonal(cosines, 0)
    kept = np.where(cosines >= np.sort(cosines, axis=1)[:, [-3]], np.maximum(cosines, 0), 0)
    assert all_scores(model) == pytest.approx(kept @ cells, abs=1e-3)


def test_content_is_the_cosine_to_the_mean_of_the_users_items() -> None:
    model = ContentModel(ContentOptions())
    items = [
        Item("a", categories=("x",)),
        Item("b", categories=("x",)),
        Item("c", categories=("y",)),
        Item("d"),
    ]
    model.fit([Interaction("u", "a", 0.0), Interaction("u", "d", 1.0)], items)
    scores = dict(zip("adbc", model.scores(np.array([0]))[0].tolist(), strict=True))
    assert scores == pytest.approx({"a": 1, "b": 1, "c": 0, "d": 0})
    assert [(of.id, of.score, of.support) for of in model.similar_items("a")] == [("b", 1.0, 1)]


def test_content_without_any_metadata_offers_nothing() -> None:
    model = ContentModel(ContentOptions())
    model.fit(history(20))
    assert model.recommend("u1") == []


def test_sessions_vote_as_when_each_is_gone_through() -> None:  # noqa: C901  # plain on purpose
    options = SessionOptions(n_neighbours=7, n_sampled=9, n_last=4, gap_s=3000.0)
    model = fitted(SessionNeighbours(options))
    events = history()
    sessions: list[tuple[str, float, set[str]]] = []
    open_: dict[str, int] = {}
    for event in events:
        at = open_.get(event.user_id)
        if at is None or event.timestamp - sessions[at][1] > options.gap_s:
            open_[event.user_id] = at = len(sessions)
            sessions.append((event.user_id, event.timestamp, set()))
        user, _, items = sessions[at]
        sessions[at] = user, event.timestamp, items | {event.item_id}
    sessions.sort(key=lambda session: session[1])
    for row, user in enumerate(model.matrix.users.ids_at(range(N_USERS))):
        last = list(dict.fromkeys(e.item_id for e in reversed(events) if e.user_id == user))[:4]
        likeness: dict[int, float] = {}
        for turn, item in enumerate(last):
            having = [number for number, session in enumerate(sessions) if item in session[2]][-9:]
            for number in having:
                if sessions[number][0] != user:
                    likeness[number] = likeness.get(number, 0) + (len(last) - turn) / len(last)
        bound = sorted(likeness.values(), reverse=True)[:7][-1]
        expected = np.zeros(N_ITEMS)
        for number, how_like in likeness.items():
            for item in sessions[number][2] if how_like >= bound else ():
                n_with = sum(item in session[2] for session in sessions)
                expected[model.matrix.items.row(item)] += how_like * np.log1p(len(sessions) / n_with)
        assert model.scores(np.array([row]))[0] == pytest.approx(expected, rel=1e-4)


def test_streamed_gmf_is_the_learner_after_the_same_events() -> None:
    model = fitted(StreamedGmf(StreamedGmfOptions(seed=3, n_negatives=5)))
    learner = Learner(LearningSettings(seed=3, n_negatives=5, n_replayed=0))
    events = columns(history())
    learner.learn(events.user_rows, events.item_rows, events.weights, events.timestamps)
    vectors = learner.model.user_vectors(torch.arange(N_USERS)).numpy()
    logits = vectors @ learner.model.item_vectors(torch.arange(N_ITEMS)).numpy().T
    assert all_scores(model) == pytest.approx(np.log1p(np.exp(logits)), rel=1e-4)


def test_streamed_covisitation_scores_as_the_ranker_does() -> None:
    model = fitted(StreamedCoVisitation(StreamedOptions()))
    state = TrainerState("test", LearningSettings(), TrainerSettings())
    ranker = CoVisitationRanker(state.covisitation, state.history_length, state.n_recent)
    ranker.learn(columns(history()))
    for row in range(N_USERS):
        assert model.scores(np.array([row]))[0] == pytest.approx(ranker.scores(row, N_ITEMS), rel=1e-5)


def test_a_hybrid_adds_up_scaled_lists() -> None:
    popular, cosine = fitted(RecencyPopularity(PopularityOptions())), fitted(ItemCosine(ItemCosineOptions()))
    parts = [Part("p", 0.25, popular), Part("c", 0.75, cosine), Part("off", 0.0, popular)]
    hybrid = Hybrid(parts, CellRules(), n_candidates=5)
    rows = np.arange(N_USERS)
    expected = np.zeros((N_USERS, N_ITEMS))
    for weight, model in ((0.25, popular), (0.75, cosine)):
        lists = model.lists(rows, 5)
        for line in range(N_USERS):
            own = lists.columns[line][lists.columns[line] != NO_ITEM]
            scores = lists.scores[line][: len(own)]
            share = (scores - scores[-1]) / (scores[0] - scores[-1]) if scores[0] > scores[-1] else 1
            expected[line, own] += weight * (0.01 + 0.99 * share if scores[0] > scores[-1] else 1)
    assert hybrid.offered(rows, exclude_seen=True) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("k", [1, 3, 50])
def test_lists_are_the_best_of_the_scores_block_by_block(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = fitted(ItemCosine(ItemCosineOptions()))
    monkeypatch.setattr("lab.scoring.scoring_model.BLOCK_CELLS", 7 * N_ITEMS)
    rows = np.arange(N_USERS)[::-1]
    lists = model.lists(rows, k)
    scores = model.offered(rows, exclude_seen=True)
    for line in range(N_USERS):
        order = [column for column in np.argsort(-scores[line], kind="stable") if scores[line, column] > 0][
            :k
        ]
        assert lists.columns[line].tolist() == order + [NO_ITEM] * (k - len(order))
        assert lists.scores[line, : len(order)].tolist() == scores[line, order].tolist()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: PopularityOptions(half_life_days=0.0), "half_life_days is 0.0"),
        (lambda: AlsOptions(factors=0), "factors is 0"),
        (lambda: AlsOptions(alpha=float("nan")), "alpha nan"),
        (lambda: ItemCosineOptions(n_neighbours=0), "n_neighbours is 0"),
        (lambda: ContentOptions(max_terms=0), "max_terms is 0"),
        (lambda: SvdOptions(n_dims=0), "n_dims is 0"),
        (lambda: EaseOptions(regularization=0.0), "regularization is 0.0"),
        (lambda: SessionOptions(gap_s=0.0), "gap_s 0.0"),
        (lambda: StreamedGmfOptions(n_negatives=0), "n_negatives is 0"),
        (lambda: Hybrid([], CellRules()), "at least one part"),
        (lambda: Hybrid([Part("a", -1.0, fitted(ItemCosine(ItemCosineOptions())))], CellRules()), "weights"),
    ],
)
def test_options_that_can_not_be_are_refused(make: object, told: str) -> None:
    assert callable(make)
    with pytest.raises(InvalidInput, match=told):
        make()
