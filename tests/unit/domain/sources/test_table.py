"""What every source keeps to, and what follows from the declarations."""

from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.ranking.user_columns import COLD
from streamrec.domain.sources.findings import Findings
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
from tests.drawn_findings import ITEMS, findings


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
    for amounts in source.causes_of(found, ITEMS.ids_at(proposal.numbers.tolist())):
        assert set(amounts) <= own
        assert all(amount > 0 for amount in amounts.values())
    if source.sums is None and source.is_blended and not source.is_proposed_anew(context):
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
