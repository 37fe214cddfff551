"""What a blend is told of who asks."""

import pytest

from streamrec.domain.ranking.user_columns import NAMES, Asker, described


def told(asker: Asker) -> dict[str, float]:
    return dict(zip(NAMES, described(asker).tolist(), strict=True))


def test_a_pause_a_burst_and_a_sitting_are_told_apart() -> None:
    in_burst = told(Asker(9, ages_s=(0.0, 0.0, 100.0, 1e6), scale_s=150.0))
    after_pause = told(Asker(9, ages_s=(400.0, 401.0), scale_s=150.0))
    assert (in_burst["is_burst"], in_burst["pause"]) == (1, 0)
    assert in_burst["sitting"] == pytest.approx(3 / 20)
    assert (after_pause["is_burst"], after_pause["sitting"]) == (0, 0)
    assert 0 < after_pause["pause"] < told(Asker(9, ages_s=(4e5,)))["pause"] < 3


def test_a_sitting_is_as_long_as_the_streams_scale() -> None:
    ages_s = (100.0, 200.0, 300.0)
    assert [
        round(told(Asker(9, ages_s=ages_s, scale_s=scale_s))["sitting"] * 20)
        for scale_s in (30.0, 150.0, 1e5)
    ] == [0, 1, 3]


def test_of_unknown_times_nothing_is_told() -> None:
    unknown = told(Asker(9))
    assert unknown["pause"] == unknown["is_burst"] == unknown["sitting"] == 0


@pytest.mark.parametrize(
    ("n_events", "expected"), [(0, (1, 1)), (1, (1, 1)), (2, (1, 0)), (4, (1, 0)), (5, (0, 0))]
)
def test_new_users_are_marked(n_events: int, expected: tuple[int, int]) -> None:
    found = told(Asker(n_events))
    assert (found["is_cold"], found["is_second"]) == expected
