"""What is compiled for lists, beside the same in plain numpy."""

from collections import Counter
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from streamrec.domain.items.category_table import N_NUMBERS, N_WORDS
from streamrec.domain.popularity.ranked_item import RankedNumbers
from streamrec.domain.popularity.recency import AGE_DECAY, N_LAST
from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.ranking.candidates import Candidates, Proposal
from streamrec.domain.ranking.context_columns import COLUMNS
from streamrec.domain.ranking.scene import Array, Scene, described, worth
from streamrec.domain.ranking.shared_categories import SharedCategories, alike_by_words, shared_categories
from streamrec.domain.ranking.user_columns import Asker
from streamrec.domain.similarity.neighbour import FOLLOWS, Near
from streamrec.domain.similarity.visits import Visits
from streamrec.domain.sources.findings import Findings
from streamrec.domain.sources.request_context import RequestContext
from streamrec.domain.sources.source import best_wanted, first_wanted
from streamrec.domain.sources.table import COLUMNS as COLUMNS_OF_SOURCES
from streamrec.domain.sources.table import EXTRA, first_blend
from tests.builders import numbered
from tests.drawn_findings import visited_of

N = 7

approx = partial(pytest.approx, rel=1e-4, abs=1e-5)

amounts = st.just(0.0) | st.floats(2**-90, 1, width=32)
shares = arrays.arrays(np.float32, N, elements=amounts)
scores = arrays.arrays(
    np.float64, st.integers(1, 25), elements=st.sampled_from([0.0, 0.01, 0.5, 1.0, 3.0, 8.5])
)


def levels(amounts: Array) -> Array:
    """Return a row's levels beside its largest, as numpy says it."""
    best = amounts.max(initial=0)
    of_best = np.maximum(amounts / (best if best > 0 else 1), 0.01)
    return np.asarray(1 + np.log(of_best) / np.log(100), np.float32)


def in_numpy(scene: Scene, similar: Array, follows: Array, worth: Array) -> list[Array]:
    is_near = (similar > 0).astype(np.float32)
    shared = scene.categories
    of_column = {
        "near_sitting": worth @ similar,
        "votes": is_near.mean(axis=0),
        "votes_sitting": worth @ is_near / 5,
        "near_newest": similar[0],
        "near_last_but_one": similar[1],
        "follows_newest": follows,
        "categories": shared.share - shared.share.min(initial=1),
        "categories_newest": shared.overlap - shared.overlap.min(initial=1),
        "fit": np.maximum(9 - scene.below_best, 0) / 3,
        "fit_share": np.exp(-scene.below_best),
        "chosen": np.log1p(scene.chosen[0]) / 6,
        "chosen_lately": np.log1p(scene.chosen[1]) / 3,
        "words": scene.alike[0],
        "words_newest": scene.alike[1],
    }
    return [levels(of_column[one.name]) if one.is_level else of_column[one.name] for one in COLUMNS]


@given(
    arrays.arrays(np.float32, (N_LAST, N), elements=amounts),
    shares,
    shares,
    shares,
    arrays.arrays(np.float32, N, elements=st.sampled_from([0.0, 0.5, 8.0, 20.0, np.inf])),
    arrays.arrays(np.float32, (2, N), elements=st.sampled_from([0.0, 0.5, 1.0, 1e6])),
    arrays.arrays(np.float32, (2, N), elements=amounts),
)
def test_columns_of_a_scene(  # noqa: PLR0913
    similar: Array,
    follows: Array,
    share: Array,
    overlap: Array,
    below_best: Array,
    chosen: Array,
    alike: Array,
) -> None:
    of_history = worth([0.0, 60.0, 3600.0], 60.0)
    shared = SharedCategories(share, overlap)
    visited = visited_of(similar, follows, of_history)
    scene = Scene.of(visited, shared, below_best, chosen)._replace(alike=alike)
    reference = in_numpy(scene, similar, follows, of_history)
    for column, found, expected in zip(COLUMNS, described(scene), reference, strict=True):
        assert found == approx(expected), column.name


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=6, unique=True), min_size=1, max_size=5))
def test_sums_over_neighbours(of_each: list[list[int]]) -> None:
    chance = np.random.default_rng(1)
    together, after = Counter[int](), Counter[int]()
    near = {}
    for age, listed in enumerate(of_each):
        similarities, follows = chance.random((2, len(listed)))
        near[str(age)] = Near(np.column_stack([listed, similarities, follows, np.ones(len(listed))]))
        for number, similar, follow in zip(listed, similarities, follows, strict=True):
            together[number] += similar * AGE_DECAY**age
            after[number] += follow * AGE_DECAY**age
    visits = Visits(list(near), near, numbered(26))
    assert visits.numbers.tolist() == list(together)
    assert visits.together == approx(list(together.values()))
    assert visits.after == approx(list(after.values()))


@given(scores, st.sets(st.integers(0, 24)), st.integers(1, 30))
def test_the_best_and_the_first(of_items: NDArray[np.float64], banned: set[int], n: int) -> None:
    context = RequestContext(banned=frozenset(map(str, banned)))
    found = Findings(context, numbered(26))
    ranked = RankedNumbers(np.arange(len(of_items)), of_items)
    wanted = [number for number in range(len(of_items)) if number not in banned]
    expected = sorted((number for number in wanted if of_items[number] > 0), key=lambda row: -of_items[row])
    best, first = best_wanted(found, ranked, n), first_wanted(found, ranked, n)
    assert best.numbers.tolist() == expected[:n]
    assert best.scores.tolist() == of_items[expected[:n]].tolist()
    assert first.numbers.tolist() == wanted[:n]
    assert first.scores.tolist() == of_items[wanted[:n]].tolist()


@pytest.mark.parametrize("extra", [(), EXTRA])
@given(st.integers(0, 99))
def test_the_source_whose_rank_weighs_most(extra: tuple[str, ...], seed: int) -> None:
    chance = np.random.default_rng(seed)
    names = [*COLUMNS_OF_SOURCES, *extra]
    proposals = {
        name: Proposal(chance.permutation(30)[: chance.integers(1, 20)], np.linspace(2, 1, 20))
        for name in names
    }
    proposals = {
        name: Proposal(one.numbers, one.scores[: len(one.numbers)]) for name, one in proposals.items()
    }
    candidates = Candidates(COLUMNS_OF_SOURCES, proposals, Asker(9), numbered(30), extra=EXTRA)
    ranker, rows = first_blend(seed), list(range(len(candidates.numbers)))
    expected = ranker.shares(candidates, rows).argmax(axis=1)
    assert ranker.main_sources(candidates, rows) == [names[source] for source in expected]


@given(st.lists(st.lists(st.integers(0, 30), max_size=16, unique=True), min_size=2, max_size=9))
def test_words_in_common(of_each: list[list[int]]) -> None:
    numbers = np.full((len(of_each), 16), N_WORDS, np.int16)
    vectors = np.zeros((len(of_each), N_WORDS + 1))
    weights = np.append(np.random.default_rng(2).random(N_WORDS, np.float32), np.float32(0))
    for row, own in enumerate(of_each):
        numbers[row, : len(own)] = own
        vectors[row, own] = weights[own] / (float(np.linalg.norm(weights[own])) or 1.0)
    last, candidates = vectors[1:], vectors
    profile = 0.95 ** np.arange(len(last)) @ last
    profile /= float(np.linalg.norm(profile)) or 1.0
    found = alike_by_words(numbers, numbers[1:], weights)
    assert found[0] == approx(candidates @ profile)
    assert found[1] == approx(candidates @ last[0])


@given(st.lists(st.lists(st.integers(0, 5), max_size=8, unique=True), min_size=2, max_size=6))
def test_categories_in_common(of_each: list[list[int]]) -> None:
    numbers = np.full((len(of_each), 8), N_NUMBERS, np.int16)
    for row, own in enumerate(of_each):
        numbers[row, : len(own)] = own
    n_last = len(of_each) // 2
    weights = [0.93**age if of_each[age] else 0.0 for age in range(n_last)]
    share_of = Counter[int]()
    for weight, own in zip(weights, of_each, strict=False):
        share_of.update({number: weight / (sum(weights) or 1) for number in own})
    found = shared_categories(numbers, numbers[:n_last])
    newest = set(of_each[0])
    share = [sum(share_of[number] for number in own) / max(len(own), 1) for own in of_each]
    overlap = [len(newest & set(own)) / max(len(newest | set(own)), 1) for own in of_each]
    assert found.share == approx(share)
    assert found.overlap == approx(overlap)


@given(scores, scores)
def test_union_ranks_and_levels(some: NDArray[np.float64], others: NDArray[np.float64]) -> None:
    amounts, logits = np.sort(some)[::-1].copy(), np.sort(others)[::-1].copy()
    proposals = {
        "amounts": Proposal(np.arange(len(amounts)), amounts),
        "logits": Proposal(np.arange(25, 25 - len(logits), -1), logits, is_logit=True),
    }
    found = Candidates(("amounts", "logits"), proposals, Asker(), numbered(26))
    union = [*range(len(amounts)), *(n for n in proposals["logits"].numbers.tolist() if n >= len(amounts))]
    assert found.numbers.tolist() == union
    rows = [union.index(number) for number in proposals["logits"].numbers.tolist()]
    assert found.features[: len(amounts), 0] == approx(10 / (10 + np.arange(len(amounts))))
    assert found.features[: len(amounts), 2] == approx(levels(amounts.astype(np.float32)))
    assert found.features[rows, 1] == approx(10 / (10 + np.arange(len(logits))))
    assert found.features[rows, 3] == approx((logits - logits[-1]) / 3)
    assert found.features[len(amounts) :, [0, 2]].sum() == 0


@given(scores, st.integers(0, 3))
def test_probabilities_are_those_of_the_scores(of_items: NDArray[np.float64], n_learned: int) -> None:
    ranker = BlendRanker(("amounts",))
    proposal = Proposal(np.arange(len(of_items)), np.sort(of_items)[::-1].copy())
    found = Candidates(("amounts",), {"amounts": proposal}, Asker(9), numbered(26))
    for _ in range(n_learned):
        ranker.learn(found, 0)
    scored = ranker.scores(found)
    odds = np.exp(scored - scored.max())
    assert ranker.probabilities(found) == approx(odds / odds.sum())


def test_nobody_is_probable_where_there_is_nobody() -> None:
    assert not len(BlendRanker(("a",)).probabilities(Candidates(("a",), {}, Asker(), numbered(1))))


@given(st.lists(st.integers(0, 24), unique=True, min_size=1), st.lists(st.integers(-1, 24), max_size=9))
def test_rows_of_candidates(listed: list[int], asked: list[int]) -> None:
    proposals = {"a": Proposal(np.array(listed), np.ones(len(listed)))}
    found = Candidates(("a",), proposals, Asker(), numbered(25))
    expected = [listed.index(number) if number in listed else -1 for number in asked]
    assert found.rows_of(np.array(asked, np.int64)).tolist() == expected
    assert Candidates(("a",), {}, Asker(), numbered(25)).rows_of(np.array([3])).tolist() == [-1]


@given(
    st.lists(st.lists(st.integers(0, 9), max_size=6, unique=True), min_size=1, max_size=5), st.integers(-1, 9)
)
def test_what_the_history_adds_to_one_item(of_each: list[list[int]], asked: int) -> None:
    near = {
        str(age): Near(np.column_stack([listed, *np.full((3, len(listed)), 0.5)]))
        for age, listed in enumerate(of_each)
    }
    visits = Visits(list(near), near, numbered(26))
    expected = [0.5 * AGE_DECAY**age * (asked in listed) for age, listed in enumerate(of_each)]
    assert visits.added(np.array([asked, -1]), FOLLOWS)[0] == approx(expected)


def test_levels_are_logarithms() -> None:
    some = np.linspace(0.0101, 1, 10_001).astype(np.float32)
    proposals = {"a": Proposal(np.arange(len(some)), np.sort(some)[::-1].astype(np.float64))}
    features = Candidates(("a",), proposals, Asker(), numbered(len(some))).features
    assert features[::-1, 1] == pytest.approx(1 + np.log(some) / np.log(100), abs=1e-6)


def test_amounts_that_are_hardly_any_are_none() -> None:
    some = np.array([1e-31, 1e-45, 0.0], np.float32)
    scene = Scene.of(visited_of(np.zeros((N_LAST, 3), np.float32), some, worth([], 60.0)))
    assert not described(scene).any()
