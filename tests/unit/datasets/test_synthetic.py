from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from streamrec.datasets.open_dataset import open_dataset
from streamrec.datasets.synthetic import CHUNK, EVENT_TYPES, EventBlock, SyntheticStream
from streamrec.datasets.synthetic_events import synthetic_events, write_synthetic
from streamrec.errors import InvalidDataset

STREAM = SyntheticStream(200_000, n_users=500, n_items=2_000, seed=7, n_clusters=10)


def whole(stream: SyntheticStream, block_size: int = CHUNK) -> EventBlock:
    blocks = list(stream.blocks(block_size))
    names = ("users", "items", "timestamps", "types", "values")
    return EventBlock(0, *(np.concatenate([getattr(b, name) for b in blocks]) for name in names))


@pytest.fixture(scope="module")
def events() -> EventBlock:
    return whole(STREAM)


def cluster_shares(items: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.bincount(items % STREAM.n_clusters, minlength=STREAM.n_clusters) / len(items)


@pytest.mark.parametrize("block_size", [997, 65_536, 10**9])
def test_the_stream_does_not_depend_on_the_size_of_the_blocks(events: EventBlock, block_size: int) -> None:
    again = whole(STREAM, block_size)
    for name in ("users", "items", "timestamps", "types", "values"):
        np.testing.assert_array_equal(getattr(again, name), getattr(events, name))


def test_blocks_say_where_they_stand() -> None:
    firsts = [(block.first, len(block)) for block in replace(STREAM, n_events=70_000).blocks(40_000)]
    assert firsts == [(0, 40_000), (40_000, 25_536), (65_536, 4_464)]


def test_another_seed_is_another_stream(events: EventBlock) -> None:
    other = whole(replace(STREAM, seed=8))
    assert (other.items == events.items).mean() < 0.1


def test_time_never_falls_and_fills_the_duration(events: EventBlock) -> None:
    assert (np.diff(events.timestamps) >= 0).all()
    assert STREAM.start <= events.timestamps[0] < STREAM.start + 60
    assert events.timestamps[-1] - STREAM.start == pytest.approx(STREAM.duration_s, rel=0.001)


def test_popularity_falls_with_rank_by_the_power_asked_for() -> None:
    for exponent in (0.5, 0.9, 1.3):
        drawn = whole(replace(STREAM, item_exponent=exponent, n_clusters=1))
        # The second half of the stream: by then the head has long been there.
        counts = np.bincount(drawn.items[100_000:], minlength=STREAM.n_items)
        # Geometric bins of ranks: 3-10, 10-31, 31-100, in which the items' ages hardly differ.
        mass = [counts[low:high].mean() for low, high in ((3, 10), (10, 31), (31, 100))]
        slope = np.polyfit(np.log([5.5, 17.6, 55.7]), np.log(mass), 1)[0]
        assert slope == pytest.approx(-exponent, abs=0.15)


def test_a_small_part_of_users_makes_a_large_part_of_events(events: EventBlock) -> None:
    counts = np.sort(np.bincount(events.users, minlength=STREAM.n_users))[::-1]
    assert counts[:50].sum() / counts.sum() > 0.3  # a tenth of the users; even shares would be .1


def test_new_users_and_items_come_all_the_time(events: EventBlock) -> None:
    n_slices = 10
    for numbers, least in ((events.users, 20), (events.items, 100)):
        first_seen = np.unique(numbers, return_index=True)[1]
        per_slice = np.bincount(first_seen * n_slices // STREAM.n_events, minlength=n_slices)
        assert (per_slice >= least).all(), per_slice
        assert per_slice.sum() > 0.95 * numbers.max()  # hardly anyone never shows up


def test_nobody_acts_before_coming(events: EventBlock) -> None:
    position = np.arange(STREAM.n_events)
    assert (events.users < STREAM.n_arrived(STREAM.n_users, position)).all()
    assert (events.items < STREAM.n_arrived(STREAM.n_items, position)).all()
    assert STREAM.n_arrived(STREAM.n_items, np.array([STREAM.n_events - 1])).item() == STREAM.n_items


def test_new_items_get_attention(events: EventBlock) -> None:
    n_there = STREAM.n_arrived(STREAM.n_items, np.arange(STREAM.n_events))
    is_new = events.items >= 0.95 * n_there
    assert is_new.mean() > 0.05  # the power law alone would leave the youngest 5 % some .01


def test_tastes_are_narrow_and_drift(events: EventBlock) -> None:
    likes = events.types != EVENT_TYPES.index("dislike")
    drifts = []
    for user in np.argsort(-np.bincount(events.users))[:30]:
        mine = np.flatnonzero((events.users == user) & likes)
        parts = np.array_split(mine, 20)
        start, soon, end = (cluster_shares(events.items[parts[n]]) for n in (0, 6, 19))
        assert np.sort(start)[-3:].sum() > 0.7  # three neighbouring clusters of ten hold most
        drifts.append((np.abs(soon - start).sum() / 2, np.abs(end - start).sum() / 2))
    soon_shift, end_shift = np.mean(drifts, axis=0)
    assert end_shift > 0.5  # in the end most users choose elsewhere
    assert end_shift > soon_shift  # and they got there on foot


def test_without_drift_tastes_stay() -> None:
    drawn = whole(replace(STREAM, drift=0.0))
    shifts = []
    for user in np.argsort(-np.bincount(drawn.users))[:30]:
        mine = np.flatnonzero((drawn.users == user) & (drawn.types == 0))
        start, end = (cluster_shares(drawn.items[part]) for part in (mine[:200], mine[-200:]))
        shifts.append(np.abs(end - start).sum() / 2)
    assert np.mean(shifts) < 0.2


def test_dislikes_fall_away_from_the_taste_and_have_no_value(events: EventBlock) -> None:
    dislike = events.types == EVENT_TYPES.index("dislike")
    assert 0.01 < dislike.mean() < 0.04
    assert np.isnan(events.values[dislike]).all()
    assert (events.values[~dislike] >= 0).all()
    user = np.bincount(events.users).argmax()
    mine = events.users == user
    early = np.arange(len(mine)) < 40_000
    liked = cluster_shares(events.items[mine & early & ~dislike]).argmax()
    disliked = cluster_shares(events.items[mine & early & dislike]).argmax()
    apart = abs(int(liked) - int(disliked))
    assert min(apart, STREAM.n_clusters - apart) >= 3


def test_fewer_items_than_clusters() -> None:
    drawn = whole(SyntheticStream(5_000, n_users=1, n_items=3, n_clusters=20))
    assert set(drawn.items.tolist()) == {0, 1, 2}
    assert set(drawn.users.tolist()) == {0}


def test_items_carry_their_cluster() -> None:
    items = list(STREAM.items())
    assert len(items) == STREAM.n_items
    assert (items[13].item_id, items[13].categories) == ("i13", ("cluster-3",))


def test_what_can_not_be_drawn_is_refused() -> None:
    for wrong in ({"n_events": 0}, {"n_items": 0}, {"duration_s": 0.0}, {"item_exponent": 1.0}):
        with pytest.raises(InvalidDataset):
            replace(STREAM, **wrong)


@pytest.mark.parametrize("name", ["syn.csv", "syn.csv.gz", "syn.jsonl", "syn.jsonl.gz", "syn.parquet"])
def test_a_written_stream_reads_back_as_the_one_in_memory(name: str, tmp_path: Path) -> None:
    stream = replace(STREAM, n_events=3_000)
    told: list[int] = []
    write_synthetic(stream, tmp_path / name, told.append)
    read, wanted = open_dataset(tmp_path / name), synthetic_events(stream)
    assert [(e.user_id, e.item_id, e.timestamp, e.type, e.value) for e in read] == [
        (e.user_id, e.item_id, e.timestamp, e.type, e.value) for e in wanted
    ]
    assert list(read.catalog) == list(wanted.catalog)
    assert told == [3_000]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "syn.items.jsonl"])


def test_in_memory_streams_differ_in_hash_and_ids_when_they_differ() -> None:
    small = replace(STREAM, n_events=100)
    one, two = synthetic_events(small), synthetic_events(replace(small, n_users=501))
    assert one.content_hash != two.content_hash
    assert not set(one.event_ids()) & set(two.event_ids())
    assert one.event_ids() == synthetic_events(small).event_ids()
