import random

import pytest
from structlog.testing import capture_logs

from streamrec.shadow.busiest_user import BusiestUser


def sent(busiest: BusiestUser, users: list[str], batch: int = 64, n_users: int = 1000) -> int | None:
    """Note events of users; return after how many of them it was said that one sends too many."""
    for first in range(0, len(users), batch):
        with capture_logs() as said:
            busiest.note(users[first : first + batch], n_users)
        if said:
            assert [line["event"] for line in said] == ["one_user_sends_much"]
            return first + batch
    return None


def people(n: int, seed: int, n_users: int = 1000) -> list[str]:
    chance = random.Random(seed)
    return [f"u{int(n_users * chance.random() ** 2)}" for _ in range(n)]


@pytest.mark.parametrize("batch", [1, 64, 1024])
def test_a_robot_with_a_third_of_all_events_is_found_within_5000_of_them(batch: int) -> None:
    busiest = BusiestUser()
    assert sent(busiest, people(20_000, 1), batch) is None
    chance = random.Random(2)
    mixed = ["robot" if chance.random() < 1 / 3 else user for user in people(5000, 3)]
    found = sent(busiest, mixed, batch)
    assert found is not None
    assert found <= 5000


def test_a_burst_of_one_user_is_found_within_a_thousand_events_and_is_over_afterwards() -> None:
    busiest = BusiestUser()
    sent(busiest, people(20_000, 1))
    found = sent(busiest, ["stuck"] * 2000)
    assert found is not None
    assert found <= 1024
    assert busiest.gauges()["one_user_sends_much"] == 1.0
    sent(busiest, people(10_000, 2))
    assert busiest.gauges()["one_user_sends_much"] == 0.0


def test_people_who_do_much_in_one_go_are_no_robots() -> None:
    busiest = BusiestUser()
    users = [f"u{number // 700}" for number in range(70_000)]
    assert sent(busiest, users) is None
    assert busiest.share < 0.2


def test_of_few_users_one_may_send_most() -> None:
    assert sent(BusiestUser(), ["me"] * 5000, n_users=3) is None


@pytest.mark.parametrize("batch", [1, 7, 1024])
def test_the_counts_of_a_few_tell_the_share_to_a_33rd(batch: int) -> None:
    busiest = BusiestUser()
    chance = random.Random(4)
    sent(busiest, ["robot" if chance.random() < 0.15 else user for user in people(30_000, 5)], batch)
    assert 0.15 - 1 / 33 - 0.01 < busiest.share < 0.17


def test_who_is_erased_is_not_counted_any_more() -> None:
    busiest = BusiestUser()
    sent(busiest, ["robot"] * 1000)
    busiest.forget(["robot", "unknown"])
    assert busiest.share == 0.0
