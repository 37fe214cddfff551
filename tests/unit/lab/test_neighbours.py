import numpy as np
import pytest

from lab.matrices.cells import CellRules, Cells
from lab.matrices.sparse_similarity import Measure
from lab.models.item_neighbours import ItemNeighbours
from lab.models.neighbour_options import NeighbourOptions
from lab.models.user_neighbours import UserNeighbours
from streamrec.domain.events.interaction import Interaction
from streamrec.errors import InvalidInput
from tests.unit.lab.plain_accounts import all_pairs, cells, history, ranked

N_NEIGHBOURS = 4

EVERY_WAY = [
    pytest.param(how, measure, id=f"{how}-{measure}")
    for how in ("count", "mean_value")
    for measure in ("cosine", "euclidean")
]


def options(how: Cells, measure: Measure) -> NeighbourOptions:
    return NeighbourOptions(CellRules(how), measure, shrinkage=2.0, n_neighbours=N_NEIGHBOURS)


@pytest.mark.parametrize(("how", "measure"), EVERY_WAY)
def test_items_and_what_they_recommend_are_those_of_a_plain_account(how: Cells, measure: Measure) -> None:
    events = history(seed=5)
    users, items, table = cells(events, how)
    similarities = all_pairs(table.T, measure, 2.0, is_missing_aware=how == "mean_value")
    model = ItemNeighbours(options(how, measure))
    model.fit(events)
    for row, item in enumerate(items):
        found = model.similar_items(item, 6)
        expected = ranked(similarities[row], row, 6)
        assert [of.id for of in found] == [items[n] for n in expected]
        assert [of.score for of in found] == pytest.approx([similarities[row, n] for n in expected])
        both = ~np.isnan(table[:, [row]]) & ~np.isnan(table)
        assert [of.support for of in found] == both.sum(axis=0)[expected].tolist()
    for row, user in enumerate(users):
        totals = np.zeros(len(items))
        for own in np.flatnonzero(~np.isnan(table[row])):
            for near in ranked(similarities[own], int(own), N_NEIGHBOURS):
                totals[near] += similarities[own, near] * table[row, own]
        seen = {items.index(event.item_id) for event in events if event.user_id == user}
        wanted = [items[n] for n in ranked(totals, None, len(items)) if n not in seen]
        assert [of.id for of in model.recommend(user, 20)] == wanted
        with_seen = [items[n] for n in ranked(totals, None, 5)]
        assert [of.id for of in model.recommend(user, 5, exclude_seen=False)] == with_seen


@pytest.mark.parametrize(("how", "measure"), EVERY_WAY)
def test_users_and_what_they_recommend_are_those_of_a_plain_account(how: Cells, measure: Measure) -> None:
    events = history(seed=6)
    users, items, table = cells(events, how)
    similarities = all_pairs(table, measure, 2.0, is_missing_aware=how == "mean_value")
    model = UserNeighbours(options(how, measure))
    model.fit(events)
    for row, user in enumerate(users):
        found = model.similar_users(user, 6)
        expected = ranked(similarities[row], row, 6)
        assert [of.id for of in found] == [users[n] for n in expected]
        assert [of.score for of in found] == pytest.approx([similarities[row, n] for n in expected])
        neighbours = ranked(similarities[row], row, N_NEIGHBOURS)
        totals = similarities[row, neighbours] @ np.nan_to_num(table[neighbours])
        recommended = model.recommend(user, 5, exclude_seen=False)
        best = ranked(totals, None, 5)
        assert [of.score for of in recommended] == pytest.approx(totals[best].tolist())
        have = (~np.isnan(table[neighbours])).sum(axis=0)
        assert [of.support for of in recommended] == [have[items.index(of.id)] for of in recommended]


def rated(*rows: tuple[str, str, float]) -> list[Interaction]:
    return [Interaction(user, item, 0.0, value=value) for user, item, value in rows]


def test_a_missing_value_is_not_a_zero() -> None:
    agreeing = [("ann", "a", 1.0), ("ann", "b", 5.0), ("bob", "a", 1.0), ("bob", "b", 5.0)]
    differing = [("cid", "a", 5.0), ("cid", "b", 1.0)]
    more = [("bob", item, 9.0) for item in "cdefgh"]  # of which ann has none: that tells nothing of the two
    model = UserNeighbours(NeighbourOptions(CellRules("mean_value"), "euclidean", shrinkage=0.0))
    model.fit(rated(*agreeing, *differing, *more))
    assert model.similar_users("ann") == [("bob", 1.0, 2), ("cid", 0.2, 2)]


def test_one_thing_in_common_is_little_to_go_by() -> None:
    much = [(user, item, 4.0 + (user == "bob")) for user in ("ann", "bob") for item in "abcdef"]
    model = UserNeighbours(NeighbourOptions(CellRules("mean_value")))
    model.fit(rated(*much, ("cid", "a", 4.0)))
    assert [of.id for of in model.similar_users("ann")] == ["bob", "cid"]
    assert model.similar_users("ann")[1].score == pytest.approx(1 / 11)  # a cosine of 1, hardly believed


def test_who_shares_nothing_is_no_neighbour_however_close_by_euclid() -> None:
    model = UserNeighbours(NeighbourOptions(measure="euclidean", shrinkage=0.0))
    pairs = [("ann", "a"), ("bob", "b"), *(("cid", item) for item in "abcdefghijklmnop")]
    model.fit([Interaction(user, item, 0.0) for user, item in pairs])
    assert [of.id for of in model.similar_users("ann")] == ["cid"]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"shrinkage": -1.0}, "shrinkage is -1.0"),
        ({"shrinkage": float("nan")}, "shrinkage is nan"),
        ({"n_neighbours": 0}, "n_neighbours is 0"),
    ],
)
def test_options_that_can_not_be_are_refused(wrong: dict[str, float], why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        NeighbourOptions(**wrong)  # type: ignore[arg-type]
