"""Ranks of predicted events are kept over a restart, few of them, and never at the cost of the stream."""

from pathlib import Path

import pytest

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.ranking.metrics import MISS
from streamrec.shadow.evaluation_sample import number_of_event
from streamrec.shadow.predicted_events import PredictedEvents

EVENTS = [Interaction(f"u{n}", "<i>", float(n)) for n in range(8)]


def test_the_newest_are_kept_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "g1" / "predicted.npy"
    predicted = PredictedEvents(path, most=5)
    for rank, event in enumerate(EVENTS):
        predicted.note(event, rank)
    predicted.note(EVENTS[3], MISS)  # again, after a crash: it is the newest now
    predicted.save()
    again = PredictedEvents(path, most=5)
    assert list(again.ranks().items()) == [
        *((number_of_event(EVENTS[n]), n) for n in (4, 5, 6, 7)), (number_of_event(EVENTS[3]), MISS),
    ]  # fmt: skip
    again.note(Interaction("new", "i", 0.0), 1)
    assert len(again.ranks()) == 5


def test_it_is_written_now_and_then_whatever_the_clock_does(tmp_path: Path) -> None:
    path = tmp_path / "predicted.npy"
    predicted = PredictedEvents(path)
    written = []
    for event, now in zip(EVENTS, (1000.0, 1001.0, 1029.0, 1031.0, 2.0, 3.0, 1e9, 1e9 + 1), strict=True):
        predicted.note(event, 0)
        predicted.save_if_due(now)
        written.append(len(PredictedEvents(path).ranks()))
    assert written == [1, 1, 1, 4, 5, 5, 7, 7]


@pytest.mark.parametrize("spoiled", [b"", b"\x93NUMPY", b"{}", b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'}"])
def test_a_file_that_cannot_be_read_counts_as_empty(tmp_path: Path, spoiled: bytes) -> None:
    path = tmp_path / "predicted.npy"
    path.write_bytes(spoiled)
    assert PredictedEvents(path).ranks() == {}


def test_a_disk_that_takes_nothing_costs_the_figures_alone(tmp_path: Path) -> None:
    (tmp_path / "g1").write_text("a file where the folder should be")
    predicted = PredictedEvents(tmp_path / "g1" / "predicted.npy")
    predicted.note(EVENTS[0], 0)
    predicted.save()
    assert len(predicted.ranks()) == 1
