"""Work in a process of its own: its result and what it raises come back, and so does its end."""

import os
from importlib import import_module

import pytest

from lab.training.work_apart import Timed, done_apart
from streamrec.errors import ConfigurationError, InvalidInput, Unavailable


def refuse(why: str) -> None:
    raise InvalidInput(why)


def test_the_result_comes_from_another_process() -> None:
    assert done_apart("asking", os.getpid) not in {0, os.getpid()}


def test_what_it_raises_is_raised_here() -> None:
    with pytest.raises(InvalidInput, match="too little"):
        done_apart("refusing", refuse, "too little")


def test_a_killed_process_is_told_by_its_work() -> None:
    with pytest.raises(Unavailable, match="training als: its process was killed"):
        done_apart("training als", os._exit, 9)


def test_a_missing_library_is_named_with_what_installs_it() -> None:
    with pytest.raises(
        ConfigurationError, match=r"training als needs no_such_library: pip install -r requirem"
    ):
        done_apart("training als", import_module, "no_such_library")


def test_costs_are_those_since_the_start() -> None:
    timed = Timed()
    sum(range(200_000))
    cost = timed.cost()
    assert 0 < cost.cpu_s < 60
    assert cost.wall_s > 0
    assert cost.peak_bytes > 1_000_000
