"""The made-up streams have the habits that they are made for."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality.made_up import MADE_UP, N_EVENTS, Rows, write_made_up
from streamrec.datasets.open_dataset import open_dataset


@pytest.fixture(scope="module")
def streams() -> dict[str, Rows]:
    return {name: draw(np.random.default_rng(42)) for name, draw in MADE_UP.items()}


def repeats(rows: Rows) -> float:
    return 1 - len({(user, item) for user, item, _ in rows}) / len(rows)


@pytest.mark.parametrize("name", MADE_UP)
def test_streams_are_in_order_and_drawn_by_their_seed(name: str, streams: dict[str, Rows]) -> None:
    seconds = [second for _, _, second in streams[name]]
    assert len(seconds) >= N_EVENTS
    assert seconds == sorted(seconds)
    assert MADE_UP[name](np.random.default_rng(42)) == streams[name]
    assert MADE_UP[name](np.random.default_rng(43)) != streams[name]


def test_news_are_read_once_and_soon(streams: dict[str, Rows]) -> None:
    rows = streams["made-up news"]
    assert repeats(rows) == 0
    first: dict[int, float] = {}
    ages_s = [second - first.setdefault(item, second) for _, item, second in rows]
    assert np.median(ages_s) < 6 * 3600
    assert len(first) > 500


def test_people_go_back_to_places(streams: dict[str, Rows]) -> None:
    assert 0.5 < repeats(streams["made-up check-ins"]) < 0.8


def test_writers_stay_at_their_page_half_of_the_time(streams: dict[str, Rows]) -> None:
    pages: dict[int, list[int]] = defaultdict(list)
    for user, item, _ in streams["made-up edits"]:
        pages[user].append(item)
    stays = [
        one == other for of_user in pages.values() for one, other in zip(of_user, of_user[1:], strict=False)
    ]
    assert np.mean(stays) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("name", MADE_UP)
def test_a_stream_is_read_as_it_was_drawn(name: str, streams: dict[str, Rows], tmp_path: Path) -> None:
    write_made_up(name, tmp_path / "stream.parquet")
    found = [
        (event.user_id, event.item_id, event.timestamp)
        for event in open_dataset(str(tmp_path / "stream.parquet"))
    ]
    assert found == [
        (f"u{user}", f"i{item}", 1_700_000_000.0 + second) for user, item, second in streams[name]
    ]
