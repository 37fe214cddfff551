import msgspec

from streamrec.domain.similarity.neighbour import Neighbours
from tests.builders import near


def test_what_was_written_before_days_were_counted_is_read_without_them() -> None:
    written = b'[["a","b"],[0.5,0.25],[3.0,1.0],[0.0,0.1]]'
    read = msgspec.json.decode(written, type=Neighbours)
    assert read == near(("a", 0.5, 3.0, 0.0), ("b", 0.25, 1.0, 0.1))
    assert (read.same_day_ids, read.same_day_counts) == ([], [])
    assert (read.generation, read.past) == ("", b"")


def test_a_reader_of_before_passes_over_what_it_does_not_know() -> None:
    written = msgspec.json.encode(
        Neighbours(same_day_ids=["a"], same_day_counts=[2], generation="g", past=b"1")
    )
    assert msgspec.json.decode(written)[:4] == [[], [], [], []]
