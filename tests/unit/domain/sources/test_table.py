"""What every source keeps to, and what follows from the declarations."""

from collections.abc import Sequence
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamrec.domain.popularity.ranked_item import RankedNumbers
from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.ranking.user_columns import COLD
from streamrec.domain.rows.id_map import IdMap
from streamrec.domain.rows.item_numbers import ItemNumbers
from streamrec.domain.sources.findings import Findings, Nearest
from streamrec.domain.sources.popular import WINDOWS
from streamrec.domain.sources.request_context import RequestContext
from streamrec.domain.sources.source import Source
from streamrec.domain.sources.table import (
    BLENDED,
    COLUMNS,
    EXTRA,
    SIMILARITIES,
    SOURCE_OF,
    SOURCES,
    SimilarityKind,
    first_blend,
)
from tests.builders import near

IDS = [f"i{n}" for n in range(12)]
VECTOR = np.ones(3, "<f4").tobytes()

some = st.lists(st.sampled_from(IDS), max_size=8)
ITEMS = ItemNumbers(IdMap(IDS))
rankings = st.permutations(range(len(IDS))).map(
    lambda numbers: RankedNumbers(np.array(numbers), 20.0 - np.arange(len(numbers), dtype=np.float64))
)
neighbours = st.permutations(IDS).map(
    lambda ids: near(*((id_, 0.5, 4.0, 0.25) for id_ in ids[:6])).near(ITEMS)
)


@st.composite
def findings(draw: st.DrawFn) -> Findings:
    recent = draw(some)
    knows_vector = draw(st.booleans())
    context = RequestContext(
        vector=VECTOR if knows_vector else None,
        generation="g1" if knows_vector else None,
        recent=recent,
        item_id=draw(st.sampled_from([None, *recent])),
        banned=frozenset(draw(some)),
        is_new_only=draw(st.booleans()),
        only=frozenset(draw(some)),
    )
    # The index leaves out by itself what the context bans.
    numbers = ITEMS.known([item_id for item_id in draw(st.permutations(IDS)) if context.wants(item_id)])
    nearest = Nearest(Proposal(numbers, 9.0 - np.arange(len(numbers), dtype=np.float64), is_logit=True), "g1")
    return Findings(
        context,
        ITEMS,
        draw(st.sampled_from([None, nearest])),
        draw(st.dictionaries(st.sampled_from(IDS), neighbours)),
        draw(st.dictionaries(st.sampled_from(WINDOWS), rankings)),
    )


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
@given(found=findings(), n=st.integers(1, 15))
@settings(max_examples=40)
def test_a_source_proposes_distinct_wanted_items_best_first(source: Source, found: Findings, n: int) -> None:
    numbers, scores, _ = source.propose(found, n)
    ids = ITEMS.ids_at(numbers.tolist())
    assert len(ids) == len(scores) <= n
    assert len(set(ids)) == len(ids)
    assert all(map(found.context.wants, ids))
    assert list(scores) == sorted(scores, reverse=True)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
@given(found=findings())
@settings(max_examples=40)
def test_a_source_goes_by_what_it_says(source: Source, found: Findings) -> None:
    proposal = source.propose(found, 15)
    context = found.context
    own = {*context.recent} | ({context.item_id} if context.item_id is not None else set())
    for item_id in ITEMS.ids_at(proposal.numbers.tolist()):
        amounts = source.causes(found, item_id) if source.causes is not None else {}
        assert set(amounts) <= own
        assert all(amount > 0 for amount in amounts.values())
    if source.causes is None and source.is_blended:
        for item_id in own:
            without = source.propose(found.without(item_id), 15)
            assert without.numbers.tolist() == proposal.numbers.tolist()


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_without_what_it_needs_a_source_proposes_nothing(source: Source) -> None:
    assert not len(source.propose(Findings(RequestContext(), ITEMS), 10).numbers)
    assert {need.name for need in source.needs} <= set(Findings.__struct_fields__)


def test_the_columns_are_those_of_the_checkpoints_there_are() -> None:
    windows = ("popular_all", "popular_week", "popular_day", "popular_hour", "popular_recent")
    assert COLUMNS[:9] == ("gmf", "covisitation", "followers", *windows, "again")
    assert len(SOURCE_OF) == len(SOURCES)


def test_a_blend_begins_with_one_weight_for_each_kind() -> None:
    blend = first_blend()
    assert isinstance(blend, BlendRanker)
    weights = dict(zip(COLUMNS, blend.published().weights[COLD], strict=True))
    plain = [source for source in BLENDED if not source.is_extra]
    kinds = {source.kind or source.name for source in plain}
    for kind in kinds:
        total = sum(weights[source.name] for source in plain if (source.kind or source.name) == kind)
        assert total == pytest.approx(1 / len(kinds))
    published = blend.published()
    assert published.extra == EXTRA
    for weight in published.extra_weights[COLD]:
        assert weight / published.scale[COLD] == pytest.approx(1 / len(kinds))


def test_every_kind_of_similarity_can_be_asked_for() -> None:
    assert (
        set(get_args(SimilarityKind)) == set(SIMILARITIES) >= {"vector", "covisitation", "same_day", "blend"}
    )


@pytest.mark.parametrize(("recent", "history"), [((), []), (("a", "b", "a"), ["a", "b"])])
def test_the_history_is_the_newest_items(recent: Sequence[str], history: list[str]) -> None:
    assert Findings(RequestContext(recent=recent), ITEMS).history == history
