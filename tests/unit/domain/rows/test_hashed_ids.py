"""Numbers of ids that are looked up by their hashes, beside those of a dictionary."""

from hypothesis import given
from hypothesis import strategies as st

from streamrec.domain.rows.hashed_ids import HashedIds
from streamrec.domain.rows.id_map import IdMap

ids = st.sampled_from([*map(str, range(40)), "", "\0", "a'\"</script>", "日本", "x" * 10_000])


@given(st.lists(st.tuples(st.lists(ids, max_size=30), st.booleans()), max_size=20))
def test_numbers_are_those_that_a_dictionary_gives(asked: list[tuple[list[str], bool]]) -> None:
    hashed, mapped = HashedIds(), IdMap()
    for some, add in asked:
        assert hashed.rows_of(some, add=add).tolist() == mapped.rows_of(some, add=add).tolist()
        assert hashed.n_rows == mapped.n_rows
    rows = range(hashed.n_rows)
    assert hashed.ids_at(rows) == mapped.ids_at(rows) == [hashed.id_at(row) for row in rows]
    assert [hashed.row(id_) for id_ in hashed.ids_at(rows)] == list(rows)


def test_a_table_grows_with_many_at_once_and_with_one_after_the_other() -> None:
    at_once, one_by_one = HashedIds(), HashedIds()
    some = [f"item-{number}" for number in range(5000)]
    assert at_once.rows_of([*some, *some], add=True).tolist() == [*range(5000), *range(5000)]
    for number, id_ in enumerate(some):
        assert one_by_one.rows_of([id_], add=True).tolist() == [number]
    assert one_by_one.rows_of([*some, "another"]).tolist() == [*range(5000), -1]


def test_ids_whose_hashes_want_the_same_place_stand_beside_each_other() -> None:
    hashed = HashedIds()
    wanted = [str(number) for number in range(2_000_000) if hash(str(number)) & 1023 == 1023][:300]
    assert hashed.rows_of(wanted, add=True).tolist() == list(range(300))
    assert hashed.rows_of(wanted[::-1]).tolist() == list(range(300))[::-1]
