"""The bytes between recommender and index server are those of version 0.2.0, either side's."""

import numpy as np
import pytest

from streamrec.errors import Damaged, InvalidInput, Unavailable
from streamrec.index_protocol import (
    AnswerMessage,
    QueryRow,
    VectorsMessage,
    VectorsQueryMessage,
    answer_to,
    decode_answers,
    decode_queries,
    decode_vectors,
    decode_vectors_query,
    encode_answers,
    encode_queries,
    encode_vectors,
    encode_vectors_query,
    query_of,
)
from streamrec.ports import ById, ByVector, IndexAnswer, IndexQuery, UsersByProfile

QUERIES: list[IndexQuery] = [
    ByVector(bytes(4), 2, ["a"], "g"),
    ById("c", 1, []),
    UsersByProfile("ann", 3, ["x"], []),
]
QUERIES_WRITTEN = (
    b"\x93\x97\x02\xc4\x04\x00\x00\x00\x00\xc0\x91\xa1a\xa1g\xc0\x90"
    b"\x97\x01\xc0\xa1c\x90\xc0\xc0\x90"
    b"\x97\x03\xc0\xc0\x90\xc0\xa3ann\x91\xa1x"
)

ANSWERS = [AnswerMessage("g", ["a"], bytes(4)), AnswerMessage("g", is_missing=True)]
ANSWERS_WRITTEN = (
    b"\x92\x96\xa1g\x91\xa1a\xc4\x04\x00\x00\x00\x00\xc2\xc0\xc2\x96\xa1g\x90\xc4\x00\xc3\xc0\xc2"
)


def test_queries_are_written_and_read_as_before() -> None:
    assert encode_queries(QUERIES) == QUERIES_WRITTEN
    read = [query_of(row) for row in decode_queries(QUERIES_WRITTEN)]
    assert read == QUERIES
    assert list(map(type, read)) == list(map(type, QUERIES))


def test_answers_are_written_and_read_as_before() -> None:
    assert encode_answers(ANSWERS) == ANSWERS_WRITTEN
    assert decode_answers(ANSWERS_WRITTEN) == ANSWERS


def test_requests_for_vectors_are_written_and_read_as_before() -> None:
    wanted, found = VectorsQueryMessage(["a"], "g"), VectorsMessage("g", ["a"], bytes(4))
    assert encode_vectors_query(wanted) == b"\x92\x91\xa1a\xa1g"
    assert decode_vectors_query(b"\x92\x91\xa1a\xa1g") == wanted
    assert encode_vectors(found) == b"\x93\xa1g\x91\xa1a\xc4\x04\x00\x00\x00\x00"
    assert decode_vectors(b"\x93\xa1g\x91\xa1a\xc4\x04\x00\x00\x00\x00") == found


def test_values_of_a_later_version_are_passed_over() -> None:
    assert decode_queries(b"\x91\x98\x01\xc0\xa1c\x90\xc0\xc0\x90\xa3new") == [QueryRow(1, id="c")]
    assert decode_answers(b"\x91\x97\xa1g\x90\xc4\x00\xc3\xc0\xc2\xa3new") == ANSWERS[1:]


@pytest.mark.parametrize(
    "row",
    [QueryRow(1), QueryRow(1, b"", "c"), QueryRow(1, id="c", user_id="u"), QueryRow(1, b"", user_id="u")],
)
def test_a_row_that_asks_for_nothing_or_for_two_things_is_refused(row: QueryRow) -> None:
    with pytest.raises(InvalidInput):
        query_of(row)


def test_an_answer_is_taken_for_what_it_is() -> None:
    scores = np.array([2, 1], "<f4").tobytes()
    message = AnswerMessage("g", ["a", "b"], scores)
    assert answer_to(ById("c", 2), message) == IndexAnswer("g", ["a", "b"], [2.0, 1.0])
    with pytest.raises(Damaged, match="not asked for"):
        answer_to(UsersByProfile("a", 2), message)
    with pytest.raises(Unavailable):
        answer_to(ById("c", 2), AnswerMessage("g", error="off", is_unavailable=True))
    with pytest.raises(InvalidInput):
        answer_to(ById("c", 2), AnswerMessage("g", error="wrong"))
