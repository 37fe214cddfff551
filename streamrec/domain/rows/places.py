"""Places of items among others, as marks: for loops that are compiled."""

from streamrec.domain.rows.compiled import inlined
from streamrec.domain.rows.item_numbers import Marks, Numbers


@inlined
def mark_places(marks: Marks, asked: Numbers, among: Numbers) -> None:
    """Mark each number that is asked about with its place among distinct ones; -1: it is none of them."""
    for number in asked:
        marks[number] = -1
    for place, number in enumerate(among):
        marks[number] = place
