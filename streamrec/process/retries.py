"""Waiting for a part that does not answer, with growing pauses, until it does or we are told to stop."""

from threading import Event

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    sleep_using_event,
    stop_when_event_set,
    wait_exponential_jitter,
)

from streamrec.errors import StreamrecError
from streamrec.faults.points import fault_point
from streamrec.log_limits import subject_of, warn_seldom
from streamrec.ports import Metrics

_FIRST_PAUSE_S = 0.1

LONGEST_PAUSE_S = 10.0
"""A part that comes back is noticed within this."""


def patiently(is_giving_up: Event, metrics: Metrics) -> Retrying:
    """Return a caller that repeats a call while its error says that a repeat can succeed.

    The last error is raised once `is_giving_up` is set.
    """
    return Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, StreamrecError) and error.retriable),
        wait=wait_exponential_jitter(multiplier=_FIRST_PAUSE_S, max=LONGEST_PAUSE_S),
        stop=stop_when_event_set(is_giving_up),
        sleep=sleep_using_event(is_giving_up),
        before=lambda state: fault_point("wait", getattr(state.fn, "__name__", "call")),
        before_sleep=lambda state: _report(state, metrics),
        reraise=True,
    )


def until_stopped(is_stopping: Event, metrics: Metrics) -> Retrying:
    """Return a caller as `patiently` does, of calls that nothing depends on yet.

    Once `is_stopping` is set, the answer to a call that fails is None.
    """
    return patiently(is_stopping, metrics).copy(retry_error_callback=lambda _state: None)


def pause_after(took_s: float, share: float) -> float:
    """Return seconds from the beginning of work to that of the next, so that it takes `share` of the time.

    Work that waited for a part took as long as that was away: without a bound an hour's outage would be
    followed by a pause of many hours.

    >>> pause_after(0.1, 0.25), pause_after(3600.0, 0.25)
    (0.4, 10.0)
    """
    return min(took_s / share, LONGEST_PAUSE_S)


def _report(state: RetryCallState, metrics: Metrics) -> None:
    metrics.count("retries")
    error = state.outcome.exception() if state.outcome else None
    if error is not None:
        warn_seldom(
            "waiting_for_a_part", about=subject_of(error), attempt=state.attempt_number, error=str(error)
        )
