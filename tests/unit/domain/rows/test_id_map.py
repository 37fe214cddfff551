from collections.abc import Callable, Iterable

import pytest

from streamrec.domain.rows.id_map import IdMap

Made = Callable[[Iterable[str | None]], IdMap]


@pytest.fixture(params=[False, True], ids=["few", "many"])
def made(request: pytest.FixtureRequest) -> Made:
    return lambda ids: IdMap(ids, may_be_many=request.param)


def test_an_id_keeps_its_row(made: Made) -> None:
    ids = made(())
    first = ids.rows_of(["a", "b", "a", "c"], add=True)
    assert first.tolist() == [0, 1, 0, 2]
    assert ids.rows_of(["c", "b", "a"], add=True).tolist() == [2, 1, 0]


def test_an_unknown_id_gets_no_row_unless_asked(made: Made) -> None:
    ids = made(["a"])
    assert ids.rows_of(["x", "a"]).tolist() == [-1, 0]
    assert "x" not in ids


def test_a_released_row_is_given_out_again_and_no_other(made: Made) -> None:
    ids = made(["a", "b", "c"])
    assert ids.release("b") == 1
    assert (ids.row("b"), len(ids), ids.n_rows) == (-1, 2, 3)
    assert ids.rows_of(["a", "new", "newer"], add=True).tolist() == [0, 1, 3]


def test_survives_being_written_down(made: Made) -> None:
    ids = made(["a", "b", "c"])
    ids.release("a")
    restored = made(ids.by_row())
    assert restored.by_row() == [None, "b", "c"]
    assert restored.add("d") == 0


def test_releasing_an_unknown_id_is_an_error(made: Made) -> None:
    with pytest.raises(KeyError):
        made(()).release("x")


def test_a_torn_map_is_refused(made: Made) -> None:
    with pytest.raises(ValueError, match="two rows"):
        made(["a", "a"])


def test_what_may_be_many_is_what_a_few_are(made: Made) -> None:
    ids = made(())
    names = [f"user {n}" for n in range(2000)]
    assert ids.rows_of(names, add=True).tolist() == list(range(2000))
    for name in names[::3]:
        ids.release(name)
    assert sorted(ids.living()) == sorted({*names} - {*names[::3]})
    assert len(ids) == len(ids.ids()) == 2000 - len(names[::3])
    assert ids.living_rows().tolist() == [row for row in range(2000) if row % 3]
    assert ids.known_rows(["user 0", "user 1", "user 2", "user 2"]) == {1, 2}
    assert ("user 0" in ids, "user 1" in ids) == (False, True)
    assert ids.rows_of(["new", "user 0"], add=True).tolist() == [0, 3]


def test_what_was_found_last_is_found_where_it_is_now(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamrec.domain.blocks.id_bytes._MOST_RECENT", 7)
    ids, names = made(()), [f"user {n}" for n in range(50)]
    for _ in range(3):
        rows = ids.rows_of(names, add=True)
        assert [ids.id_at(row) for row in rows.tolist()] == names
        assert ids.rows_of(names[::-1]).tolist() == rows.tolist()[::-1]
        for name in names[:20]:
            ids.release(name)
        assert ids.rows_of(names[:20]).tolist() == [-1] * 20
        names = [*names[10:20], *names[:10], *names[20:]]
