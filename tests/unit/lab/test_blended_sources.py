import numpy as np
import pytest

from lab.matrices.cells import CellRules
from lab.models.blended_sources import BlendedSources, Source
from lab.models.neighbour_options import NeighbourOptions
from lab.models.tag_svd import TagSvd, TagSvdOptions
from lab.models.user_neighbours import UserNeighbours
from streamrec.domain.events.interaction import Interaction
from streamrec.errors import InvalidInput
from tests.unit.lab.plain_accounts import all_pairs, cells, history, ranked

VIEWS = [("ann", "c1"), ("ann", "c2"), ("bob", "c1"), ("bob", "c3"), ("cid", "c4"), ("dee", "c1")]
INTERESTS = [("ann", "python"), ("cid", "python"), ("eve", "python"), ("dee", "cooking")]


def events() -> list[Interaction]:
    return [
        *(Interaction(user, item, 0.0, "view") for user, item in VIEWS),
        *(Interaction(user, tag, 0.0, "interest") for user, tag in INTERESTS),
    ]


def by_items(type_: str) -> UserNeighbours:
    return UserNeighbours(NeighbourOptions(CellRules.only(type_), shrinkage=0.0))


def blend(views: float = 0.6, interests: float = 0.3) -> BlendedSources:
    tags = TagSvd(TagSvdOptions(CellRules.only("interest"), tags="item_ids"))
    sources = [Source("views", views, by_items("view")), Source("interests", interests, tags)]
    return BlendedSources(sources, CellRules.only("view"))


def test_a_user_without_a_source_is_compared_by_the_others() -> None:
    model = blend()
    model.fit(events())
    found = {of.id: of for of in model.similar_users("ann")}
    # bob has no interests: the views count in full. Views: one shared of two each, a cosine of 1/2.
    assert found["bob"].score == pytest.approx(0.5)
    # eve has no views: the shared interest counts in full.
    assert found["eve"].score == pytest.approx(1.0)
    # cid has both: other views (0), the same interest (1).
    assert found["cid"].score == pytest.approx(0.3 / 0.9)
    # dee has both: one of two views (1 / root of 2), another interest (0).
    assert found["dee"].score == pytest.approx(0.6 * 0.5**0.5 / 0.9)
    assert [of.id for of in model.similar_users("ann", 2)] == ["eve", "bob"]
    assert {of.id for of in model.similar_users("bob")} == {"ann", "dee"}  # nothing is known of bob and eve


def test_tags_are_no_items_to_recommend() -> None:
    model = blend()
    model.fit(events())
    assert {of.id for of in model.recommend("eve")} == {"c1", "c2", "c4"}
    assert {of.id for of in model.recommend("ann")} == {"c3", "c4"}


def test_the_blend_is_the_weighted_mean_of_what_is_known() -> None:
    first, second = history(seed=1), history(seed=2, n_events=60)
    typed = [
        Interaction(event.user_id, event.item_id, 0.0, type_, event.value)
        for type_, part in (("rating", first), ("view", second))
        for event in part
    ]
    ratings = UserNeighbours(NeighbourOptions(CellRules.only("rating", cells="mean_value"), "euclidean"))
    model = BlendedSources(
        [Source("ratings", 2.0, ratings), Source("views", 0.5, by_items("view"))], CellRules(), 3
    )
    model.fit(typed)
    users = cells(typed, "count")[0]
    pairs = []
    for part, how, measure, shrinkage in (
        (first, "mean_value", "euclidean", 10.0),
        (second, "count", "cosine", 0.0),
    ):
        names, _, table = cells(part, how)
        similarity = all_pairs(table, measure, shrinkage, is_missing_aware=how == "mean_value")
        aligned = np.full((len(users), len(users)), np.nan)
        rows = [users.index(name) for name in names]
        aligned[np.ix_(rows, rows)] = similarity
        pairs.append(aligned)
    for row, user in enumerate(users):
        expected = np.zeros(len(users))
        for other in range(len(users)):
            known = [
                (w, of[row, other])
                for w, of in zip((2.0, 0.5), pairs, strict=True)
                if of[row, other] == of[row, other]
            ]
            expected[other] = sum(w * s for w, s in known) / sum(w for w, _ in known) if known else 0.0
        best = ranked(expected, row, 10)
        assert [of.score for of in model.similar_users(user)] == pytest.approx(expected[best].tolist())


@pytest.mark.parametrize(
    "sources",
    [
        [],
        [Source("views", 0.0, by_items("view"))],
        [Source("views", float("nan"), by_items("view"))],
        [Source("views", 1.0, by_items("view")), Source("views", 2.0, by_items("interest"))],
    ],
)
def test_a_blend_of_nothing_or_by_no_weight_is_refused(sources: list[Source]) -> None:
    with pytest.raises(InvalidInput):
        BlendedSources(sources, CellRules())
