"""Features know nothing of what comes later, and are what a slow count over the past finds."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.configuration.lab_settings import LabSettings
from lab.configuration.result_sections import FeaturesSection, SplitSection
from lab.dataset.lab_data import LabData, read_data, sessions_of, write_data
from lab.dataset.split import split_by_time
from lab.features.columns import FEATURES
from lab.features.moments import moments_of
from lab.features.past import DAY_S, main_categories, past_of
from lab.steps.build_features import BUILD_FEATURES
from lab.steps.step import StepRun
from lab.steps.tables import read_table
from streamrec.datasets.event_collector import EventCollector
from streamrec.datasets.files.read_report import ReadReport
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.item import Item
from tests.unit.lab.generator.shop_world import write_small

ITEMS = (
    Item("a", categories=("x", "z")),
    Item("b", categories=("y",)),
    Item("ü/c", categories=("x",)),
    Item("d"),
)
Row = dict[str, object]


def data_of(events: Sequence[Interaction]) -> LabData:
    collector = EventCollector()
    for line, event in enumerate(events):
        collector.add(line, event)
    event_set = collector.finish("given", "", ReadReport())
    object.__setattr__(event_set, "catalog", ITEMS)
    return LabData(event_set, sessions_of(event_set))


def features_at(data: LabData, moment: float, kind: str) -> dict[str, Row]:
    """Return the features of each id."""
    past = past_of(data, moment, main_categories(data))
    columns = {name: column.tolist() for name, column in FEATURES[kind](past, FeaturesSection()).items()}
    names = data.events.users.names if kind == "users" else data.events.items.names
    return {
        names[row]: {name: column[at] for name, column in columns.items() if name != "row"}
        for at, row in enumerate(columns["row"])
    }


EVENTS = st.lists(
    st.builds(
        Interaction,
        user_id=st.sampled_from(["u", "v", "w"]),
        item_id=st.sampled_from([item.item_id for item in ITEMS]),
        timestamp=st.integers(0, 400).map(lambda half_day: half_day * DAY_S / 2),
        type=st.sampled_from(["impression", "click", "cart", "purchase", "read", "other"]),
        value=st.none() | st.floats(0, 1e6),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(events=EVENTS, half_day=st.integers(0, 420), kind=st.sampled_from(["users", "items"]))
def test_later_events_change_no_feature(events: list[Interaction], half_day: int, kind: str) -> None:
    moment = half_day * DAY_S / 2
    before = [event for event in events if event.timestamp < moment]
    known = features_at(data_of(events), moment, kind)
    # Not nearly: the same sums in the same order.
    assert repr(features_at(data_of(before), moment, kind)) == repr(
        {id_: known[id_] for id_ in features_at(data_of(before), moment, kind)}
    )
    assert set(known) == {event.user_id if kind == "users" else event.item_id for event in before}


@settings(max_examples=40, deadline=None)
@given(events=EVENTS, half_day=st.integers(1, 420))
def test_users_features_are_what_a_slow_count_finds(events: list[Interaction], half_day: int) -> None:
    moment = half_day * DAY_S / 2
    category_of = {item.item_id: item.categories[0] for item in ITEMS if item.categories}
    found = features_at(data_of(events), moment, "users")
    for user_id, row in found.items():
        own = sorted(
            (e for e in events if e.user_id == user_id and e.timestamp < moment), key=lambda e: e.timestamp
        )
        ages = [(moment - event.timestamp) / DAY_S for event in own]
        assert row["n_events"] == len(own)
        assert row["n_click"] == sum(event.type == "click" for event in own)
        assert row["n_last_7d"] == sum(age <= 7 for age in ages)
        assert row["n_items"] == len({event.item_id for event in own})
        assert row["n_fading"] == pytest.approx(sum(0.5 ** (age / 30) for age in ages))
        assert (row["days_since_first"], row["days_since_last"]) == (ages[0], ages[-1])
        spent = sum(event.value or 0 for event in own if event.type == "purchase")
        assert row["spent"] == pytest.approx(spent)
        categories = Counter(category_of[e.item_id] for e in own if e.item_id in category_of)
        if not categories:
            assert (row["main_category"], row["main_category_share"]) == (None, 0)
            continue
        best = min(categories, key=lambda name: (-categories[name], name))
        shares = [n / categories.total() for n in categories.values()]
        assert (row["main_category"], row["main_category_share"]) == (best, max(shares))
        assert row["category_entropy"] == pytest.approx(
            -sum(share * math.log(share) for share in shares), abs=1e-12
        )


def test_items_features_by_hand() -> None:
    day = DAY_S
    events = [
        Interaction("u", "a", 0.0, "impression"),
        Interaction("u", "a", 1.0, "click", 30.0),
        Interaction("u", "a", 2.0, "purchase", 9.5),
        Interaction("v", "a", 50 * day, "impression"),
        Interaction("v", "b", 50 * day, "impression"),
        Interaction("w", "a", 60 * day, "purchase", 100.0),
    ]
    found = features_at(data_of(events), 60 * day, "items")
    a, b = found["a"], found["b"]
    assert (a["n_users"], b["n_users"], a["earned"]) == (2, 1, 9.5)
    assert a["click_rate"] == pytest.approx(
        (1 + 10 / 3) / (2 + 10)
    )  # 1 click of 3 impressions over all items
    assert b["click_rate"] == pytest.approx((10 / 3) / (1 + 10))
    assert a["purchase_rate"] == pytest.approx((1 + 10) / (1 + 10))
    assert a["trend"] == pytest.approx((0 + 7 / 90) / (4 + 1) / (7 / 90))
    assert (a["popularity"], b["popularity"]) == (1.0, 0.5)


def test_moments_are_regular_and_where_parts_begin() -> None:
    events = data_of([Interaction("u", "a", hour * 3600.0) for hour in range(24 * 100)]).events
    wanted = FeaturesSection(snapshot_days=30)
    moments = moments_of(events, wanted, SplitSection(validation=0.1, test=0.1))
    assert moments == [30 * DAY_S, 60 * DAY_S, 80 * DAY_S, 90 * DAY_S]
    assert moments_of(events[:0], wanted, SplitSection()) == []
    assert moments_of(events[:1], wanted, SplitSection()) == []


def test_the_parts_are_cut_between_moments() -> None:
    times = [0.0] * 5 + [1.0] * 5 + [2.0] * 5 + [3.0] * 5
    events = data_of([Interaction("u", "a", at) for at in times]).events
    parts = split_by_time(events, SplitSection(validation=0.3, test=0.2))
    assert [len(part) for part in parts] == [10, 5, 5]
    assert [set(part.timestamps.tolist()) for part in parts] == [{0.0, 1.0}, {2.0}, {3.0}]
    everything = split_by_time(events, SplitSection(validation=0.0, test=0.9))
    assert [len(part) for part in everything] == [0, 0, 20]


@contextmanager
def no_bar(description: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    yield lambda done: None


def build(folder: Path, data: Path, lab_settings: LabSettings) -> dict[str, object]:
    folder.mkdir()
    outcome = BUILD_FEATURES.run(StepRun(lab_settings, folder, {"data": data}, no_bar, print))
    return dict(outcome.metrics)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_small(folder, "generator.n_interactions=4000", "generator.n_users=100")
    return folder


def test_the_step_writes_a_part_for_each_moment(tmp_path: Path, data: Path) -> None:
    told = build(tmp_path / "features", data, LabSettings())
    for kind, id_name in (("users", "user_id"), ("items", "item_id")):
        table = read_table(tmp_path / "features" / kind)
        moments = table.column("at").to_numpy()
        assert sorted(set(moments.tolist())) == told["moments"]
        last = table.filter(moments == moments.max())
        events = read_data(data).events
        n_before = int(events.timestamps.searchsorted(moments.max()))
        assert sum(last.column("n_events").to_pylist()) == n_before
        assert len(set(last.column(id_name).to_pylist())) == last.num_rows


def test_data_without_items_or_values_will_do(tmp_path: Path) -> None:
    write_data(tmp_path, data_of([Interaction("u", "nowhere", float(n) * DAY_S) for n in range(100)]).events)
    told = build(tmp_path / "features", tmp_path, LabSettings())
    table = read_table(tmp_path / "features/users")
    assert told["n_moments"] == 4
    assert set(table.column("main_category").to_pylist()) == {None}
    numbers = [table.column(name).to_numpy() for name in table.column_names if name.startswith("n_")]
    assert np.isfinite(np.array(numbers, float)).all()
