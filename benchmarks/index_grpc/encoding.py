"""Cost of the two encodings alone: all four steps of a search, on one thread."""

import timeit
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.index_grpc.rounds import Question
from streamrec.index_protocol import (
    AnswerMessage,
    QueryMessage,
    decode_answers,
    decode_queries,
    encode_answers,
    encode_queries,
)

_N_REPEATS = 9
_N_TIMES = 500


def measure_encodings(question: Question, messages: Any) -> dict[str, float]:  # noqa: ANN401
    """Return the microseconds to write and read a query and its answer: the least of several turns."""
    scores = np.zeros(len(question.item_ids), "<f4").tobytes()
    steps: dict[str, Callable[[], object]] = {
        "msgpack_us": lambda: _as_msgpack(question, scores),
        "protobuf_us": lambda: _as_protobuf(question, scores, messages),
    }
    turns = [
        {name: timeit.timeit(step, number=_N_TIMES) / _N_TIMES * 1e6 for name, step in steps.items()}
        for _ in range(_N_REPEATS)
    ]
    return {name: min(turn[name] for turn in turns) for name in steps}


def _as_msgpack(question: Question, scores: bytes) -> tuple[list[str], list[str]]:
    query = question.query
    message = QueryMessage(query.k, query.vector, None, list(query.exclude), query.generation)
    read = decode_queries(encode_queries([message]))[0]
    answer = AnswerMessage(read.generation or "", question.item_ids, scores)
    return read.exclude, decode_answers(encode_answers([answer]))[0].item_ids


def _as_protobuf(question: Question, scores: bytes, messages: Any) -> tuple[list[str], list[str]]:  # noqa: ANN401
    query = question.query
    message = messages.Query(
        k=query.k, vector=query.vector, exclude=query.exclude, generation=query.generation
    )
    read = messages.Query.FromString(message.SerializeToString())
    answer = messages.Answer(generation=read.generation, item_ids=question.item_ids, scores=scores)
    read_answer = messages.Answer.FromString(answer.SerializeToString())
    return list(read.exclude), list(read_answer.item_ids)
