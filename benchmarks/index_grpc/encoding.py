"""Cost of the two encodings alone: all four steps of a search, on one thread."""

import timeit
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.index_grpc.rounds import Question
from streamrec.index_protocol import (
    AnswerMessage,
    decode_answers,
    decode_queries,
    encode_answers,
    encode_queries,
    query_of,
)

_N_REPEATS = 9
_N_TIMES = 500


def measure_encodings(question: Question, messages: Any) -> dict[str, float]:  # noqa: ANN401
    """Return the microseconds to write and read a query and its answer: the least of several turns."""
    scores = np.zeros(len(question.ids), "<f4").tobytes()
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
    read = query_of(decode_queries(encode_queries([query]))[0])
    answer = AnswerMessage(read.generation or "", question.ids, scores)
    return list(read.exclude), decode_answers(encode_answers([answer]))[0].ids


def _as_protobuf(question: Question, scores: bytes, messages: Any) -> tuple[list[str], list[str]]:  # noqa: ANN401
    query = question.query
    message = messages.Query(
        k=query.k, vector=query.vector, exclude=query.exclude, generation=query.generation
    )
    read = messages.Query.FromString(message.SerializeToString())
    answer = messages.Answer(generation=read.generation, item_ids=question.ids, scores=scores)
    read_answer = messages.Answer.FromString(answer.SerializeToString())
    return list(read.exclude), list(read_answer.item_ids)
