import os
import time
from pathlib import Path

import numpy as np
import pytest

from streamrec.errors import CorruptArtifact, Unavailable, UnsoundModel
from streamrec.process.forked import Forked


def test_work_is_done_on_the_memory_as_it_was(tmp_path: Path) -> None:
    numbers = np.zeros(1000)

    def work() -> None:
        deadline = time.monotonic() + 60
        while not (tmp_path / "changed").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        (tmp_path / "sum").write_text(str(numbers.sum()))

    forked = Forked(work)
    numbers[:] = 1
    assert not forked.is_done()
    (tmp_path / "changed").touch()
    forked.result()
    assert (tmp_path / "sum").read_text() == "0.0"


def failing(error: BaseException) -> Forked:
    def work() -> None:
        raise error

    return Forked(work)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UnsoundModel("row 3"), UnsoundModel),
        (Unavailable("row 3"), Unavailable),
        (CorruptArtifact("row 3"), Unavailable),
        (ValueError("row 3"), Unavailable),
        (SystemExit("row 3"), Unavailable),
    ],
)
def test_what_the_work_failed_of_is_raised(error: BaseException, expected: type[Exception]) -> None:
    with pytest.raises(expected, match="row 3"):
        failing(error).result()


def test_work_that_takes_too_long_is_ended() -> None:
    with pytest.raises(Unavailable, match="ended with -9"):
        Forked(lambda: time.sleep(3600), most_s=0.1).result()


def test_work_that_is_not_wanted_any_more_is_ended(tmp_path: Path) -> None:
    forked = Forked(lambda: time.sleep(3600))
    forked.end()
    assert forked.is_done()
    forked.end()


def test_files_of_this_process_are_closed_in_the_other(tmp_path: Path) -> None:
    with open(tmp_path / "file", "w") as file:
        number = file.fileno()
        with pytest.raises(Unavailable, match="Bad file descriptor"):
            Forked(lambda: os.fstat(number)).result()
        os.fstat(number)
