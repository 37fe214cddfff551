"""How a blend finds out which sources to believe."""

import msgspec
import numpy as np
import pytest

from streamrec.domain.popularity.recency import N_LAST
from streamrec.domain.ranking import context_columns
from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.ranking.candidates import Candidates, Proposal
from streamrec.domain.ranking.published_blend import decode_blend
from streamrec.domain.ranking.scene import Scene, described, worth
from streamrec.domain.ranking.user_columns import COLD, HEAVY, SEGMENTS, Asker
from streamrec.errors import UnfitState
from tests.builders import numbered
from tests.drawn_findings import visited_of

SOURCES = ("gmf", "covisitation", "popular_day", "popular_all")
KINDS = ("gmf", "covisitation", "popular", "popular")
N_ITEMS = 100


class Stream:
    """Users who choose what one source ranks high, mostly; the other sources know nothing."""

    def __init__(self, seed: int = 1) -> None:
        self._chance = np.random.default_rng(seed)
        self._items = numbered(N_ITEMS)
        self.hits: list[bool] = []

    def candidates(self, n_events: int = 20) -> Candidates:
        proposals = {
            name: Proposal(self._chance.permutation(N_ITEMS)[:30], np.linspace(1, 0.1, 30))
            for name in SOURCES
        }
        self.lists = {name: proposal.numbers for name, proposal in proposals.items()}
        return Candidates(SOURCES, proposals, Asker(n_events), self._items)

    def live(self, ranker: BlendRanker, best: str, n: int, n_events: int = 20) -> float:
        """Let n users choose one of the first ten of `best`; return how many of them the blend foresaw."""
        self.hits = []
        for _ in range(n):
            candidates = self.candidates(n_events)
            chosen = int(self.lists[best][int(self._chance.integers(10))])
            first = np.argsort(-ranker.scores(candidates), kind="stable")[:10]
            self.hits.append(chosen in candidates.numbers[first])
            ranker.learn(candidates, chosen)
        return float(np.mean(self.hits))


def test_it_starts_from_equal_weights_of_the_kinds_of_source() -> None:
    blend = BlendRanker(SOURCES, kinds=KINDS).published()
    for segment in SEGMENTS:
        assert blend.weights[segment] == pytest.approx([1 / 3, 1 / 3, 1 / 6, 1 / 6])
    assert blend.n_learned == 0


def test_it_finds_the_source_that_users_follow() -> None:
    ranker, stream = BlendRanker(SOURCES, kinds=KINDS), Stream()
    early = stream.live(ranker, "covisitation", 100)
    stream.live(ranker, "covisitation", 900)
    late = stream.live(ranker, "covisitation", 200)
    assert late > 0.95 > early
    weights = dict(zip(SOURCES, ranker.published().weights["light"], strict=True))
    assert weights["covisitation"] == max(weights.values())
    assert weights["covisitation"] > 0.35


@pytest.mark.parametrize("n_before", [500, 4_000])
def test_it_recovers_within_2000_events_when_the_best_source_changes(n_before: int) -> None:
    ranker, stream = BlendRanker(SOURCES, kinds=KINDS), Stream()
    stream.live(ranker, "gmf", n_before)
    before = stream.live(ranker, "gmf", 200)
    right_after = stream.live(ranker, "popular_day", 50)
    stream.live(ranker, "popular_day", 1_750)
    recovered = stream.live(ranker, "popular_day", 200)
    assert before > 0.95
    assert right_after < 0.6
    assert recovered > 0.95 * before


def test_segments_learn_their_own_weights() -> None:
    ranker, stream = BlendRanker(SOURCES, kinds=KINDS), Stream()
    for _ in range(30):
        stream.live(ranker, "popular_all", 40, n_events=1)
        stream.live(ranker, "gmf", 40, n_events=200)
    weights = ranker.published().weights
    fashion, vector = SOURCES.index("popular_all"), SOURCES.index("gmf")
    assert weights[COLD][fashion] > 1.2 * weights[HEAVY][fashion]
    assert weights[HEAVY][vector] > 1.2 * weights[COLD][vector]
    assert stream.live(ranker, "popular_all", 100, n_events=1) > 0.9
    assert stream.live(ranker, "gmf", 100, n_events=200) > 0.9


def in_context(chance: np.random.Generator) -> tuple[Candidates, list[int]]:
    """Return candidates that sources know nothing of, and how many of the last items each goes with."""
    n_near = chance.permutation(N_LAST).tolist()
    similar = np.zeros((N_LAST, N_LAST), np.float32)
    for position, n in enumerate(n_near):
        similar[:n, position] = 0.1
    columns = described(Scene.of(visited_of(similar, np.zeros(N_LAST, np.float32), worth((), 60.0))))
    proposals = {"gmf": Proposal(np.arange(N_LAST), np.linspace(1, 0.1, N_LAST))}
    return Candidates(SOURCES, proposals, Asker(20), numbered(N_LAST), lambda _numbers: columns), n_near


@pytest.mark.parametrize("likes_much", [True, False])
def test_columns_of_context_are_learned_with_either_sign(likes_much: bool) -> None:
    ranker, chance, hits = BlendRanker(SOURCES, kinds=KINDS), np.random.default_rng(2), []
    for _ in range(1_500):
        candidates, n_near = in_context(chance)
        best = n_near.index(max(n_near) if likes_much else min(n_near))
        hits.append(int(ranker.scores(candidates).argmax()) == best)
        ranker.learn(candidates, best)
    assert not any(hits[:2])
    assert np.mean(hits[-200:]) > 0.95
    votes = context_columns.NAMES.index("votes")
    published = ranker.published()
    assert (published.context["light"][votes] > 0) == likes_much
    assert not any(published.context["cold"])
    assert BlendRanker.of(published).scores(candidates) == pytest.approx(ranker.scores(candidates), rel=1e-4)
    worst = n_near.index(min(n_near) if likes_much else max(n_near))
    of_best, of_worst = ranker.context_parts(candidates, [best, worst])[:, votes]
    assert of_best > 0 > of_worst


def test_no_weight_is_negative_and_all_numbers_stay_finite() -> None:
    ranker, stream = BlendRanker(SOURCES, kinds=KINDS), Stream()
    for _ in range(500):
        candidates = stream.candidates()
        # The last of everybody's: each source is wrong.
        ranker.learn(candidates, int(stream.lists["gmf"][-1]))
    published = ranker.published()
    assert min(min(weights) for weights in published.weights.values()) >= 0
    assert np.isfinite(ranker.scores(stream.candidates())).all()


def test_a_choice_that_nobody_proposed_teaches_nothing() -> None:
    ranker, stream = BlendRanker(SOURCES, kinds=KINDS), Stream()
    before = ranker.published()
    ranker.learn(stream.candidates(), N_ITEMS + 1)
    assert ranker.published() == before


def test_what_is_published_scores_as_what_was_learned() -> None:
    ranker, stream = BlendRanker(SOURCES, kinds=KINDS), Stream()
    stream.live(ranker, "gmf", 200)
    read = decode_blend(msgspec.json.encode(ranker.published()))
    assert read is not None
    candidates = stream.candidates()
    assert BlendRanker.of(read).scores(candidates) == pytest.approx(ranker.scores(candidates), rel=1e-4)


def test_a_blend_that_was_learned_of_other_columns_is_refused() -> None:
    ranker = BlendRanker(SOURCES, kinds=KINDS)
    with pytest.raises(UnfitState, match="votes"):
        ranker.load_entries(list(SOURCES))
    ranker.load_entries(ranker.entries())
    assert ranker.published().goes_by(SOURCES)
    assert not ranker.published().goes_by(SOURCES[::-1])
    assert not msgspec.structs.replace(ranker.published(), columns=("votes",)).goes_by(SOURCES)


def test_another_version_is_no_blend() -> None:
    assert decode_blend(b'{"sources": ["gmf"]}') is None
    assert decode_blend(b"\xff") is None


def test_it_goes_on_from_a_checkpoint_bit_for_bit() -> None:
    ranker, other, stream = BlendRanker(SOURCES, kinds=KINDS), BlendRanker(SOURCES, seed=9), Stream()
    stream.live(ranker, "gmf", 100)
    other.load_arrays(ranker.arrays())
    for one in (ranker, other):
        Stream(5).live(one, "covisitation", 100)
    assert other.published() == ranker.published()


def test_without_candidates_there_is_nothing_to_rank() -> None:
    ranker = BlendRanker(SOURCES, kinds=KINDS)
    nothing = Candidates(SOURCES, {}, Asker(), numbered(0))
    assert ranker.probabilities(nothing).tolist() == []


def test_probabilities_sum_to_one() -> None:
    ranker, stream = BlendRanker(SOURCES, kinds=KINDS), Stream()
    stream.live(ranker, "gmf", 50)
    assert ranker.probabilities(stream.candidates()).sum() == pytest.approx(1, abs=1e-5)
