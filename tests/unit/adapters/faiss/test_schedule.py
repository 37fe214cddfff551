import pytest

from streamrec.adapters.faiss.schedule import EXACT_UP_TO, Schedule, Task

BUILT_AT = 4 * EXACT_UP_TO


@pytest.fixture
def built() -> Schedule:
    schedule = Schedule()
    schedule.note_build(n_rows=BUILT_AT, n_changes=BUILT_AT, n_probes=40)
    return schedule


@pytest.mark.parametrize(
    ("n_rows", "task"), [(0, Task.NOTHING), (EXACT_UP_TO, Task.NOTHING), (EXACT_UP_TO + 1, Task.BUILD)]
)
def test_lists_are_built_when_rows_are_many(n_rows: int, task: Task) -> None:
    assert Schedule().task(is_clustered=False, n_rows=n_rows, n_changes=n_rows) is task


@pytest.mark.parametrize(
    ("n_rows", "task"),
    [
        (BUILT_AT, Task.NOTHING),
        (2 * BUILT_AT, Task.NOTHING),
        (2 * BUILT_AT + 1, Task.BUILD),
        (BUILT_AT // 4, Task.NOTHING),
        (BUILT_AT // 4 - 1, Task.BUILD),
        (EXACT_UP_TO // 2 - 1, Task.FLATTEN),
    ],
)
def test_lists_are_built_anew_when_rows_have_become_more_or_fewer(
    built: Schedule, n_rows: int, task: Task
) -> None:
    assert built.task(is_clustered=True, n_rows=n_rows, n_changes=BUILT_AT) is task


def test_lists_are_tuned_when_a_quarter_has_changed_and_not_again_at_once(built: Schedule) -> None:
    n_changes = BUILT_AT + BUILT_AT // 4
    assert built.task(is_clustered=True, n_rows=BUILT_AT, n_changes=n_changes) is Task.NOTHING
    assert built.task(is_clustered=True, n_rows=BUILT_AT, n_changes=n_changes + 1) is Task.TUNE
    built.note_tuning(n_changes + 1, took_s=0.0)
    assert built.task(is_clustered=True, n_rows=BUILT_AT, n_changes=n_changes + 2) is Task.NOTHING


def test_tuning_takes_a_twentieth_of_the_time_at_most() -> None:
    now = 100.0
    schedule = Schedule(clock=lambda: now)
    schedule.note_build(n_rows=BUILT_AT, n_changes=0, n_probes=40)
    schedule.note_tuning(BUILT_AT, took_s=1.0)
    now = 119.0
    assert schedule.task(is_clustered=True, n_rows=BUILT_AT, n_changes=9 * BUILT_AT) is Task.NOTHING
    assert schedule.task(is_clustered=True, n_rows=9 * BUILT_AT, n_changes=9 * BUILT_AT) is Task.BUILD
    now = 120.0
    assert schedule.task(is_clustered=True, n_rows=BUILT_AT, n_changes=9 * BUILT_AT) is Task.TUNE


def test_lists_are_strained_when_twice_as_many_must_be_looked_at(built: Schedule) -> None:
    assert not built.is_strained(80)
    assert built.is_strained(81)
