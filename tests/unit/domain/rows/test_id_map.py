import pytest

from streamrec.domain.rows.id_map import IdMap


def test_an_id_keeps_its_row() -> None:
    ids = IdMap()
    first = ids.rows_of(["a", "b", "a", "c"], add=True)
    assert first.tolist() == [0, 1, 0, 2]
    assert ids.rows_of(["c", "b", "a"], add=True).tolist() == [2, 1, 0]


def test_an_unknown_id_gets_no_row_unless_asked() -> None:
    ids = IdMap(["a"])
    assert ids.rows_of(["x", "a"]).tolist() == [-1, 0]
    assert "x" not in ids


def test_a_released_row_is_given_out_again_and_no_other() -> None:
    ids = IdMap(["a", "b", "c"])
    assert ids.release("b") == 1
    assert (ids.row("b"), len(ids), ids.n_rows) == (-1, 2, 3)
    assert ids.rows_of(["a", "new", "newer"], add=True).tolist() == [0, 1, 3]


def test_survives_being_written_down() -> None:
    ids = IdMap(["a", "b", "c"])
    ids.release("a")
    restored = IdMap(ids.by_row())
    assert restored.by_row() == [None, "b", "c"]
    assert restored.add("d") == 0


def test_releasing_an_unknown_id_is_an_error() -> None:
    with pytest.raises(KeyError):
        IdMap().release("x")


def test_a_torn_map_is_refused() -> None:
    with pytest.raises(ValueError, match="two rows"):
        IdMap(["a", "a"])
