import numpy as np

from streamrec.domain.ranking.prequential import Events
from streamrec.evaluation.segments import segments


def stream() -> Events:
    random = np.random.default_rng(0)
    n = 300
    items = np.minimum(random.integers(0, 40, n), np.arange(n) // 4)
    return Events(random.integers(0, 30, n), items, np.arange(n, dtype=float), np.ones(n, np.float32))


def test_segments_are_those_of_counting_by_hand() -> None:
    events, start = stream(), 30
    users, items = events.user_rows.tolist(), events.item_rows.tolist()
    positions = np.arange(start, 300, 2)
    found = segments(events, start, positions, with_repeats=True)
    for n, position in enumerate(positions.tolist()):
        is_known = users[position] in users[:start]
        assert found["known_users"][n] == is_known
        assert found["cold_users_first_events"][n] == (
            not is_known and users[:position].count(users[position]) < 5
        )
        assert found["new_items"][n] == (items[:position].count(items[position]) <= 5)
        is_repeat = (users[position], items[position]) in zip(users[:position], items[:position], strict=True)
        assert found["repeat_targets"][n] == is_repeat
        assert found["new_targets"][n] == (not is_repeat)
    assert all(0 < is_in.sum() < len(positions) for is_in in found.values())


def test_without_repeats_nothing_is_said_of_them() -> None:
    found = segments(stream(), 30, np.arange(30, 300), with_repeats=False)
    assert list(found) == ["known_users", "cold_users_first_events", "new_items"]


def test_no_events_are_in_no_segment() -> None:
    nothing = Events(*(np.zeros(0, np.int64),) * 2, np.zeros(0), np.zeros(0, np.float32))
    assert segments(nothing, 0, np.zeros(0, np.int64), with_repeats=True)["repeat_targets"].shape == (0,)
