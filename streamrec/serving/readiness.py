"""Readiness: every part that the answers rest on has been reached; and the state of each now."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from tenacity import AsyncRetrying, RetryCallState, retry_if_result, wait_exponential_jitter

from streamrec.ending_tasks import end_tasks
from streamrec.errors import ConfigurationError, StreamrecError
from streamrec.log_limits import warn_seldom

Check = Callable[[], Awaitable[None]]
"""Returns when a part answers; raises a `StreamrecError` when it does not."""

OK = "ok"

ANSWER_TIMEOUT_S = 3.0
"""A part that takes longer is as good as away. Longer than the 2 s after which adapters give up themselves:
what they say then names the URL."""

_REFUSAL_TIMEOUT_S = 3.0
"""So much longer is waited at the start: a driver tries some times before it says that it was refused."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 10.0


class Readiness:
    """Parts by name, each with its check.

    A process is ready once every part has answered once. It stays ready when one goes away later: it answers
    with what is left, which is better than a balancer that takes all processes out for one part's sake.
    """

    def __init__(self, checks: Mapping[str, Check], timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self._checks = dict(checks)
        self._timeout_s = timeout_s
        self._missing = set(checks)
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._watch: asyncio.Task[object] | None = None

    @property
    def is_ready(self) -> bool:
        """True once every part has answered."""
        return not self._missing

    async def states(self) -> dict[str, str]:
        """Ask all parts side by side; "ok", or what is wrong with each."""
        return dict(zip(self._checks, await asyncio.gather(*map(self._state, self._checks)), strict=True))

    async def start(self) -> None:
        """Look at every part once, and go on looking in the background until each has answered.

        Raises
        ------
        ConfigurationError
            When a part refuses who we are: no waiting mends that.
        """
        await self.states()
        await asyncio.wait(self._asking.values(), timeout=_REFUSAL_TIMEOUT_S)
        for name, task in self._asking.items():
            if task.done() and isinstance(refusal := task.exception(), ConfigurationError):
                raise ConfigurationError(f"{name}: {refusal}")
        retrying = AsyncRetrying(
            retry=retry_if_result(bool),
            wait=wait_exponential_jitter(multiplier=_FIRST_PAUSE_S, max=_LONGEST_PAUSE_S),
            before_sleep=_report,
        )
        self._watch = asyncio.create_task(retrying(self._look_at_missing))

    async def aclose(self) -> None:
        """Stop looking."""
        await end_tasks(*self._asking.values(), self._watch)

    async def _look_at_missing(self) -> dict[str, str]:
        """Return what the parts say that never answered; empty when all have."""
        names = sorted(self._missing)
        states = dict(zip(names, await asyncio.gather(*map(self._state, names)), strict=True))
        return {name: state for name, state in states.items() if name in self._missing}

    async def _state(self, name: str) -> str:
        # A question that is still open is waited for again: a part that hangs must not gather questions.
        task = self._asking.get(name)
        if task is None or task.done():
            task = self._asking[name] = asyncio.ensure_future(self._checks[name]())
            task.add_done_callback(_hear)  # it may answer when nobody waits for it any more
        await asyncio.wait([task], timeout=self._timeout_s)
        if not task.done():
            return f"no answer within {self._timeout_s} s"
        error = task.exception()
        if error is None:
            self._missing.discard(name)
            return OK
        if isinstance(error, StreamrecError):
            return str(error)
        raise error


def _report(state: RetryCallState) -> None:
    missing: dict[str, str] = state.outcome.result() if state.outcome is not None else {}
    for name, said in missing.items():
        warn_seldom("waiting_for_a_part", about=name, part=name, attempt=state.attempt_number, error=said)


def _hear(task: asyncio.Task[None]) -> None:
    """Take note of a task's error, which would else be logged as one that nobody heard of."""
    if not task.cancelled():
        task.exception()
