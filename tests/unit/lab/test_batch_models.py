"""What holds for every batch model."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.matrices.cells import CellRules
from lab.model_files import load_model, save_model
from lab.models.batch_model import BatchModel, Scored
from lab.models.blended_sources import BlendedSources, Source
from lab.models.item_neighbours import ItemNeighbours
from lab.models.neighbour_options import NeighbourOptions
from lab.models.tag_svd import TagSvd, TagSvdOptions
from lab.models.user_neighbours import UserNeighbours
from lab.scoring.als import AlsModel, AlsOptions
from lab.scoring.content import ContentModel, ContentOptions
from lab.scoring.ease import Ease, EaseOptions
from lab.scoring.hybrid import Hybrid, Part
from lab.scoring.item_cosine import ItemCosine, ItemCosineOptions
from lab.scoring.popularity import PopularityOptions, RecencyPopularity
from lab.scoring.session_neighbours import SessionNeighbours, SessionOptions
from lab.scoring.streamed import (
    StreamedCoVisitation,
    StreamedGmf,
    StreamedGmfOptions,
    StreamedOptions,
)
from lab.scoring.svd_neighbours import SvdNeighbours, SvdOptions
from streamrec.datasets.event_collector import EventCollector
from streamrec.datasets.files.read_report import ReadReport
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.item import Item
from streamrec.errors import InvalidInput, UnknownId, Unsupported

MEANS = CellRules("mean_value")


def blend() -> BlendedSources:
    means = UserNeighbours(NeighbourOptions(MEANS, "euclidean"))
    return BlendedSources(
        [Source("tags", 0.7, TagSvd(TagSvdOptions())), Source("means", 0.3, means)], CellRules()
    )


def hybrid() -> Hybrid:
    parts = [
        Part("popular", 0.2, RecencyPopularity(PopularityOptions())),
        Part("cosine", 0.8, ItemCosine(ItemCosineOptions())),
    ]
    return Hybrid(parts, CellRules())


MODELS: dict[str, Callable[[], BatchModel]] = {
    "items by counts": lambda: ItemNeighbours(NeighbourOptions()),
    "items by means": lambda: ItemNeighbours(NeighbourOptions(MEANS)),
    "users by counts, Euclidean": lambda: UserNeighbours(NeighbourOptions(measure="euclidean")),
    "users by means": lambda: UserNeighbours(NeighbourOptions(MEANS)),
    "tags": lambda: TagSvd(TagSvdOptions()),
    "blend": blend,
    "popularity": lambda: RecencyPopularity(PopularityOptions()),
    "als": lambda: AlsModel(AlsOptions(factors=8)),
    "items by cosine": lambda: ItemCosine(ItemCosineOptions()),
    "content": lambda: ContentModel(ContentOptions()),
    "svd": lambda: SvdNeighbours(SvdOptions()),
    "streamed GMF": lambda: StreamedGmf(StreamedGmfOptions()),
    "streamed co-visitation": lambda: StreamedCoVisitation(StreamedOptions()),
    "ease": lambda: Ease(EaseOptions(regularization=1.0)),
    "sessions": lambda: SessionNeighbours(SessionOptions()),
    "hybrid": hybrid,
}


@pytest.fixture(params=list(MODELS.values()), ids=list(MODELS))
def model(request: pytest.FixtureRequest) -> BatchModel:
    built: BatchModel = request.param()
    return built


def likes(*pairs: tuple[str, str], value: float | None = 3.0) -> list[Interaction]:
    return [Interaction(user, item, float(n), value=value) for n, (user, item) in enumerate(pairs)]


def catalog(*item_ids: str) -> list[Item]:
    return [Item(item_id, categories=("all", f"about {item_id}")) for item_id in item_ids]


HISTORY = likes(
    ("1", "a"), ("1", "b"), ("01", "a"), ("01", "b"), ("01", "c"), ("1.0", "b"), ("1.0", "c"), ("1.0", "d")
)
ITEMS = catalog("a", "b", "c", "d", "new")


def answers(model: BatchModel, users: tuple[str, ...], items: tuple[str, ...]) -> list[list[Scored]]:
    given = [model.recommend(user, 5) for user in users]
    for asked, ids in ((model.similar_users, users), (model.similar_items, items)):
        try:
            given += [asked(id_, 5) for id_ in ids]
        except Unsupported:
            continue
    return given


def test_ids_that_look_like_numbers_are_text(model: BatchModel) -> None:
    model.fit(HISTORY, ITEMS)
    assert "c" in {of.id for of in model.recommend("1")}
    assert {of.id for of in model.recommend("1")}.isdisjoint({"a", "b"})
    assert "d" in {of.id for of in model.recommend("01")}
    with pytest.raises(UnknownId, match="no user 1 in .*; ids are text"):
        model.recommend(1)  # type: ignore[arg-type]
    with pytest.raises(UnknownId, match=r"no user '1\.00'"):
        model.recommend("1.00")


def test_who_is_asked_for_is_never_in_the_answer(model: BatchModel) -> None:
    model.fit(HISTORY, ITEMS)
    for asked, ids in ((model.similar_users, ("1", "01", "1.0")), (model.similar_items, "abcd")):
        for id_ in ids:
            try:
                found = [of.id for of in asked(id_, 100)]
            except Unsupported:
                continue
            assert found
            assert id_ not in found
            assert len(found) == len(set(found))


def test_a_second_fit_brings_new_users_and_items_and_forgets_the_old(model: BatchModel) -> None:
    model.fit(HISTORY, ITEMS)
    new_pairs = (("zoe", "x"), ("zoe", "y"), ("yan", "x"), ("yan", "y"), ("yan", "z"), ("1", "y"))
    model.fit(likes(*new_pairs), catalog("x", "y", "z"))
    assert "z" in {of.id for of in model.recommend("zoe")}
    assert {of.id for of in model.recommend("1")} <= {"x", "z"}
    with pytest.raises(UnknownId, match="no user '01'"):
        model.recommend("01")
    for number in range(3):  # and again and again
        model.fit([*HISTORY, *likes((f"u{number}", "b"), (f"u{number}", "z"))], catalog(*"abcdz"))
        assert "z" in {of.id for of in model.recommend("1")}
        assert model.recommend(f"u{number}")
    fresh = type(model).restored(model.contents())
    assert answers(fresh, ("1", "u2"), ("a", "z")) == answers(model, ("1", "u2"), ("a", "z"))


def test_before_the_first_fit_nobody_is_known(model: BatchModel) -> None:
    with pytest.raises(UnknownId, match="no user 'u'"):
        model.recommend("u")
    model.fit([])
    with pytest.raises(UnknownId, match="no user 'u'"):
        model.recommend("u")


def test_a_question_that_a_model_does_not_answer_is_refused_clearly() -> None:
    item_model, user_model = ItemNeighbours(NeighbourOptions()), UserNeighbours(NeighbourOptions())
    with pytest.raises(Unsupported, match="item-neighbours does not compare users"):
        item_model.similar_users("u")
    with pytest.raises(Unsupported, match="user-neighbours does not compare items"):
        user_model.similar_items("i")
    with pytest.raises(Unsupported, match="blended-sources does not compare items"):
        blend().similar_items("i")


def test_unknown_items_and_lists_of_no_length(model: BatchModel) -> None:
    model.fit(HISTORY, ITEMS)
    with pytest.raises((UnknownId, Unsupported), match="no item 'q'|does not compare"):
        model.similar_items("q")
    with pytest.raises((UnknownId, Unsupported), match="no user 'q'|does not compare"):
        model.similar_users("q")
    with pytest.raises(InvalidInput, match="k is 0"):
        model.recommend("1", 0)
    assert len(model.recommend("1", 1)) == 1


def test_an_item_without_events_is_known_and_like_nothing_it_shares_nothing_with() -> None:
    model = ItemNeighbours(NeighbourOptions())
    model.fit(HISTORY, ITEMS)
    assert model.similar_items("new") == []


def test_values_that_are_missing_negative_or_no_number(model: BatchModel) -> None:
    odd = [
        *HISTORY,
        Interaction("nan", "a", 0.0, value=float("nan")),
        Interaction("none", "a", 0.0),
        Interaction("minus", "a", 0.0, value=-3.0),
        Interaction("zero", "b", 0.0, value=0.0),
    ]
    model.fit(odd, ITEMS)
    for of in [
        found for user in ("1", "nan", "none", "minus", "zero") for found in model.recommend(user, 50)
    ]:
        assert 0 < of.score < float("inf")
        assert of.support >= (of.id != "new")  # which nobody chose, and which its metadata may bring
    of_nan, of_none = model.recommend("nan", 50), model.recommend("none", 50)  # NaN is no value
    assert [of.id for of in of_nan] == [of.id for of in of_none]
    # Iterations that begin with other random numbers end a little beside each other.
    assert [of.score for of in of_nan] == pytest.approx([of.score for of in of_none], rel=1e-3)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (Interaction("u", "a", 0.0, value=float("inf")), "beyond 1e"),
        (Interaction("u", "a", 0.0, value=-1e200), "beyond 1e"),
        (Interaction(7, "a", 0.0), "7 is no id: ids are text"),  # type: ignore[arg-type]
        (Interaction("u", "", 0.0), "'' is no id"),
    ],
)
def test_a_fit_that_fails_leaves_what_was_there(wrong: Interaction, why: str) -> None:
    for build in MODELS.values():
        model = build()
        model.fit(HISTORY, ITEMS)
        before = answers(model, ("1", "01"), ("a",))
        with pytest.raises(InvalidInput, match=why):
            model.fit([*likes(("x", "y")), wrong], ITEMS)
        assert answers(model, ("1", "01"), ("a",)) == before


def test_impressions_do_not_count_and_dislikes_are_never_offered(model: BatchModel) -> None:
    shown = [
        Interaction("1", "c", 0.0, "impression", 3.0),
        Interaction("looker", "a", 0.0, "impression", 3.0),
    ]
    model.fit([*HISTORY, *shown], ITEMS)
    assert "c" in {of.id for of in model.recommend("1")}  # shown is not seen
    assert model.recommend("looker") == []
    model.fit([*HISTORY, Interaction("1", "c", 0.0, "dislike", 3.0)], ITEMS)
    assert "c" not in {of.id for of in model.recommend("1", 50)}
    assert "c" not in {of.id for of in model.recommend("1", 50, exclude_seen=False)}
    assert "a" in {of.id for of in model.recommend("1", 50, exclude_seen=False)}


def test_hidden_items_are_learned_from_and_never_offered(model: BatchModel) -> None:
    model.fit(HISTORY, ITEMS)
    offered = [*model.recommend("1", 50), *model.recommend("1.0", 50, exclude_seen=False)]
    assert "d" in {of.id for of in offered}
    model.fit(HISTORY, [*ITEMS[:3], Item("d", categories=("all", "about d"), is_hidden=True)])
    assert {of.id for of in model.recommend("1", 50)} == {"c"}
    assert "d" not in {of.id for of in model.recommend("1.0", 50, exclude_seen=False)}


def test_any_iterable_and_columns_of_events_are_the_same_history(model: BatchModel) -> None:
    model.fit(HISTORY, ITEMS)
    expected = answers(model, ("1", "01", "1.0"), ("a", "d"))
    model.fit((event for event in HISTORY), ITEMS)
    assert answers(model, ("1", "01", "1.0"), ("a", "d")) == expected
    collector = EventCollector()
    for line, event in enumerate([*HISTORY, Interaction("later", "elsewhere", 99.0)]):
        collector.add(line, event)
    columns = collector.finish("history", "", ReadReport())
    model.fit(columns[: len(columns) - 1], ITEMS)  # a slice keeps names that do not occur in it
    with pytest.raises(UnknownId):
        model.recommend("later")


def test_a_file_holds_all_of_a_model(model: BatchModel, tmp_path: Path) -> None:
    model.fit([*HISTORY, Interaction("1", "d", 0.0, "dislike")], ITEMS)
    path = tmp_path / "models" / "one.npz"
    save_model(model, path)
    loaded = load_model(path)
    assert type(loaded) is type(model)
    assert answers(loaded, ("1", "01", "1.0"), ("a", "d")) == answers(model, ("1", "01", "1.0"), ("a", "d"))
    save_model(loaded, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == path.read_bytes()
    loaded.fit(likes(("n", "x"), ("n", "y"), ("m", "x"), ("m", "y"), ("m", "z")), catalog("x", "y", "z"))
    assert [of.id for of in loaded.recommend("n")] == ["z"]
