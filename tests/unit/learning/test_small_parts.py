import time

import numpy as np
import pytest

from streamrec.domain.items.category_table import N_WORDS
from streamrec.domain.items.item import Item
from streamrec.learning.state.categories import ItemCategories
from streamrec.learning.state.dirty_rows import DirtyItems, DirtyRows, DirtyUsers
from streamrec.learning.state.user_table import UserTable
from streamrec.process.work_queue import WorkQueue


def rows(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def fail() -> None:
    raise ZeroDivisionError


class TestWorkQueue:
    def test_it_tells_how_long_a_piece_took_also_one_that_failed(self) -> None:
        queue = WorkQueue("test")
        assert queue.last_took_s == 0.0
        queue.submit(lambda: None)
        queue.drain()
        first = queue.last_took_s
        assert first > 0.0
        queue.submit(fail)
        with pytest.raises(ZeroDivisionError):
            queue.drain()
        assert queue.last_took_s not in (0.0, first)
        queue.close()


class TestDirtyRows:
    def test_a_row_keeps_its_place_however_often_it_changes(self) -> None:
        dirty = DirtyRows()
        dirty.mark(rows(5), 1.0)
        dirty.mark(rows(6), 2.0)
        dirty.mark(rows(5), 3.0)
        assert dirty.staleness_s(4.0) == 3.0
        assert dirty.take(1).tolist() == [5]
        assert dirty.staleness_s(4.0) == 2.0

    def test_a_row_that_was_never_published_goes_first(self) -> None:
        dirty = DirtyRows()
        dirty.settle(3)
        dirty.mark(rows(0, 2), 1.0)
        dirty.mark(rows(1, 7), 2.0)
        assert dirty.take(1).tolist() == [7]
        assert dirty.take(1).tolist()[0] in (0, 2)
        dirty.drop(rows(1))  # its id is gone, and the row another's now
        dirty.mark(rows(1), 9.0)
        assert dirty.take(1).tolist() == [1]
        restored = DirtyUsers()
        restored.load_arrays({"since": dirty.since()})
        restored.mark(rows(3), 10.0)
        assert restored.take(1).tolist()[0] in (0, 2)

    def test_what_goes_first_overtakes_and_of_the_others_only_so_many_go(self) -> None:
        dirty = DirtyRows()
        dirty.settle(9)
        dirty.mark(rows(0, 1, 2, 3, 4), 1.0)
        dirty.mark(rows(4, 8), 5.0, go_first=True)
        assert (dirty.staleness_s(6.0), dirty.first_staleness_s(6.0)) == (5.0, 1.0)
        assert dirty.take(10, most_others=1).tolist()[1:] == [4, 8]
        assert dirty.first_staleness_s(9.0) == 0.0
        assert len(dirty.take(10, most_others=0)) == 0
        dirty.mark(rows(5), 7.0)
        assert 5 not in dirty.take(10, most_others=3).tolist()
        assert dirty.take(10, most_others=3).tolist() == [5]

    def test_nothing_waits_at_first_and_after_all_were_taken(self) -> None:
        dirty = DirtyRows()
        assert dirty.take(10).tolist() == []
        dirty.mark(rows(0, 3), 1.0)
        assert dirty.take(10).tolist() == [0, 3]
        assert dirty.take(10).tolist() == []
        assert dirty.staleness_s(9.0) == 0.0

    def test_a_dropped_row_does_not_wait(self) -> None:
        dirty = DirtyRows()
        dirty.mark(rows(1, 2), 1.0)
        dirty.drop(rows(1, 99))
        assert dirty.take(10).tolist() == [2]

    def test_survives_being_written_down(self) -> None:
        dirty, restored = DirtyItems(), DirtyItems()
        dirty.mark(rows(1, 2), 1.0)
        restored.load_arrays(dirty.arrays())
        assert dirty.take(10).tolist() == restored.take(10).tolist() == [1, 2]


class TestUserTable:
    def test_counts_each_event_of_a_user_in_one_batch(self) -> None:
        table = UserTable()
        table.count(rows(2, 0, 2), np.array([30.0, 10.0, 20.0]))
        assert table.n_events.tolist()[:3] == [1, 0, 2]
        assert table.updated_at.tolist()[:3] == [10.0, 0.0, 30.0]

    def test_a_value_counts_relative_to_what_the_user_gave_before(self) -> None:
        table = UserTable()
        first = table.relative_values(rows(0), np.array([10.0]), (0.2, 5.0))
        second = table.relative_values(rows(0, 0, 0), np.array([20.0, np.nan, 1000.0]), (0.2, 5.0))
        assert first.tolist() == [1.0]
        assert second.tolist() == [2.0, 1.0, 5.0]

    def test_of_dislikes_the_newest_are_kept_and_a_robot_costs_no_time(self) -> None:
        table = UserTable(max_disliked=1000)
        started = time.process_time()
        for number in range(100_000):
            table.dislike(0, f"i{number}")
        assert time.process_time() - started < 2.0  # .05 s; searching a list took 80 s
        table.dislike(0, "i99000")
        assert list(table.disliked[0]) == [*(f"i{number}" for number in range(99_001, 100_000)), "i99000"]

    def test_a_longer_list_of_dislikes_as_older_checkpoints_have_is_cut(self) -> None:
        table = UserTable(max_disliked=2)
        table.load_entries([(3, ["a", "b", "c"])])
        table.dislike(3, "d")
        assert list(table.disliked[3]) == ["c", "d"]

    def test_a_forgotten_user_leaves_nothing_to_the_next(self) -> None:
        table = UserTable()
        table.count(rows(0, 1), np.array([5.0, 5.0]))
        table.dislike(0, "x")
        table.dislike(0, "x")
        assert {row: list(ids) for row, ids in table.disliked.items()} == {0: ["x"]}
        table.forget_users(rows(0, 7))
        assert (table.n_events[0], table.n_events[1], table.disliked) == (0, 1, {})

    def test_survives_being_written_down(self) -> None:
        table = UserTable()
        table.count(rows(1), np.array([5.0]))
        table.relative_values(rows(1), np.array([4.0]), (0.2, 5.0))
        table.dislike(1, "x")
        again = UserTable()
        again.load_entries(table.entries())
        again.load_arrays(table.arrays())
        assert again.entries() == [(1, ["x"])]
        assert again.n_events.tolist() == table.n_events.tolist()
        assert again.relative_values(rows(1), np.array([8.0]), (0.2, 5.0)).tolist() == [2.0]


class TestItemCategories:
    def test_changing_the_categories_moves_the_item(self) -> None:
        categories = ItemCategories([Item("a", categories=("war", "war"))])
        categories.put(Item("a", categories=("comedy",)))
        assert categories.in_turn() == {"war": [], "comedy": ["a"]}
        categories.drop("a")
        assert categories.in_turn() == {"comedy": []}
        assert categories.in_turn() == {}

    def test_an_item_with_a_title_alone_is_ranked_by_its_words(self) -> None:
        categories = ItemCategories([Item("a", title="The Birds"), Item("b", title="Birds"), Item("c")])
        table = categories.table

        def words_of(item_id: str) -> set[int]:
            return set(table.words[table.rows([item_id])][0].tolist())

        birds, none = words_of("b"), words_of("c")
        assert none == {N_WORDS}
        assert birds - none < words_of("a")
        categories.put(Item("a"))
        assert words_of("a") == none

    def test_a_category_that_is_filled_again_is_not_empty(self) -> None:
        categories = ItemCategories([Item("a", categories=("war",)), Item("b", categories=("drama",))])
        categories.drop("a")
        categories.put(Item("c", categories=("war",)))
        assert categories.in_turn() == {"drama": ["b"], "war": ["c"]}
        assert categories.names == ["drama", "war"]

    def test_categories_come_in_turn_and_each_once_a_round(self) -> None:
        categories = ItemCategories(
            Item(f"{name}{n}", categories=(name,))
            for name, size in zip("abcd", (5, 2, 2, 9), strict=True)
            for n in range(size)
        )
        turns = [list(categories.in_turn(n_members=4)) for _ in range(4)]
        assert turns == [["a"], ["b", "c"], ["d"], ["a"]]
        assert list(categories.in_turn(n_members=1000)) == ["b", "c", "d", "a"]
        for n in range(9):
            categories.drop(f"d{n}")
        assert categories.in_turn(1000)["d"] == []
        assert set(categories.in_turn(1000)) == {"a", "b", "c"}
