"""What the last items of a user speak for."""

import numpy as np
import pytest

from streamrec.domain.popularity.recency import AGE_DECAY, again, distinct_newest_first, visited_with
from tests.builders import near

RECENT = ["a", "b", "a", "c", "b"]


def test_a_history_has_each_item_at_its_newest_position() -> None:
    assert distinct_newest_first(RECENT, 9) == ["b", "c", "a"]
    assert distinct_newest_first(RECENT, 2) == ["b", "c"]
    assert distinct_newest_first([], 2) == []


def test_scores_are_the_sum_over_the_history_written_out() -> None:
    neighbours = {
        "new": near(("x", 0.5, 9.0, 0.1), ("y", 0.25, 9.0, 0.0)),
        "old": near(("y", 0.75, 9.0, 0.5), ("x", 0.125, 9.0, 0.0)),
    }
    # What has no neighbours takes its age all the same.
    ids, together, after = visited_with(["new", "unknown", "old"], neighbours)
    faded = AGE_DECAY**2
    assert dict(zip(ids, together, strict=True)) == pytest.approx(
        {"x": 0.5 + 0.125 * faded, "y": 0.25 + 0.75 * faded}
    )
    assert dict(zip(ids, after, strict=True)) == pytest.approx({"x": 0.1, "y": 0.5 * faded})


def test_nothing_visited_or_nothing_near_is_nothing() -> None:
    for history, neighbours in (([], {}), (["a"], {}), (["a"], {"a": near()})):
        ids, together, after = visited_with(history, neighbours)
        assert (ids, together.tolist(), after.tolist()) == ([], [], [])


def test_what_was_chosen_often_and_lately_comes_again() -> None:
    scores = again(RECENT)
    assert sorted(scores, key=lambda item_id: -scores[item_id]) == ["b", "a", "c"]
    once = again([*RECENT, "d"])
    assert once["d"] == 1
    assert np.allclose([once[item_id] / scores[item_id] for item_id in scores], 0.95)
    assert again([]) == {}
