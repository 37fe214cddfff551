"""The source of what people with the same attributes choose."""

from streamrec.domain.popularity.ranked_item import RankedItem, Ranking
from streamrec.domain.rows.item_numbers import ItemNumbers
from streamrec.domain.sources.cohorts import COHORTS, ranking_of
from streamrec.domain.sources.findings import Findings
from streamrec.domain.sources.request_context import RequestContext


def proposed(cohorts: tuple[int, ...], **rankings: list[tuple[str, float]]) -> list[str]:
    items = ItemNumbers()
    found = {
        ranking_of(int(name[1:])): Ranking([RankedItem(*one) for one in ranked]).by_number(items)
        for name, ranked in rankings.items()
    }
    context = RequestContext(cohorts=cohorts, banned=frozenset("z"))
    proposal = COHORTS.propose(Findings(context, items, rankings=found), 3)
    return items.ids_at(proposal.numbers.tolist())


def test_items_stand_by_their_mean_share_in_the_users_cohorts() -> None:
    nurses, cooks = [("a", 0.5), ("b", 0.2), ("z", 0.2)], [("b", 0.4), ("c", 0.3)]
    assert proposed((1, 2), t1=nurses, t2=cooks) == ["b", "a", "c"]
    assert proposed((1,), t1=nurses, t2=cooks) == ["a", "b"]


def test_nothing_where_there_is_no_cohort_or_its_ranking_is_away() -> None:
    assert proposed((), t1=[("a", 1.0)]) == proposed((7,), t7=[]) == proposed((8,), t1=[("a", 1.0)]) == []
