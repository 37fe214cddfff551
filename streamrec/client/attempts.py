"""Steps of one call until it is answered: requests, pauses, and the error in the end.

Nothing here sends or waits, so that the client for threads and the one for an event loop share it.
"""

import math
import random
from collections.abc import Callable, Generator, Mapping
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple, TypeVar

import msgspec

from streamrec.client import errors
from streamrec.client.call import Call
from streamrec.client.errors import RecommenderError

T = TypeVar("T")

_FOREVER_S: Final = 31_536_000.0
"""A year: sockets refuse to wait for an infinite time."""

_GONE: Final = 404
_UNAVAILABLE: Final = frozenset({429, 502, 503, 504})
_ERRORS: Final[Mapping[int, type[RecommenderError]]] = {
    401: errors.Unauthorized,
    403: errors.Forbidden,
    _GONE: errors.NotFound,
    409: errors.Conflict,
    **dict.fromkeys(_UNAVAILABLE, errors.Unavailable),
}
_ERRORS_OTHERWISE: Final[Mapping[int, type[RecommenderError]]] = {
    4: errors.InvalidRequest,
    5: errors.ServerFailed,
}
"""By the first digit."""


class Retries(NamedTuple):
    """Number of times that a request is sent, and pauses between them.

    Every request but the one that starts a training may be repeated: reading and replacing change nothing by
    being done twice, and events carry ids. A pause is drawn between 0 and a bound that doubles, so that many
    clients do not come back at once ("full jitter", M. Brooker, AWS Architecture Blog 2015); it is never
    shorter than the recommender asks for.

    Attributes
    ----------
    max_tries
        The first one included; 1: no repetition.
    first_pause_s, longest_pause_s
        Bounds of the first pause, and of all.
    """

    max_tries: int = 6
    first_pause_s: float = 0.1
    longest_pause_s: float = 2.0

    def pause_s(self, n_failures: int, chance: Callable[[], float] = random.random) -> float:
        """Return the pause after so many failures in a row, from 1 on; `chance` draws from [0, 1).

        >>> [Retries().pause_s(n, lambda: 1.0) for n in (1, 2, 3, 99)]
        [0.1, 0.2, 0.4, 2.0]
        """
        return chance() * min(self.longest_pause_s, self.first_pause_s * float(2 ** min(n_failures - 1, 30)))


PATIENT: Final = Retries()
"""Default of the clients."""


class Send(NamedTuple):
    """Do: send the call; there are so many seconds left for its answer."""

    left_s: float


class Pause(NamedTuple):
    """Do: nothing for so long."""

    for_s: float


class Reply(NamedTuple):
    """Done: this was answered. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Failure(NamedTuple):
    """Done: it was not answered."""

    reason: str
    is_late: bool


Step = Send | Pause
Outcome = Reply | Failure | None


def attempts(
    call: Call[T],
    timeout_s: float,
    retries: Retries,
    clock: Callable[[], float],
    chance: Callable[[], float] = random.random,
) -> Generator[Step, Outcome, T]:
    """Yield what is to be done next, are told how it went, and return the answer.

    Parameters
    ----------
    timeout_s
        For all of it together.
    clock
        Seconds that only grow.

    Raises
    ------
    RecommenderError
        When it is not answered, or by a refusal.
    """
    end, n_tries, was_broken = clock() + min(timeout_s, _FOREVER_S), 0, False
    while True:
        n_tries += 1
        outcome = yield Send(max(0.0, end - clock()))
        assert outcome is not None, "a request is answered, or fails"
        if isinstance(outcome, Reply):
            if _is_answer(call, outcome, was_broken=was_broken):
                return _answer_in(call, outcome)
            error = error_of(outcome)
        else:
            error = _error_without_answer(outcome, timeout_s, n_tries)
            if not call.is_repeatable:
                raise error
            was_broken = True
        if not isinstance(error, errors.Unavailable | errors.NotReached) or n_tries >= retries.max_tries:
            raise error
        pause_s = max(retries.pause_s(n_tries, chance), error.retry_after_s or 0.0)
        if clock() + pause_s >= end:
            raise error
        yield Pause(pause_s)


def _is_answer(call: Call[T], reply: Reply, *, was_broken: bool) -> bool:
    """Return whether this is what was asked for.

    A deletion whose first answer got lost may have been done: there is nothing to delete any more.
    """
    is_gone = was_broken and call.method == "DELETE" and reply.status == _GONE
    return 200 <= reply.status < 300 or reply.status in call.answered_too or is_gone


def _answer_in(call: Call[T], reply: Reply) -> T:
    try:
        return call.decode(reply.content)
    except ValueError as error:
        if reply.status in call.answered_too:  # by something in front of the recommender
            raise error_of(reply) from error
        shown = reply.content[:100].decode(errors="replace")
        raise errors.UnexpectedAnswer(f"{error}; it begins with {shown!r}", status=reply.status) from error


def _error_without_answer(failure: Failure, timeout_s: float, n_tries: int) -> RecommenderError:
    if failure.is_late:
        return errors.TimedOut(f"no answer within {timeout_s:g} s ({failure.reason}, try {n_tries})")
    return errors.NotReached(f"no answer ({failure.reason}, try {n_tries})")


class _Problem(msgspec.Struct, frozen=True):
    title: str = ""
    detail: str | None = None
    request_id: str | None = None


_decode_problem = msgspec.json.Decoder(_Problem).decode


def error_of(reply: Reply) -> RecommenderError:
    """Return the error that a refusal stands for.

    >>> error_of(Reply(404, {}, b'{"title": "Not Found", "detail": "there is no user 7", "status": 404}'))
    NotFound('there is no user 7')
    """
    otherwise = _ERRORS_OTHERWISE.get(reply.status // 100, errors.UnexpectedAnswer)
    kind = _ERRORS.get(reply.status, otherwise)
    try:
        problem = _decode_problem(reply.content)
        detail = problem.detail or ""
    except (msgspec.MsgspecError, UnicodeDecodeError):  # of a proxy, or of gunicorn where a URL was too long
        problem, detail = _Problem(), reply.content[:200].decode(errors="replace")
    return kind(
        detail,
        status=reply.status,
        title=problem.title,
        request_id=problem.request_id or reply.headers.get("x-request-id"),
        retry_after_s=retry_after_s(reply.headers),
    )


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server wants to be left alone for (RFC 9110, section 10.2.3).

    A date counts from the server's own `Date`: the clock of this machine may be another.

    >>> retry_after_s({"retry-after": "7"}), retry_after_s({"retry-after": "soon"}), retry_after_s({})
    (7.0, None, None)
    """
    given = headers.get("retry-after", "").strip()
    try:
        if given.isascii() and given.isdecimal():
            seconds = float(given)
        else:
            until, now = parsedate_to_datetime(given), parsedate_to_datetime(headers["date"])
            seconds = (until - now).total_seconds()
    except (ValueError, TypeError, KeyError, OverflowError):
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
