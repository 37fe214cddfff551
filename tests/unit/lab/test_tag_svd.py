from collections import defaultdict

import numpy as np
import pytest
from scipy import sparse

from lab.matrices.cells import CellRules
from lab.matrices.truncated_svd import truncated_svd
from lab.models.tag_svd import TagSvd, TagSvdOptions
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.item import Item
from streamrec.errors import InvalidInput
from tests.unit.lab.plain_accounts import Cells, history, ranked

CATALOG = [
    *(Item(f"i{n}", categories=(f"t{n % 7}", f"t{n % 4}")) for n in range(18)),
    Item("i18"),  # has no tags
    Item("unseen", categories=("t1", "rare")),
]


def unit(rows: Cells) -> Cells:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    units: Cells = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-9)
    return units


def user_tags(events: list[Interaction]) -> tuple[list[str], Cells]:
    """Return users and (U, T) the mean value of each user's events with each tag, else 0."""
    tags_of = {item.item_id: set(item.categories) for item in CATALOG}
    tags = list(dict.fromkeys(tag for item in CATALOG for tag in item.categories))
    users = list(dict.fromkeys(event.user_id for event in events))
    gathered = defaultdict(list)
    for event in events:
        for tag in tags_of.get(event.item_id, ()):
            if event.value is not None:
                gathered[users.index(event.user_id), tags.index(tag)].append(event.value)
    table = np.zeros((len(users), len(tags)))
    for row, values in gathered.items():
        table[row] = sum(values) / len(values)
    return users, table


@pytest.mark.parametrize("n_dims", [3, 50])
def test_users_are_as_similar_as_in_the_best_approximation_of_that_rank(n_dims: int) -> None:
    events = history(seed=9, n_users=30)
    users, table = user_tags(events)
    left, strengths, right = np.linalg.svd(table, full_matrices=False)
    best = (left * strengths)[:, :n_dims] @ right[:n_dims]
    cosines = unit(best) @ unit(best).T
    model = TagSvd(TagSvdOptions(n_dims=n_dims))
    model.fit(events, CATALOG)
    for row, user in enumerate(users):
        found = model.similar_users(user, 8)
        expected = ranked(cosines[row], row, 8)
        assert [of.score for of in found] == pytest.approx(cosines[row, expected].tolist(), abs=1e-4)
        assert {of.id for of in found[:3]} <= {users[n] for n in expected}
        shared = ((table[row] != 0) & (table != 0)).sum(axis=1)
        assert [of.support for of in found] == [shared[users.index(of.id)] for of in found]


def test_recommendations_come_from_the_nearest_users_and_are_not_seen_yet() -> None:
    events = history(seed=9, n_users=30)
    model = TagSvd(TagSvdOptions(n_neighbours=5))
    model.fit(events, CATALOG)
    neighbours = {of.id for of in model.similar_users("u3", 5)}
    theirs = {event.item_id for event in events if event.user_id in neighbours}
    own = {event.item_id for event in events if event.user_id == "u3"}
    recommended = {of.id for of in model.recommend("u3", 100)}
    assert recommended
    assert recommended <= theirs - own


def test_items_are_similar_when_the_same_users_have_to_do_with_their_tags() -> None:
    events = [
        Interaction(f"u{n}", item, 0.0, value=1.0)
        for n in range(10)
        for item in (("python", "numpy") if n < 5 else ("css", "html"))
    ]
    catalog = [Item(name, categories=(f"about {name}",)) for name in ("python", "numpy", "css", "html")]
    model = TagSvd(TagSvdOptions())
    model.fit(events, [*catalog, Item("both", categories=("about python", "about css")), Item("bare")])
    (numpy_, both) = model.similar_items("python", 5)
    assert (numpy_.id, numpy_.support) == ("numpy", 0)  # no tag in common, and yet similar
    assert numpy_.score == pytest.approx(1.0, abs=1e-5)
    assert (both.id, both.support) == ("both", 1)
    assert model.similar_items("bare") == []


def test_groups_are_found_again() -> None:
    random = np.random.default_rng(4)
    n_groups, size = 8, 20
    catalog = [Item(f"i{n}", categories=(f"t{n}",)) for n in range(400)]
    events = []
    for user in np.repeat(np.arange(n_groups * size), 40):
        in_theme = random.integers(50) * n_groups + user % n_groups
        item = in_theme if random.random() < 0.8 else random.integers(400)
        events.append(Interaction(f"u{user}", f"i{item}", 0.0, value=float(random.gamma(2.0, 30.0))))
    model = TagSvd(TagSvdOptions(n_dims=10))
    model.fit(events, catalog)
    hits = [
        int(found.id[1:]) % n_groups == user % n_groups
        for user in range(n_groups * size)
        for found in model.similar_users(f"u{user}", size - 1)
    ]
    assert sum(hits) / len(hits) > 0.97


def test_an_item_can_be_a_tag_itself() -> None:
    model = TagSvd(TagSvdOptions(CellRules("count"), tags="item_ids"))
    model.fit([Interaction(user, tag, 0.0) for user, tag in (("u", "go"), ("v", "go"), ("w", "rust"))])
    assert [(of.id, of.support) for of in model.similar_users("u")] == [("v", 1)]


def test_who_lies_outside_the_directions_kept_is_not_compared() -> None:
    crowd = [Interaction(f"u{n}", tag, 0.0) for n in range(30) for tag in ("a", "b")]
    loners = [Interaction(name, f"only {name}", 0.0) for name in ("x", "y", "z")]
    model = TagSvd(TagSvdOptions(CellRules("count"), tags="item_ids", n_dims=1))
    model.fit([*crowd, *loners])
    assert model.similar_users("x") == []
    assert model.recommend("x") == []
    assert len(model.similar_users("u1", 100)) == 29


@pytest.mark.parametrize("shape", [(0, 0), (3, 0), (4, 5)])
def test_of_a_matrix_of_nothing_no_direction_is_known(shape: tuple[int, int]) -> None:
    directions = truncated_svd(sparse.csr_array(shape), 2, seed=0)
    assert [len(rows) for rows in directions] == list(shape)
    assert not any(rows.any() for rows in directions)


def test_the_scale_of_values_does_not_matter_nor_does_the_seed() -> None:
    table = sparse.random_array((60, 40), density=0.2, rng=np.random.default_rng(2), format="csr")
    cosines = [
        unit(directions.rows.astype(np.float64)) @ unit(directions.rows.astype(np.float64)).T
        for directions in (
            truncated_svd(table, 5, seed=0),
            truncated_svd(table, 5, seed=1),
            truncated_svd(table * 1e90, 5, seed=0),
        )
    ]
    np.testing.assert_allclose(cosines[1], cosines[0], atol=1e-3)
    np.testing.assert_allclose(cosines[2], cosines[0], atol=1e-3)


@pytest.mark.parametrize("wrong", [{"n_dims": 0}, {"seed": -1}, {"n_neighbours": 0}])
def test_options_that_can_not_be_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match="wanted at least"):
        TagSvdOptions(**wrong)  # type: ignore[arg-type]
