import os
import sys

import numpy as np
import pytest
import torch

from streamrec.domain.rows import growing
from streamrec.domain.rows.growing import grown, roomy

N_ROWS = growing._LARGE_BYTES // 256 + 1
"""Rows of 64 float32 that make a large table."""

needs_room = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all tables are copied")


@needs_room
def test_a_large_table_is_not_copied_when_it_grows() -> None:
    table = grown(np.zeros((0, 64), np.float32), N_ROWS)
    table[:] = np.arange(64)
    longer = grown(table, N_ROWS + 1, fill=-1)
    assert longer.ctypes.data == table.ctypes.data
    assert N_ROWS < len(longer) <= N_ROWS + growing.rows_of_a_step(table)
    np.testing.assert_array_equal(longer[:N_ROWS], table)
    assert (longer[N_ROWS:] == -1).all()


@needs_room
def test_a_table_that_outgrows_its_room_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "_ROOM_BYTES", 2 * N_ROWS * 256)
    table = grown(np.zeros((0, 64), np.float32), N_ROWS, fill=7)
    longer = grown(table, 3 * N_ROWS, fill=8)
    assert longer.ctypes.data != table.ctypes.data
    assert (longer[:N_ROWS] == 7).all()
    assert (longer[N_ROWS:] == 8).all()


def test_new_rows_are_filled_where_rows_were_before() -> None:
    table = grown(np.zeros((0, 64), np.float32), N_ROWS, fill=7)
    assert (grown(table[:10], N_ROWS, fill=8)[10:] == 8).all()


def test_a_part_that_is_not_the_beginning_does_not_grow_into_what_follows_it() -> None:
    table = grown(np.zeros((0, 64), np.float32), 2 * N_ROWS, fill=7)
    longer = grown(table[1 : N_ROWS + 1], N_ROWS + 2, fill=8)
    longer[:] = 9
    assert (table == 7).all()


def test_a_table_that_was_stored_is_copied_once_into_its_room() -> None:
    stored = np.full((N_ROWS, 64), 3, np.float32)
    table = roomy(stored)
    table[0] = 4
    assert (stored == 3).all()
    if sys.platform == "linux":
        assert grown(table, N_ROWS + 1).ctypes.data == table.ctypes.data


@needs_room
def test_a_process_forked_off_keeps_what_stood_there_then() -> None:
    table = grown(np.zeros((0, 64), np.float32), N_ROWS, fill=7)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.read(reading, 1)
        os._exit(0 if (table == 7).all() else 1)
    table[:] = 8
    os.write(writing, b"-")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(reading)
    os.close(writing)


def test_an_array_over_the_memory_of_something_else_grows_too() -> None:
    assert grown(np.frombuffer(b"ab", np.uint8), 3).tolist() == [97, 98, 0]
    assert grown(torch.ones(2).numpy(), 3).tolist() == [1, 1, 0]
