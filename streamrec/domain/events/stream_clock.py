"""Time of a stream, robust against a few wrong clocks among its senders."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from streamrec.domain.events.course import EVENTS_PER_USER, Course

N_USERS: Final = 16
"""Users whose timestamps give the time: those who sent last. Of 16 it takes 15 to leave a time, so that 30 %
of wrong clocks, wrong by years, do so once in 10^12 looks; and a shop with some tens of users a day gets
there."""

SMALLEST_REACH_S: Final = 3600.0
"""An event less than this ahead of the others has its own time: clocks are set wrong by minutes, senders
are read in bursts. Where the users' last events lie hours apart, the reach grows with these distances."""

SMALLEST_LATENESS_S: Final = 7 * 86_400.0
"""An event less than this behind has its own time: partitions are read one after the other, and phones come
back online after a journey. What is later is no lateness but a replay, or another clock."""

LONG_GAP_S: Final = 30 * 86_400.0
"""A longer step ahead counts only after `N_EVENTS_OF_LONG_GAP`: mostly it is another clock."""

LONGEST_GAP_S: Final = 400 * 86_400.0
"""A longer step counts as this: a year is a gap, but from a replay of 1998 to today it is another stream."""

_MOST_EVENTS_PER_LOOK: Final = 64
_TIME_PER_LOOK_S: Final = SMALLEST_REACH_S / 2
_N_SETTLED: Final = 32
"""Events after which the stream's pace is known; before, each is looked at."""

_MOST_COURSES: Final = 4


class StreamClock:
    """Clock that gives each event of a stream its time, in seconds of stream time.

    Stream time runs with the events' own, from 0 at the first of them. It follows the median of what the last
    `N_USERS` distinct users said last, and never runs back: one user counts once, however much it sends.

    An event whose timestamp is far from the others' (more than an hour ahead, more than a week behind) moves
    nothing and counts as of now. Once all users but one have left the time that is followed, the clock
    follows the nearest other on which a quarter of them agree:

    * ahead: a gap, of a night or of a year, which counts in full (but see `LONG_GAP_S`, `LONGEST_GAP_S`);
    * behind: a replay, which goes on from now. When the users return to a time that was followed before, only
      what is new there counts: live events and a replay in turns do not add up.

    The clock looks at the users after fixed numbers of events, never at the ends of batches: how a stream is
    cut into batches changes nothing.

    >>> clock = StreamClock()
    >>> users = np.array([1, 2, 3, 4, 5])
    >>> clock.times_of(np.array([100.0, 110.0, 1e9, 120.0, 125.0]), users).tolist()
    [0.0, 10.0, 10.0, 20.0, 25.0]
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._n_events = self._next_look = 0
        # User -> (timestamp, number of the event), the one who sent last at the end.
        self._said: dict[int, tuple[float, int]] = {}
        self._courses: list[Course] = []
        self._reach_s = SMALLEST_REACH_S
        self._pace_from = (0, 0.0)
        self._events_per_look = 1

    def times_of(self, timestamps: NDArray[np.float64], user_rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return (B,) stream times of B events in the order in which they came."""
        times = np.empty(len(timestamps))
        if len(timestamps) and not self._courses:
            self._begin(float(timestamps[0]))
        first = 0
        while first < len(timestamps):
            last = min(len(timestamps), first + self._next_look - self._n_events)
            part = timestamps[first:last]
            times[first:last] = self._times(part)
            self._hear(part, user_rows[first:last])
            if self._n_events == self._next_look:
                self._look()
            first = last
        return times

    @property
    def newest(self) -> float:
        """The newest of the timestamps that the users agree on, in Unix seconds; 0 before the first event."""
        if not self._courses:
            return 0.0
        course = self._courses[0]
        said = [timestamp for timestamp, _ in self._said.values()]
        here = _between(said, course.since - self._lateness_s, course.at + self._reach_s)
        return max(here, default=course.at)

    def _begin(self, timestamp: float) -> None:
        self._courses = [Course(timestamp, self.now - timestamp, self._n_events)]
        self._next_look = self._n_events + 1

    def _times(self, timestamps: NDArray[np.float64]) -> NDArray[np.float64]:
        course = self._courses[0]
        is_near = timestamps <= course.at + self._reach_s
        is_near &= timestamps >= course.since - self._lateness_s
        return np.where(is_near, timestamps + course.offset, self.now)

    @property
    def _lateness_s(self) -> float:
        return max(SMALLEST_LATENESS_S, self._reach_s)

    def _hear(self, timestamps: NDArray[np.float64], user_rows: NDArray[np.int64]) -> None:
        """Note the timestamps of (B,) events, the last one of each user."""
        n_events, said = len(timestamps), self._said
        users, back = np.unique(user_rows[::-1], return_index=True)
        indices = np.sort(n_events - 1 - back)[-N_USERS:] if len(users) > 1 else np.array([n_events - 1])
        numbers = (self._n_events + 1 + indices).tolist()
        for user, timestamp, number in zip(
            user_rows[indices].tolist(), timestamps[indices].tolist(), numbers, strict=True
        ):
            said.pop(user, None)
            said[user] = timestamp, number
        while len(said) > N_USERS:
            del said[next(iter(said))]
        self._n_events += n_events

    def _look(self) -> None:
        """Take the median time of the users."""
        self._drop_silent_users()
        said = sorted(timestamp for timestamp, _ in self._said.values())
        n = len(said)
        middle = said[n // 2]
        # The smaller side: the larger one may reach to other clocks.
        spread = min(middle - said[n // 4], said[3 * n // 4] - middle)
        self._reach_s = min(max(SMALLEST_REACH_S, 4 * spread), LONG_GAP_S)
        course = self._courses[0]
        here = _between(said, course.since - self._lateness_s, course.at + self._reach_s)
        if len(here) > (1 if n > 2 else 0):
            course.at = max(course.at, here[len(here) // 2])
            course.n_users = max(course.n_users, len(here))
        else:
            self._look_elsewhere([timestamp for timestamp in said if timestamp not in here], n)
        course = self._courses[0]
        course.settle(self._said.values(), self._lateness_s, self._n_events)
        self.now = max(self.now, course.at + course.offset)
        self._next_look = self._n_events + self._n_until_next_look()

    def _look_elsewhere(self, others: list[float], n_users: int) -> None:
        """Follow the nearest time on which a quarter of the users agree, if there is one."""
        at = self._courses[0].at
        for nearest in sorted(others, key=lambda timestamp: abs(timestamp - at)):
            agreeing = _between(others, nearest - self._reach_s, nearest + self._reach_s)
            if 4 * len(agreeing) >= n_users:
                self._follow(agreeing[len(agreeing) // 2])
                return

    def _drop_silent_users(self) -> None:
        said = self._said
        while True:
            user, (_, number) = next(iter(said.items()))
            if self._n_events - number < EVENTS_PER_USER * len(said):
                return
            del said[user]

    def _follow(self, timestamp: float) -> None:
        """Continue at a timestamp that the time followed so far does not reach."""
        left = self._courses[0]
        before = [course for course in self._courses if course.since <= timestamp + self._lateness_s]
        course = max(before, key=lambda known: known.since, default=left)
        step_s = timestamp + course.offset - self.now if before else 0.0
        counted_s, owed = step_s, None
        if step_s > LONG_GAP_S:
            counted_s = 0.0
            if left.is_known(self._n_events):  # else the very first events had a wrong clock
                owed = [min(step_s, LONGEST_GAP_S), self._n_events, left.since]
        elif step_s < -self._lateness_s and timestamp > course.at:
            counted_s = 0.0  # this course was overtaken by others meanwhile
        if not before or counted_s != step_s:
            course = Course(timestamp, self.now + counted_s - timestamp, self._n_events)
            course.owed = owed
        else:
            course.postpone(self._n_events)  # others were followed meanwhile
        course.at = max(course.at, timestamp)
        others = [known for known in self._courses if known is not course]
        self._courses = [course, *others][:_MOST_COURSES]

    def _n_until_next_look(self) -> int:
        """Return after how many events to look again: soon where half an hour passes between a few."""
        number, now = self._pace_from
        if not number:
            self._pace_from = (self._n_events, self.now)
        elif self._n_events - number >= _N_SETTLED:
            s_per_event = (self.now - now) / (self._n_events - number)
            self._pace_from = (self._n_events, self.now)
            n_events = int(_TIME_PER_LOOK_S / max(s_per_event, 1e-3))
            self._events_per_look = min(max(n_events, 1), _MOST_EVENTS_PER_LOOK)
        return self._events_per_look

    def state(self) -> dict[str, Any]:
        """Return the state, for a checkpoint."""
        return {
            "now": self.now,
            "n_events": self._n_events,
            "next_look": self._next_look,
            "said": [[user, *said] for user, said in self._said.items()],
            "courses": [vars(course).copy() for course in self._courses],
            "reach_s": self._reach_s,
            "pace_from": list(self._pace_from),
            "events_per_look": self._events_per_look,
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any] | list[float | None]) -> "StreamClock":
        """Return a clock that goes on where `state` was called.

        Parameters
        ----------
        state
            Or, as it was written by the first version: stream time, and the last event's timestamp if any.
        """
        clock = cls()
        if not isinstance(state, Mapping):
            now, last = state
            clock.now = now or 0.0
            if last is not None:
                clock._n_events = 1
                clock._begin(last)
            return clock
        clock.now = state["now"]
        clock._n_events, clock._next_look = state["n_events"], state["next_look"]
        clock._said = {int(user): (timestamp, int(number)) for user, timestamp, number in state["said"]}
        for written in state["courses"]:
            course = Course(0.0, 0.0, 0)
            vars(course).update(written)
            clock._courses.append(course)
        clock._reach_s = state["reach_s"]
        number, now = state["pace_from"]
        clock._pace_from = (int(number), now)
        clock._events_per_look = state["events_per_look"]
        return clock


def _between(timestamps: list[float], least: float, most: float) -> list[float]:
    return [timestamp for timestamp in timestamps if least <= timestamp <= most]
