"""The trainer's report of itself, and the points that wait for a cache that is away."""

from streamrec.domain.status.point import RINGS, StatusPoint, decode_points
from streamrec.domain.status.sampling import StatusSampling
from streamrec.errors import InvalidEvent
from streamrec.ports import Record
from streamrec.process.decoding import InvalidRecord
from streamrec.publishing.status_report import StatusReporting


def noted(reporting: StatusReporting, first: int, last: int) -> None:
    for second in range(first, last):
        reporting.note({"n_events": 10.0 * second, "lag_s": 1.0}, float(second))


def starts(points: list[StatusPoint] | tuple[StatusPoint, ...]) -> list[tuple[int, int]]:
    return [(point.interval_s, point.at) for point in points]


def test_points_that_the_cache_did_not_take_are_handed_over_again() -> None:
    reporting = StatusReporting("g1", 0.0)
    noted(reporting, 0, 21)
    assert starts(list(reporting.take(0, 21.0).points)) == [(10, 0), (10, 10)]
    noted(reporting, 21, 31)
    assert starts(list(reporting.take(1, 31.0).points)) == [(10, 0), (10, 10), (10, 20)]
    noted(reporting, 31, 61)
    assert starts(list(reporting.take(1, 61.0).points)) == [(10, 30), (10, 40), (10, 50), (60, 0)]
    assert reporting.take(1, 62.0).points == []


def test_no_more_wait_than_an_hour_has() -> None:
    reporting = StatusReporting("g1", 0.0)
    for minute in range(3000):
        reporting.note({"n_events": 1.0}, 60.0 * minute)
    waiting = list(reporting.take(0, 0.0).points)
    assert len(waiting) == 400
    assert waiting[-1].at == 60 * 2998
    assert list(reporting.take(1, 0.0).points) == waiting


def rejected(reason: str, message: str, *, is_void: bool = False) -> InvalidRecord:
    record = Record("interactions", 0, 1, "key", b"", 0.0)
    return InvalidRecord(record, InvalidEvent(reason, message), is_void)


def test_messages_about_records_go_once_somebody_is_erased() -> None:
    reporting = StatusReporting("g1", 5.0)
    reporting.note_rejected([rejected("bad_id", "user_id: 'x' " + "y" * 1000), rejected("empty", "")], 7.0)
    reporting.note_rejected([rejected("bad_id", "the last")], 8.0)
    report = reporting.take(0, 9.0).report
    assert [(one.reason, one.n, one.message, one.last_at) for one in report.rejected] == [
        ("bad_id", 2, "the last", 8.0),
        ("empty", 1, "", 7.0),
    ]
    reporting.note_rejected([rejected("bad_id", "of the erased", is_void=True)], 9.0)
    reporting.forget_messages()
    assert {(one.reason, one.n, one.message) for one in reporting.take(0, 9.0).report.rejected} == {
        ("bad_id", 3, ""),
        ("empty", 1, ""),
    }


def test_a_clock_that_jumps_makes_no_figures_up() -> None:
    sampling = StatusSampling()
    sampling.note(1000.0, {"n_events": 0.0, "n_rejected": 0.0})
    assert sampling.note(1005.0, {"n_events": 50.0, "n_rejected": 2.0}) == []
    back = sampling.note(400.0, {"n_events": 90.0, "n_rejected": 2.0})
    assert [(point.at, point.values["events_per_s"], point.values["rejected"]) for point in back] == [
        (1000, 10.0, 2.0),
        (960, 10.0, 2.0),
    ]
    # What came while the clock was set back counts nowhere: nobody knows how long that took.
    (ten, _) = sampling.note(10_000.0, {"n_events": 90.0, "n_rejected": 2.0})
    assert (ten.at, "events_per_s" in ten.values) == (400, False)


def test_a_restart_begins_with_what_it_finds() -> None:
    sampling = StatusSampling()
    sampling.note(0.0, {"n_events": 1e6})
    (point,) = sampling.note(10.0, {"n_events": 1e6 + 5})
    assert "events_per_s" not in point.values  # one look says nothing of a rate


def test_damaged_points_are_one_gap_each() -> None:
    ring = RINGS["10s"]
    good = b'[10,20,{"lag_s":1.0}]'
    bad = [b"", b"\xff", b"[]", b'[10,20,{"lag_s":"x"}]', b"[" * 100_000, b"[60,20,{}]", b"[10,-20,{}]"]
    assert decode_points(ring, [(2, good), *((2, payload) for payload in bad), (3, good)]) == [
        StatusPoint(10, 20, {"lag_s": 1.0})
    ]
