"""What a blend gets to see of what sources propose."""

import math

import numpy as np
import pytest

from streamrec.domain.ranking.candidates import (
    COLD,
    HEAVY,
    LIGHT,
    N_ABOUT_USER,
    Candidates,
    Proposal,
    segment_of,
)

SOURCES = ("vector", "near", "popular")


def described(n_events: int = 7, *, is_new_only: bool = True, **proposals: Proposal[str]) -> Candidates[str]:
    return Candidates(SOURCES, proposals, n_events, is_new_only=is_new_only)


def test_the_union_has_each_item_once_with_a_column_for_each_source() -> None:
    candidates = described(
        vector=Proposal(["a", "b"], [3.0, 0.0], is_logit=True), popular=Proposal(["b", "c"], [8.0, 8.0])
    )
    assert candidates.ids == ["a", "b", "c"]
    assert candidates.features.shape == (3, 2 * len(SOURCES) + N_ABOUT_USER)
    ranks, levels = candidates.features[:, :3], candidates.features[:, 3:6]
    assert ranks == pytest.approx(np.array([[1, 0, 0], [10 / 11, 0, 1], [0, 0, 10 / 11]]))
    assert levels == pytest.approx(np.array([[1, 0, 0], [0, 0, 1], [0, 0, 1]]))


def test_rows_are_found_by_id() -> None:
    candidates = described(near=Proposal(["x", "y"], [2.0, 1.0]))
    assert [candidates.row_of(item) for item in ("x", "y", "nobody's")] == [0, 1, -1]


def test_a_source_that_is_not_known_does_not_count() -> None:
    proposals = {"near": Proposal(["x"], [1.0]), "other": Proposal(["z"], [1.0])}
    assert Candidates(SOURCES, proposals, 1, is_new_only=True).ids == ["x"]


def test_nothing_proposed_is_no_candidate() -> None:
    for candidates in (described(), described(near=Proposal([], []))):
        assert candidates.ids == []
        assert candidates.features.shape == (0, 10)


def test_levels_of_counts_need_no_scale() -> None:
    scores = np.array([50.0, 20.0, 3.0, 0.9])
    near, far = (described(near=Proposal(list("abcd"), list(scores * scale))) for scale in (1.0, 1e4))
    assert near.features == pytest.approx(far.features, abs=1e-5)
    assert (np.diff(near.features[:, 4]) < 0).all()


def test_scores_of_nothing_are_finite() -> None:
    for is_logit in (False, True):
        assert np.isfinite(Proposal(["a", "b"], [0.0, 0.0], is_logit).levels()).all()


@pytest.mark.parametrize(
    ("n_events", "segment"), [(0, COLD), (4, COLD), (5, LIGHT), (49, LIGHT), (50, HEAVY), (10**6, HEAVY)]
)
def test_who_asks_is_told_to_every_row(n_events: int, segment: str) -> None:
    candidates = described(n_events, is_new_only=False, near=Proposal(["x", "y"], [2.0, 1.0]))
    assert candidates.segment == segment_of(n_events) == segment
    about_user = candidates.features[:, -N_ABOUT_USER:]
    assert about_user[0].tolist() == about_user[1].tolist()
    assert about_user[0] == pytest.approx(
        [math.log1p(n_events) / 5, int(n_events < 5), int(n_events <= 1), 0]
    )
