"""A supervisor of parts: starts all, says how they do, and stops them in order."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from operator import attrgetter

from streamrec.cli.supervision.back_off import BackOff
from streamrec.cli.supervision.part import Part, PartStatus
from streamrec.cli.supervision.running_part import RunningPart, Write
from streamrec.errors import UnknownId


class Supervisor:
    """Keeps parts running until they are stopped.

    Parameters
    ----------
    tell
        Gets what a person should know of: a part that keeps ending, with its last lines.
    """

    def __init__(
        self,
        parts: Iterable[Part],
        output: Write,
        tell: Callable[[str], None],
        back_off: Callable[[], BackOff] = BackOff,
    ) -> None:
        self._parts = {part.name: RunningPart(part, output, tell, back_off()) for part in parts}

    def start(self, *names: str) -> None:
        """Start these parts; all of them where none is named.

        Raises
        ------
        UnknownId
            When there is none of such a name.
        """
        for running in self._named(names):
            running.start()

    def stop(self, *names: str) -> bool:
        """Stop these parts, or all, in order; return whether none had to be killed.

        Raises
        ------
        UnknownId
            When there is none of such a name.
        """
        parts = sorted(self._named(names), key=_stage_of, reverse=True)
        is_clean = True
        with ThreadPoolExecutor(max(1, len(parts))) as threads:
            for _, of_stage in groupby(parts, _stage_of):
                is_clean &= all(list(threads.map(RunningPart.stop, of_stage)))
        return is_clean

    def hurry(self) -> None:
        """Send SIGTERM to all that still run, in no order: once more to those that were sent it."""
        for running in self._parts.values():
            running.ask_to_stop()

    def close(self) -> bool:
        """Stop all parts and end the threads; return whether none had to be killed."""
        for running in self._parts.values():
            running.start_no_more()
        is_clean = self.stop()
        for running in self._parts.values():
            running.join()
        return is_clean

    def status(self) -> list[PartStatus]:
        """Return how each part does."""
        return [running.status() for running in self._parts.values()]

    def _named(self, names: Sequence[str]) -> list[RunningPart]:
        unknown = [name for name in names if name not in self._parts]
        if unknown:
            raise UnknownId(f"there is no part {unknown[0]!r}; there are {', '.join(self._parts)}")
        return [running for name, running in self._parts.items() if not names or name in names]


_stage_of = attrgetter("part.stage")
