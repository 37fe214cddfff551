"""Extra sources of a blend: without effect on whoever has nothing of them, and weighed for all others."""

import msgspec
import numpy as np
import pytest

from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.ranking.candidates import Candidates, Proposal
from streamrec.domain.ranking.published_blend import Blend, decode_blend
from streamrec.domain.ranking.user_columns import Asker
from streamrec.errors import UnfitState
from tests.builders import numbered, proposal

SOURCES, EXTRA = ("near", "popular"), ("cohorts",)


def candidates(*extra_items: int, seed: int = 0) -> Candidates:
    chance = np.random.default_rng(seed)
    proposals: dict[str, Proposal] = {
        name: proposal(chance.permutation(8).tolist(), list(range(8, 0, -1))) for name in SOURCES
    }
    proposals["cohorts"] = proposal(list(extra_items), list(range(len(extra_items), 0, -1)))
    return Candidates(SOURCES, proposals, Asker(2), numbered(10), extra=EXTRA)


def taught(ranker: BlendRanker, *extra_items: int, chosen: int = 9, n: int = 200) -> BlendRanker:
    for seed in range(n):
        ranker.learn(candidates(*extra_items, seed=seed), chosen)
    return ranker


def test_without_proposals_of_theirs_all_is_the_same_to_the_last_bit() -> None:
    plain, with_extra = BlendRanker(SOURCES, 5), BlendRanker(SOURCES, 5, extra=EXTRA)
    for seed in range(50):
        asked = candidates(seed=seed)
        assert asked.features.shape[1] == candidates().features.shape[1]
        assert plain.scores(asked).tobytes() == with_extra.scores(asked).tobytes()
        plain.learn(asked, seed % 8)
        with_extra.learn(asked, seed % 8)
    plain_state, state = plain.arrays(), with_extra.arrays()
    assert all(np.array_equal(array, state[name]) for name, array in plain_state.items())


def test_their_items_are_found_named_and_weighed_by_what_is_chosen() -> None:
    ranker = BlendRanker(SOURCES, extra=EXTRA)
    asked = candidates(9, 8)
    before = ranker.probabilities(asked)[asked.row_of(9)]
    assert ranker.main_sources(asked, [asked.row_of(9)]) == ["cohorts"]
    assert ranker.shares(asked, [0, asked.row_of(9)]).sum(axis=1) == pytest.approx(1.0)
    liked, disliked = taught(ranker, 9, 8), taught(BlendRanker(SOURCES, extra=EXTRA), 9, 8, chosen=1)
    assert liked.probabilities(asked)[asked.row_of(9)] > 0.8 > before
    assert disliked.probabilities(asked)[asked.row_of(9)] < before
    assert disliked.published().extra_weights["cold"][0] >= 0


def test_what_is_published_scores_the_same_and_goes_by_names() -> None:
    ranker = taught(BlendRanker(SOURCES, extra=EXTRA), 9, 8, n=20)
    published = decode_blend(msgspec.json.encode(ranker.published()))
    assert published is not None
    asked = candidates(9, 8)
    assert BlendRanker.of(published, EXTRA).scores(asked) == pytest.approx(ranker.scores(asked))
    # One of before knows of none: what is learned of them begins here, and all else is as published.
    before = msgspec.structs.replace(published, extra=(), extra_weights={}, extra_hidden=[])
    assert BlendRanker.of(before, EXTRA).scores(candidates()) == pytest.approx(ranker.scores(candidates()))
    assert np.isfinite(BlendRanker.of(before, EXTRA).scores(asked)).all()


@pytest.mark.parametrize(
    "damage",
    [{"extra_hidden": []}, {"extra_weights": {}}, {"extra_weights": {"cold": [1e30]}}, {"extra": ("a", "b")}],
)
def test_a_published_part_of_another_size_is_no_blend(damage: dict[str, object]) -> None:
    published: Blend = msgspec.structs.replace(BlendRanker(SOURCES, extra=EXTRA).published(), **damage)
    assert decode_blend(msgspec.json.encode(published)) is None


def test_a_checkpoint_of_before_keeps_what_it_learned_of_all_other_sources() -> None:
    old = BlendRanker(SOURCES)
    taught(old, chosen=1)
    restored = BlendRanker(SOURCES, extra=EXTRA)
    restored.load_entries(old.entries())
    restored.load_arrays(old.arrays())
    assert restored.scores(candidates()).tobytes() == old.scores(candidates()).tobytes()
    taught(restored, 9, 8)
    again = BlendRanker(SOURCES, extra=EXTRA)
    again.load_arrays(restored.arrays())
    assert again.scores(candidates(9)).tobytes() == restored.scores(candidates(9)).tobytes()
    with pytest.raises(UnfitState):
        again.load_arrays(restored.arrays() | {"extra_hidden": np.zeros((3, 3), np.float32)})
