"""The shop as files: exact counts, order, ids, drift, the edges of its settings, and the live stream."""

import resource
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
import pytest

from lab.configuration.generator_section import GeneratorSection
from lab.configuration.reading import read_lab_settings
from lab.dataset.lab_data import read_data
from lab.generator.shop import Shop
from lab.generator.truth import Truth
from lab.generator.writing import write_shop
from lab.steps.manifest import files_in
from streamrec.adapters.opening import open_event_source
from streamrec.datasets.open_dataset import open_dataset
from streamrec.ports import INTERACTIONS
from tests.command_line import run
from tests.unit.lab.generator.shop_world import ShopWorld, no_bar, small_settings, write_small

TINY = (
    "generator.n_users=40", "generator.n_products=60", "generator.n_editorial=20",
    "generator.n_interactions=900", "generator.rows_per_part=300",
)  # fmt: skip


def write_tiny(folder: Path, *overrides: str) -> dict[str, int]:
    return write_shop(read_lab_settings(overrides=[*TINY, *overrides]).generator, folder, no_bar)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> ShopWorld:
    folder = tmp_path_factory.mktemp("shop")
    write_small(folder)
    return ShopWorld(folder, small_settings())


def test_events_are_as_many_as_wanted_and_in_order_of_time(shop: ShopWorld) -> None:
    events = shop.data.events
    assert len(events) == 60_000
    assert len(list((shop.folder / "interactions").iterdir())) > 10
    assert (np.diff(events.timestamps) >= 0).all()
    assert len(events.catalog) == 1_200


def test_ids_of_products_editorial_items_and_users_are_disjoint(shop: ShopWorld) -> None:
    items = {item.item_id: item for item in shop.data.events.catalog}
    assert len(items) == 1_200
    assert set(shop.data.events.items.names) <= set(items)
    assert not set(items) & set(map(str, shop.users["user_id"]))
    products = {item_id for item_id, item in items.items() if item.kind == "product"}
    assert len(products) == 1_000
    types_of = {True: set[str](), False: set[str]()}
    for event in shop.data.events[:5_000]:
        types_of[event.item_id in products].add(event.type)
    assert types_of == {True: {"impression", "click", "cart", "purchase"}, False: {"click", "read"}}


def test_editorial_items_have_two_or_three_topics(shop: ShopWorld) -> None:
    editorial = [item for item in shop.data.events.catalog if item.attributes.get("editorial")]
    assert {len(item.tags) for item in editorial} == {2, 3}
    assert {item.kind for item in editorial} == {"article", "post", "collection", "buying_guide"}


def test_each_stage_follows_the_one_before_of_the_same_item(shop: ShopWorld) -> None:
    order = np.lexsort((np.arange(len(shop.types)), shop.data.sessions))
    types, items = shop.types[order], shop.event_items[order]
    for stage, before in (("cart", "click"), ("purchase", "cart"), ("read", "click")):
        of = np.flatnonzero(types == stage)
        assert (types[of - 1] == before).all()
        assert (items[of - 1] == items[of]).all()


def test_values_are_seconds_and_prices(shop: ShopWorld) -> None:
    prices = {item.item_id: item.attributes.get("price") for item in shop.data.events.catalog}
    for event in shop.data.events[:3_000]:
        if event.type in {"cart", "purchase"}:
            assert event.value == prices[event.item_id]
        elif event.type == "impression":
            assert event.value is None
        else:
            assert event.value is not None
            assert event.value > 0


def test_nobody_does_anything_before_arriving(shop: ShopWorld) -> None:
    arrivals = np.array(shop.users["arrival"])[shop.event_users]
    assert (shop.data.events.timestamps >= arrivals - 0.001).all()
    assert (arrivals > arrivals.min()).any()


def test_equal_settings_give_equal_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_tiny(tmp_path / name)
    assert files_in(tmp_path / "a") == files_in(tmp_path / "b")


@pytest.mark.parametrize(
    "overrides",
    [
        ["n_interactions=1"],
        ["n_users=1"],
        ["n_categories=1", "n_subcategories=1", "n_products=1", "n_editorial=1", "max_topics=2"],
        ["n_categories=1", "n_subcategories=3"],
        ["n_categories=2", "season_strength=1"],
        ["n_editorial=0", "product_share=1"],
        ["n_editorial=1"],
        ["product_share=0"],
        ["primary_affinity=0", "preferred_affinity=0"],
        ["primary_affinity=1", "preferred_affinity=1"],
        ["days=1", "start=2024-02-29"],
        ["days=1000"],
        ["rows_per_part=1", "n_interactions=50"],
        ["rows_per_part=1000000"],
        ["late_users=1"],
        ["n_brands=1"],
        ["session_max_choices=1"],
        ["session_exponent=12"],
        ["product_exponent=40", "editorial_exponent=40"],
        ["activity_exponent=0", "peak_decay=50"],
        ["product_funnel={impression=1, click=0, cart=0, purchase=0}"],
        ["product_funnel={impression=1, click=1, cart=1, purchase=1}"],
        ["editorial_kinds={a=0, b=1}"],
        ["n_categories=60", "n_subcategories=1"],
        ["drift.kind=preference", "drift.at=.0001"],
        ["drift.kind=popularity", "drift.share=1"],
        ["drift.kind=preference", "n_categories=1", "n_subcategories=1"],
        ["start=1965-12-31"],
    ],
    ids=" ".join,
)
def test_the_edges_of_the_settings(tmp_path: Path, overrides: list[str]) -> None:
    told = write_tiny(tmp_path, *(f"generator.{override}" for override in overrides))
    data = read_data(tmp_path)
    wanted = read_lab_settings(overrides=[*TINY, *(f"generator.{one}" for one in overrides)]).generator
    assert len(data.events) == told["n_events"] == wanted.n_interactions
    assert (np.diff(data.events.timestamps) >= 0).all()
    assert np.isfinite(data.events.timestamps).all()
    known = {item.item_id for item in data.events.catalog}
    assert set(data.events.items.names) <= known


def test_preferences_change_at_the_time_of_the_drift(tmp_path: Path) -> None:
    write_small(tmp_path, "generator.drift.kind=preference", "generator.drift.at=.5")
    world = ShopWorld(tmp_path, small_settings())
    after = np.array([str(name) for name in world.users["primary_category_after"]])
    before = np.array([str(name) for name in world.users["primary_category"]])
    assert np.mean(before != after) == pytest.approx(0.5, abs=0.05)
    categories = {item.item_id: item.categories[0] for item in world.data.events.catalog}
    names = np.array([categories[name] for name in world.data.events.items.names])
    chosen = names[world.data.events.items.codes]
    times = world.data.events.timestamps
    middle = 1704067200 + 365 * 86_400 / 2
    changed = world.product_choices & (before != after)[world.event_users]
    shares = [
        np.mean(chosen[changed & of] == taste[world.event_users][changed & of])
        for of in (times < middle, times >= middle + 3600)
        for taste in (before, after)
    ]
    assert shares[0] == pytest.approx(0.7, abs=0.03)
    assert shares[1] < 0.1
    assert shares[2] < 0.1
    assert shares[3] == pytest.approx(0.7, abs=0.03)


def test_popularity_changes_at_the_time_of_the_drift(tmp_path: Path) -> None:
    write_small(tmp_path, "generator.drift.kind=popularity", "generator.drift.share=1")
    world = ShopWorld(tmp_path, small_settings())
    was_first = (world.items["rank"] == 1) & world.items["is_product"]
    is_first = (world.items["rank_after"] == 1) & world.items["is_product"]
    assert was_first.sum() == is_first.sum() == 50
    times, middle = world.data.events.timestamps, 1704067200 + 365 * 86_400 / 2
    early, late = world.event_items[times < middle], world.event_items[times >= middle + 3600]
    assert was_first[early].mean() > 2 * was_first[late].mean()
    assert is_first[late].mean() > 2 * is_first[early].mean()


def test_the_truth_is_what_users_choose_by(shop: ShopWorld) -> None:
    truth = Truth(small_settings())
    month, of = 3, shop.product_choices & (shop.months == 3)
    users = shop.event_users[of]
    affinities = truth.affinities(np.arange(2_000), month)
    assert affinities.shape == (2_000, 1_000)
    np.testing.assert_allclose(affinities.sum(axis=1), 1)
    expected = affinities[users].sum(axis=0)
    observed = np.bincount(shop.event_items[of], minlength=1_000)
    is_frequent = expected > 5
    statistic = ((observed - expected) ** 2 / expected)[is_frequent].sum()
    assert statistic < is_frequent.sum() + 5 * np.sqrt(2 * is_frequent.sum())
    # Against the chances of other users it would not do.
    other = affinities[(users + 1) % 2_000].sum(axis=0)
    correct = np.log(affinities[users, shop.event_items[of]]).mean()
    assert correct > np.log(affinities[(users + 1) % 2_000, shop.event_items[of]]).mean() + 0.5
    assert other.sum() == pytest.approx(expected.sum())


def test_slices_add_up_and_follow_one_another() -> None:
    settings = small_settings("generator.drift.kind=preference", "generator.start=2023-11-17")
    slices = Shop.of(settings).slices()
    assert sum(slice_.n_events for slice_ in slices) == 60_000
    assert all(a.end == b.begin for a, b in zip(slices, slices[1:], strict=False))
    assert {slice_.month for slice_ in slices} == set(range(12))
    assert [slice_.is_drifted for slice_ in slices] == sorted(slice_.is_drifted for slice_ in slices)


def test_the_product_reads_it_and_replays_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_tiny(tmp_path / "data")
    events = open_dataset(tmp_path / "data/interactions")
    read = read_data(tmp_path / "data").events
    assert events.report.n_rejected == 0
    assert len(events.catalog) == 80
    assert [(e.user_id, e.item_id, e.timestamp, e.type, e.value) for e in events] == [
        (e.user_id, e.item_id, e.timestamp, e.type, e.value) for e in read
    ]
    url = f"sqlite:///{tmp_path}/events.db"
    monkeypatch.setenv("STREAMREC_EVENTS_URL", url)
    assert run("replay", "--events", "data/interactions", "--rate", "100000") == 0
    with closing(open_event_source(url, [INTERACTIONS], "test")) as source:
        records = source.poll(2_000, 5.0)
    told = [msgspec.json.decode(record.value) for record in records if record.value is not None]
    assert [(one["user_id"], one["item_id"], one["type"]) for one in told] == [
        (event.user_id, event.item_id, event.type) for event in read
    ]


@pytest.mark.nightly
def test_three_million_events_within_time_and_memory(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lab", "generate-data", "--folder", str(tmp_path / "lab")]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 30
    assert after.ru_maxrss < 1.5 * 1024**2  # KiB
    assert len(read_data(tmp_path / "lab/data").events) == GeneratorSection().n_interactions
