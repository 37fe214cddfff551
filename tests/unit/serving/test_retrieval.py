"""Whom an answer asks for candidates."""

import numpy as np
import pytest

from streamrec.adapters.memory.cache import MemoryCache
from streamrec.adapters.memory.index import MemoryIndex
from streamrec.domain.ranking.context_columns import n_features
from streamrec.domain.rows.item_numbers import Numbers
from streamrec.domain.sources.again import AGAIN
from streamrec.domain.sources.covisitation import COVISITATION
from streamrec.domain.sources.followers import FOLLOWERS
from streamrec.domain.sources.gmf import GMF
from streamrec.domain.sources.popular import POPULAR, WINDOWS
from streamrec.domain.sources.request_context import RequestContext
from streamrec.domain.sources.table import COLUMNS
from streamrec.ports import RankedItem, VectorTable
from streamrec.serving.guard import Guard
from streamrec.serving.sources import reading
from streamrec.serving.sources.near_categories import CategoriesAtHand
from streamrec.serving.sources.reading import ServedReader
from streamrec.serving.sources.retrieval import Look, Retrieval
from streamrec.telemetry import NullMetrics
from tests.builders import near

IDS = ["a", "b", "c", "d"]
OF_POPULAR = {source.name for source in POPULAR}
VECTOR = np.ones(2, "<f4").tobytes()


def known(**fields: object) -> RequestContext:
    return RequestContext(VECTOR, "g1", ("a",), n_events=3, **fields)  # type: ignore[arg-type]


def retrieval(left_out: frozenset[str] = frozenset()) -> Retrieval:
    cache = MemoryCache()
    cache.publish_popular({window: [RankedItem("c", 2.0), RankedItem("d", 1.0)] for window in WINDOWS})
    cache.publish_neighbours({"a": near(("b", 0.5, 9.0, 0.25), ("c", 0.25, 9.0, 0.0))})
    index = MemoryIndex({"g1": VectorTable(IDS, np.eye(4, 2, dtype=np.float32))})
    guards = (Guard(name, 1.0, NullMetrics()) for name in ("cache", "index"))
    return Retrieval(ServedReader(cache, next(guards), index, next(guards)), CategoriesAtHand(), left_out)


def ids_of(look: Look, numbers: Numbers) -> list[str]:
    return look.findings.items.ids_at(numbers.tolist())


async def proposals(context: RequestContext, left_out: frozenset[str] = frozenset()) -> dict[str, list[str]]:
    """Return what the first stage proposes."""
    asked = retrieval(left_out)
    look = await asked.look(context, next(asked.stages(context)), 10)
    return {name: ids_of(look, proposal.numbers) for name, proposal in look.candidates.proposals.items()}


async def test_a_known_user_gets_what_all_sources_propose() -> None:
    found = await proposals(known(is_new_only=False))
    assert set(found) == set(COLUMNS)
    assert found[GMF.name][:2] == ["a", "b"]
    assert (found[COVISITATION.name], found[FOLLOWERS.name], found[AGAIN.name]) == (["b", "c"], ["b"], ["a"])
    assert all(found[name] == ["c", "d"] for name in OF_POPULAR)


async def test_what_was_chosen_comes_again_only_where_it_may() -> None:
    found = await proposals(known(banned=frozenset("a")))
    assert AGAIN.name not in found
    assert all("a" not in ids for ids in found.values())


async def test_what_is_banned_or_not_listed_is_proposed_by_nobody() -> None:
    found = await proposals(known(banned=frozenset("b"), only=frozenset("bc"), is_new_only=False))
    assert {item_id for ids in found.values() for item_id in ids} == {"c"}


async def test_sources_can_be_left_out() -> None:
    found = await proposals(known(is_new_only=False), frozenset({GMF.name, "popular_day"}))
    assert set(COLUMNS) - set(found) == {GMF.name, "popular_day"}


@pytest.mark.parametrize(("item_id", "n_stages"), [("a", 2), (None, 1)])
async def test_an_unknown_user_gets_first_what_is_like_the_item_then_what_is_popular(
    item_id: str | None, n_stages: int
) -> None:
    recent = () if item_id is None else (item_id,)
    context = RequestContext(item_id=item_id, recent=recent, banned=frozenset(recent))
    asked = retrieval()
    stages = list(asked.stages(context))
    assert len(stages) == n_stages
    last = await asked.look(context, stages[-1], 10)
    assert set(last.candidates.proposals) == OF_POPULAR
    if item_id is not None:
        first = await asked.look(context, stages[0], 10)
        found = first.candidates.proposals
        assert "a" not in ids_of(first, found[GMF.name].numbers)
        assert ids_of(first, found[COVISITATION.name].numbers) == ["b", "c"]


async def test_the_candidates_are_one_row_an_item() -> None:
    asked, context = retrieval(), known(banned=frozenset("a"))
    look = await asked.look(context, next(asked.stages(context)), 10)
    assert sorted(ids_of(look, look.candidates.numbers)) == ["b", "c", "d"]
    assert look.candidates.features.shape[1] == n_features(len(COLUMNS))


async def test_a_process_that_has_met_too_many_items_begins_to_number_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, context = retrieval(), known(is_new_only=False)
    stage = next(asked.stages(context))
    looks = [await asked.look(context, stage, 10)]
    monkeypatch.setattr(reading, "MOST_NUMBERED", 2)
    looks += [await asked.look(context, stage, 10) for _ in range(3)]
    assert len({id(look.findings.items) for look in looks}) == 4
    assert [len(look.findings.items) for look in looks] == [4] * 4
    by_source = [
        {name: ids_of(look, proposal.numbers) for name, proposal in look.candidates.proposals.items()}
        for look in looks
    ]
    assert all(found == by_source[0] for found in by_source)


async def test_ids_that_only_requests_name_get_no_numbers() -> None:
    asked = retrieval()
    for number in range(50):
        never_met = frozenset({f"crawled {number}"})
        context = known(banned=never_met, only=frozenset({"b", f"other {number}"}))
        look = await asked.look(context, next(asked.stages(context)), 10)
        assert ids_of(look, look.candidates.numbers) == ["b"]
    assert len(look.findings.items) <= len(IDS)
