"""Team draft: what comes out is a list, fair to every team."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamrec.domain.experiments.interleaving import credit_of, team_draft

rankings = st.lists(st.lists(st.integers(0, 12), unique=True, max_size=10), min_size=1, max_size=5)


@given(lists=rankings, k=st.integers(0, 30), seed=st.text())
def test_every_item_is_of_its_team_and_stands_once(lists: list[list[int]], k: int, seed: str) -> None:
    drafted = team_draft(lists, k, seed)

    assert len(set(drafted.items)) == len(drafted.items) == len(drafted.teams)
    assert len(drafted.items) == min(k, len(set().union(*lists)))
    for team, ranked in enumerate(lists):
        own = [item for item, of in zip(drafted.items, drafted.teams, strict=True) if of == team]
        assert own == [item for item in ranked if item in own]
    assert team_draft(lists, k, seed) == drafted


@given(lists=rankings, seed=st.integers())
def test_no_team_is_a_whole_turn_ahead(lists: list[list[int]], seed: int) -> None:
    teams = team_draft(lists, 30, seed).teams
    still_drawing = set(range(len(lists)))
    for first in range(0, len(teams), len(lists)):
        turn = Counter(teams[first : first + len(lists)])
        still_drawing &= turn.keys()
        if len(still_drawing) == len(lists):
            assert max(turn.values()) == 1


def test_lists_that_are_the_same_get_the_same_credit() -> None:
    ranked = list(range(10))
    drawn = Counter(team for seed in range(2000) for team in team_draft([ranked] * 3, 10, seed).teams)
    # 2,000 lists of 3 rounds and one item more: only the last is by chance, 667 of each team; 4 sd are 85.
    assert all(abs(drawn[team] - 20_000 / 3) < 85 for team in range(3))


def test_the_first_position_is_shared_out_evenly() -> None:
    first = Counter(team_draft([["a"], ["b"]], 1, f"request {number}").teams[0] for number in range(2000))
    assert abs(first[0] - 1000) < 90  # 4 sd


def test_seeds_of_all_kinds_decide() -> None:
    lists = [[*"abcdef"], [*"ghijkl"]]
    for seed in ("ü/" * 200, b"\xff\x00", 2**70, ""):
        assert team_draft(lists, 6, seed) == team_draft(lists, 6, seed)
    assert len({tuple(team_draft(lists, 6, str(number)).items) for number in range(50)}) > 5


def test_a_click_on_a_position_that_was_not_shown_is_an_error() -> None:
    with pytest.raises(IndexError):
        credit_of([0, 1], [2], n_teams=2)
