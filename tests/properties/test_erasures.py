"""Whoever has a state is who sent something since the last erasure, whatever happened in between."""

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.erasure_system import ErasureSystem

USERS = ("u", "v", "w")

actions = st.one_of(
    st.tuples(st.just("send"), st.sampled_from(USERS)),
    st.tuples(st.just("send"), st.sampled_from(USERS)),
    st.tuples(st.just("erase"), st.sampled_from((*USERS, "never seen"))),
    st.tuples(st.sampled_from(["read", "crash", "checkpoint", "generation", "replay"]), st.just("")),
)


def hold_for(steps: list[tuple[str, str]]) -> None:
    """Take steps, and compare with the truth after each time that all was read."""
    with tempfile.TemporaryDirectory() as folder:
        system = ErasureSystem(Path(folder))
        try:
            _take(system, [*steps, ("read", "")])
        finally:
            system.close()


def _take(system: ErasureSystem, steps: list[tuple[str, str]]) -> None:
    truth: Counter[str] = Counter()
    system.start()
    for step, user in steps:
        if step == "send":
            system.send((user, f"i{system.n_sent % 5}"))
            truth[user] += 1
        elif step == "erase":
            system.erase(user)
            truth.pop(user, None)
        elif step == "read":
            system.catch_up()
            assert system.learned() == system.published(*USERS) == truth
        elif step == "crash":
            system.crash()
            system.start()
        elif step == "checkpoint":
            system.opened.loop.checkpoint()
        elif step == "replay":
            system.stop()
            system.start("earliest")
        else:
            system.stop()
            system.begin_generation()
            system.start()


@given(st.lists(actions, min_size=3, max_size=14))
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_users_with_a_state_are_those_of_the_truth(steps: list[tuple[str, str]]) -> None:
    hold_for(steps)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@given(st.lists(actions, min_size=5, max_size=40))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_users_with_a_state_are_those_of_the_truth_over_long_courses(steps: list[tuple[str, str]]) -> None:
    hold_for(steps)
