"""What a blend gets to see of what sources propose."""

import numpy as np
import pytest

from streamrec.domain.popularity.recency import N_LAST
from streamrec.domain.ranking import user_columns
from streamrec.domain.ranking.candidates import Candidates, Proposal
from streamrec.domain.ranking.context_columns import context_of, n_features
from streamrec.domain.ranking.scene import Array, Scene, worth
from streamrec.domain.ranking.scene import described as described_of
from streamrec.domain.ranking.user_columns import COLD, HEAVY, LIGHT, Asker
from streamrec.domain.rows.item_numbers import Numbers
from tests.builders import numbered, proposal
from tests.drawn_findings import visited_of

SOURCES = ("vector", "near", "popular")


A, B, C, D = range(4)
ITEMS = numbered(26)


def described(n_events: int = 7, *, is_new_only: bool = True, **proposals: Proposal) -> Candidates:
    return Candidates(SOURCES, proposals, Asker(n_events, is_new_only), ITEMS)


def test_the_union_has_each_item_once_with_a_column_for_each_source() -> None:
    candidates = described(
        vector=proposal([A, B], [3.0, 0.0], is_logit=True), popular=proposal([B, C], [8.0, 8.0])
    )
    assert candidates.numbers.tolist() == [A, B, C]
    assert candidates.features.shape == (3, n_features(len(SOURCES)))
    ranks, levels = candidates.features[:, :3], candidates.features[:, 3:6]
    assert ranks == pytest.approx(np.array([[1, 0, 0], [10 / 11, 0, 1], [0, 0, 10 / 11]]))
    assert levels == pytest.approx(np.array([[1, 0, 0], [0, 0, 1], [0, 0, 1]]))


def test_rows_are_found_by_number() -> None:
    candidates = described(near=proposal([C, A], [2.0, 1.0]))
    assert [candidates.row_of(item) for item in (C, A, B)] == [0, 1, -1]


def test_a_source_that_is_not_known_does_not_count() -> None:
    proposals = {"near": proposal([A], [1.0]), "other": proposal([B], [1.0])}
    assert Candidates(SOURCES, proposals, Asker(1), ITEMS).numbers.tolist() == [A]


def test_nothing_proposed_is_no_candidate() -> None:
    for candidates in (described(), described(near=proposal([], []))):
        assert not len(candidates.numbers)
        assert candidates.features.shape == (0, n_features(len(SOURCES)))


def test_levels_of_counts_need_no_scale() -> None:
    scores = np.array([50.0, 20.0, 3.0, 0.9])
    near, far = (described(near=proposal([A, B, C, D], (scores * scale).tolist())) for scale in (1.0, 1e4))
    assert near.features == pytest.approx(far.features, abs=1e-5)
    assert (np.diff(near.features[:, 4]) < 0).all()


def test_scores_of_nothing_are_finite() -> None:
    for is_logit in (False, True):
        assert np.isfinite(described(near=proposal([A, B], [0.0, 0.0], is_logit=is_logit)).features).all()


@pytest.mark.parametrize(
    ("n_events", "segment"), [(0, COLD), (4, COLD), (5, LIGHT), (49, LIGHT), (50, HEAVY), (10**6, HEAVY)]
)
def test_who_asks_is_told_to_every_row(n_events: int, segment: str) -> None:
    candidates = described(n_events, is_new_only=False, near=proposal([A, B], [2.0, 1.0]))
    assert candidates.segment == segment
    about_user = candidates.features[:, -user_columns.N_COLUMNS :]
    assert about_user[0].tolist() == about_user[1].tolist()
    assert about_user[0] == pytest.approx(user_columns.described(Asker(n_events, is_new_only=False)))


def test_the_scene_of_the_candidates_stands_between_sources_and_user() -> None:
    similar = np.zeros((N_LAST, 2), np.float32)
    similar[0] = [0.1, 0.2]
    visited = visited_of(similar, np.zeros(2, np.float32), worth([], 60.0))
    scene = Scene.of(visited, below_best=np.ones(2, np.float32))
    proposals = {"near": proposal([C, D], [2.0, 1.0])}
    asked: list[list[int]] = []

    def in_context(numbers: Numbers) -> Array:
        asked.append(numbers.tolist())
        return described_of(scene)

    with_scene = Candidates(SOURCES, proposals, Asker(7), ITEMS, in_context)
    assert asked == [[C, D]]
    of_context = context_of(len(SOURCES))
    assert with_scene.features[:, of_context] == pytest.approx(described_of(scene).T)
    without = described(near=proposals["near"]).features
    assert not without[:, of_context].any()
    assert np.delete(without, of_context, axis=1) == pytest.approx(
        np.delete(with_scene.features, of_context, axis=1)
    )
