"""What an explanation names, and that it is true: without what is named the score falls."""

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.memory.index import MemoryIndex
from streamrec.adapters.memory.store import MemoryStore
from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.ranking.candidates import Candidates, Proposal
from streamrec.domain.ranking.context_columns import NAMES
from streamrec.domain.ranking.explanation import Explanation
from streamrec.domain.ranking.recommendation import RecommendationRequest, Recommendations
from streamrec.domain.ranking.user_columns import Asker
from streamrec.domain.sources.covisitation import COVISITATION
from streamrec.domain.sources.popular import POPULAR
from streamrec.domain.sources.table import COLUMNS, first_blend
from streamrec.domain.users.user import UserState
from streamrec.ports import Neighbours, RankedItem, UserUpdates, VectorTable
from streamrec.serving.composition import ServingLimits, serving_over
from streamrec.telemetry import NullMetrics
from tests.builders import near, numbered

IDS = [f"i{row}" for row in range(30)]

Near = Mapping[str, Neighbours]


def answered(
    recent: Sequence[str],
    near: Near,
    popular: Sequence[str] = (),
    ranker: BlendRanker | None = None,
    **request: object,
) -> Recommendations:
    """Return the explained answer to a user of this history; their vector is always the same."""
    chance = np.random.default_rng(1)
    table = VectorTable(IDS, chance.normal(size=(len(IDS), 4)).astype(np.float32))
    vector = chance.normal(size=4).astype("<f4").tobytes()
    store, cache = MemoryStore(), MemoryCache()
    lease = store.acquire("trainer", "test", 10.0, 0.0)
    assert lease is not None
    # What was chosen stays out of the answers, whatever the history says: only scores are compared.
    state = UserState("u", "g1", vector, tuple(recent), n_events=9)
    store.publish_users(UserUpdates([state], [("u", item_id, 1.0) for item_id in IDS[:8]]), lease)
    cache.publish_neighbours(near)
    cache.publish_popular({"all": [RankedItem(id_, 9.0 - n) for n, id_ in enumerate(popular)]})
    if ranker is not None:
        cache.publish_blend(ranker.published())

    async def ask() -> Recommendations:
        serving = serving_over(store, cache, MemoryIndex({"g1": table}), NullMetrics(), ServingLimits())
        wanted = {"user_id": "u", "k": 12, "explain": True} | request
        answer = await serving.recommender.recommend(RecommendationRequest(**wanted))  # type: ignore[arg-type]
        await serving.aclose()
        return answer

    return asyncio.run(ask())


def explained(answer: Recommendations) -> dict[str, tuple[float, Explanation]]:
    found = {}
    for item in answer.items:
        assert item.explanation is not None
        found[item.item_id] = item.score, item.explanation
    return found


def neighbours(*pairs: tuple[str, float]) -> Neighbours:
    return near(*((id_, similarity, 5.0, similarity / 2) for id_, similarity in pairs))


histories = st.lists(st.sampled_from(IDS[:8]), min_size=1, max_size=10)
strengths = st.floats(0.01, 1.0)
neighbourhoods = st.dictionaries(
    st.sampled_from(IDS[:8]),
    st.dictionaries(st.sampled_from(IDS[8:]), strengths, min_size=1, max_size=8).map(
        lambda near: neighbours(*sorted(near.items(), key=lambda pair: -pair[1]))
    ),
    min_size=1,
)


def a_taught_ranker(seed: int) -> BlendRanker:
    """Return a ranker that has learned something from noise, its correction included."""
    chance = np.random.default_rng(seed)
    ranker = first_blend(seed)
    for _ in range(30):
        proposals = {
            name: Proposal(chance.permutation(len(IDS))[:10], np.sort(chance.random(10))[::-1])
            for name in COLUMNS
        }
        ranker.learn(
            Candidates(COLUMNS, proposals, Asker(9), numbered(len(IDS))), int(chance.integers(len(IDS)))
        )
    return ranker


@settings(max_examples=25, deadline=None)
@given(
    recent=histories, near=neighbourhoods, popular=st.lists(st.sampled_from(IDS), unique=True),
    seed=st.integers(0, 3),
)  # fmt: skip
def test_without_a_named_item_the_score_falls_or_the_item_is_gone(
    recent: list[str], near: Near, popular: list[str], seed: int
) -> None:
    ranker = a_taught_ranker(seed) if seed else None
    told = explained(answered(recent, near, popular, ranker, k=30))
    causes = {cause.item_id for _, explanation in told.values() for cause in explanation.because}
    for cause in sorted(causes)[:2]:
        without = answered([id_ for id_ in recent if id_ != cause], near, popular, ranker, k=30)
        scores = {item.item_id: item.score for item in without.items}
        for item_id, (score, explanation) in told.items():
            if any(named.item_id == cause for named in explanation.because):
                assert scores.get(item_id, 0.0) < score


@settings(max_examples=25, deadline=None)
@given(recent=histories, near=neighbourhoods, popular=st.lists(st.sampled_from(IDS), unique=True))
def test_the_parts_add_up(recent: list[str], near: Near, popular: list[str]) -> None:
    for score, explanation in explained(answered(recent, near, popular)).values():
        assert sum(explanation.sources.values()) == pytest.approx(score)
        assert set(explanation.sources) <= set(COLUMNS)
        shares = [cause.share for cause in explanation.because]
        assert shares == sorted(shares, reverse=True)
        assert 0 <= sum(shares) <= 1 + 1e-6
        assert {cause.item_id for cause in explanation.because} <= set(recent)


def test_the_items_that_a_recommendation_goes_back_to_are_named() -> None:
    near = {"i0": neighbours(("i20", 0.7)), "i1": neighbours(("i21", 1.0)), "i2": neighbours(("i20", 0.3))}
    told = explained(answered(["i2", "i1", "i0"], near))
    _, of_20 = told["i20"]
    assert [cause.item_id for cause in of_20.because] == ["i0", "i2"]
    assert of_20.because[0].share > of_20.because[1].share
    _, of_21 = told["i21"]
    assert [cause.item_id for cause in of_21.because] == ["i1"]
    assert of_21.sources[COVISITATION.name] > 0
    unrelated = [item_id for item_id in told if item_id not in ("i20", "i21")]
    assert unrelated
    assert all(not told[item_id][1].because for item_id in unrelated)


def test_what_is_popular_is_not_laid_to_anything_the_user_did() -> None:
    (_, explanation) = explained(answered([], {}, ["i15"]))["i15"]
    assert explanation.sources[POPULAR[0].name] > 0
    assert explanation.because == []


def test_an_unknown_user_is_told_of_the_item_looked_at() -> None:
    answer = answered([], {"i5": neighbours(("i9", 0.5))}, user_id=None, item_id="i5", k=4)
    told = explained(answer)
    assert [cause.item_id for cause in told["i9"][1].because] == ["i5"]
    assert told["i9"][1].because[0].share == pytest.approx(1.0)
    assert answer.based_on == "item_id"


def test_what_is_chosen_again_is_its_own_cause() -> None:
    told = explained(answered(["i3", "i4", "i3"], {}, exclude_seen=False))
    assert [cause.item_id for cause in told["i3"][1].because] == ["i3"]


def test_an_item_that_no_source_proposed_says_so() -> None:
    told = explained(answered([], {}, only_ids=("nobody",)))
    assert told["nobody"][1] == Explanation({"listed": 0.0}, [])


def test_only_the_last_items_that_count_are_named() -> None:
    near = {f"i{n}": neighbours(("i20", 0.5)) for n in range(6)}
    causes = explained(answered([f"i{n}" for n in range(6)], near))["i20"][1].because
    assert len(causes) <= 3


@pytest.mark.parametrize(("sign", "word"), [(1, "many"), (-1, "few")])
def test_what_raises_a_score_in_its_context_is_told_in_words(sign: int, word: str) -> None:
    ranker = first_blend()
    arrays = ranker.arrays()
    arrays["context"][:, NAMES.index("votes")] = 40.0 * sign
    ranker.load_arrays(arrays)
    near_to_both, near_to_one = IDS[10], IDS[11]
    neighbourhood = {IDS[0]: neighbours((near_to_both, 0.5), (near_to_one, 0.5))}
    neighbourhood[IDS[1]] = neighbours((near_to_both, 0.5))
    told = explained(answered(IDS[:2], neighbourhood, IDS, ranker, k=30))
    reasons = {item_id: explanation.reasons for item_id, (_, explanation) in told.items()}
    favoured = near_to_both if sign > 0 else IDS[20]
    assert reasons[favoured] == [f"goes with {word} of your last choices"]
    # What speaks against an item is no reason for it.
    assert reasons[IDS[20] if sign > 0 else near_to_both] == []
