"""Rows of items that are gone get new owners once no table names them."""

from pathlib import Path

import numpy as np

from streamrec.domain.rows.id_map import IdMap
from streamrec.domain.rows.marked_rows import GoneRows
from streamrec.learning.state.leaving_items import LeavingItems
from tests.builders import World, events

N_LINES = 100_000


class Table:
    """Lines that name rows, and those that were gone through."""

    def __init__(self) -> None:
        self.gone = GoneRows(lambda: N_LINES, self.clear)
        self.n_cleared = 0

    def clear(self, lines: np.ndarray, is_gone: np.ndarray) -> np.ndarray:
        assert is_gone.any()
        self.n_cleared += len(lines)
        return lines[:1]


def test_a_row_waits_for_a_whole_pass_that_begins_after_it_was_forgotten() -> None:
    ids, leaving, tables = IdMap("abc"), LeavingItems(), [Table(), Table()]

    def forget(item_id: str) -> None:
        rows = np.array([ids.withdraw(item_id)])
        for table in tables:
            table.gone.mark(rows)
        leaving.add(rows)

    def go_on() -> list[int]:
        return [int(rows[0]) for rows in leaving.go_on([t.gone for t in tables], ids) if rows is not None]

    assert go_on() == []
    forget("b")
    first = go_on()
    assert len(first) == 2
    forget("a")
    assert ids.add("d") == 3  # neither of the two that are gone
    n_rounds = 1
    while ids.n_rows == len(ids) + 2:
        go_on()
        n_rounds += 1
        if not tables[0].gone.is_marked[1]:
            break
    assert 60 < n_rounds < 70
    assert [table.n_cleared for table in tables] == [N_LINES, N_LINES]
    assert ids.add("e") == 1
    assert ids.add("f") == 4  # the row of "a" is still waited for
    while leaving:
        go_on()
    assert [table.n_cleared for table in tables] == [2 * N_LINES, 2 * N_LINES]
    assert ids.add("g") == 0
    assert not any(table.gone for table in tables)


def test_whoever_gets_the_row_of_a_deleted_item_has_nothing_of_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.send(*events(*[(f"u{n}", item_id) for n in range(5) for item_id in ("a", "gone", "b")]))
    trainer = world.trainer()
    trainer.step()
    state = trainer.state
    row = state.item_ids.row("gone")
    world.command("item_deleted", "gone")
    trainer.step(3)
    world.send(*events(("v", "next")))
    trainer.step()
    assert state.item_ids.row("next") == row
    users = state.user_ids.rows_of([f"u{n}" for n in range(5)])
    assert not any(row in history for history in state.learner.recent_items(users, 50))
    assert row not in state.learner.model.context.last(users)[0]
    others = state.item_ids.rows_of(["a", "b"])
    for counted in (state.covisitation.neighbours(others, 10), state.same_day.neighbours(others, 10)):
        assert row not in counted.rows
    assert not (state.same_day.neighbours(np.array([row]), 10).counts > 0).any()
