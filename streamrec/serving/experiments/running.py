"""The experiments that run, read again and again: a stop acts in every process within a second."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import structlog

from streamrec.domain.experiments.assignment import Assigner
from streamrec.domain.experiments.definition import Experiment
from streamrec.domain.sources.table import BLENDED
from streamrec.ending_tasks import end_tasks
from streamrec.errors import StreamrecError
from streamrec.ports import ExperimentCatalog, Metrics
from streamrec.serving.experiments.challenger import ServedChallenger
from streamrec.serving.guard import Guard

READ_EVERY_S = 0.3

_LAST_READING_S = 2.0

TRUSTED_S = 60.0
"""Without a word of the store, what was read last goes on for so long. An experiment that nobody can stop any
more must end by itself; one that ended with each hiccup of the store would move its users about."""

SOURCE_NAMES = frozenset(source.name for source in BLENDED)

_log = structlog.get_logger()


class RunningExperiments:
    """Assigner of the moment, renewed beside the answers.

    Parameters
    ----------
    clock
        Seconds; only differences count.
    """

    def __init__(
        self,
        store: ExperimentCatalog,
        guard: Guard,
        challenger: ServedChallenger,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._guard, self._challenger = store, guard, challenger
        self._metrics, self._clock = metrics, clock
        self._reading: asyncio.Task[None] | None = None
        self._is_over = asyncio.Event()
        self._known: list[Experiment] = []
        self._told: frozenset[tuple[str, str]] = frozenset()
        self._paused: dict[str, str] = {}
        self._idle = Assigner()
        self._assigner = self._idle
        self._read_at = -TRUSTED_S

    def assigner(self) -> Assigner:
        """Return the assigner at hand; one without experiments where the store was silent for too long."""
        if self._assigner is not self._idle and self._clock() - self._read_at > TRUSTED_S:
            return self._idle
        return self._assigner

    @property
    def paused(self) -> dict[str, str]:
        """Running experiments that this server does not apply at the moment, by id, with the reason."""
        return dict(self._paused)

    def start(self) -> None:
        """Begin to read now and then."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_now_and_then())

    async def refresh(self) -> None:
        """Read the definitions; what was known stays where the store does not answer."""
        try:
            found = await self._guard.call(self._store.get_experiments)
        except StreamrecError:
            return  # counted and told of by the guard
        self._read_at = self._clock()
        unfit = {one.id: why for one in found.experiments if (why := unfitness(one)) is not None}
        self._paused = await self._pauses([one for one in found.experiments if one.state == "running"])
        self._tell(found.broken | unfit, self._paused)
        fit = [one for one in found.experiments if one.id not in unfit and one.id not in self._paused]
        if fit != self._known:
            self._known = fit
            assigner = Assigner(fit)
            self._assigner = self._idle if assigner.is_idle else assigner

    async def aclose(self) -> None:
        """Stop."""
        self._is_over.set()
        if self._reading is not None:
            # A reading under way may end: cut while it connects, the driver would leave the connection open.
            await asyncio.wait([self._reading], timeout=_LAST_READING_S)
        await end_tasks(self._reading)

    async def _pauses(self, running: list[Experiment]) -> dict[str, str]:
        if not any(one.has_challenger for one in running):
            return {}
        await self._challenger.refresh()
        return {one.id: why for one in running if (why := self._challenger.problem(one)) is not None}

    def _tell(self, broken: dict[str, str], paused: dict[str, str]) -> None:
        """Count definitions that are passed over, and name each once."""
        if broken:
            self._metrics.count("recommender.experiments_broken", len(broken))
        if paused:
            self._metrics.count("recommender.experiments_paused", len(paused))
        passed_over = frozenset((broken | paused).items())
        for id_, why in sorted(passed_over - self._told):
            _log.warning("experiment_passed_over", experiment=id_[:100], reason=why)
        self._told = passed_over

    async def _read_now_and_then(self) -> None:
        while not self._is_over.is_set():
            await self.refresh()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_over.wait(), READ_EVERY_S)


def unfitness(experiment: Experiment) -> str | None:
    """Return why this server can't run an experiment; None: it can."""
    for variant in experiment.variants:
        changes = variant.changes
        unknown = [name for name in changes.sources or () if name not in SOURCE_NAMES]
        if unknown:
            return (
                f"variant {variant.name!r}: there is no source {unknown[0][:100]!r};"
                f" the sources are {', '.join(sorted(SOURCE_NAMES))}"
            )
    return None
