"""Experiments as admins create, change and stop them."""

import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from streamrec.domain.experiments.definition import Experiment, checked
from streamrec.domain.experiments.editing import refuse_conflicts, successor
from streamrec.errors import Conflict, InvalidInput, UnknownId
from streamrec.ports import ExperimentCatalog, StoredExperiments
from streamrec.serving.experiments.running import unfitness

MAX_EXPERIMENTS = 1000
"""Definitions in the store: each server reads all of them, three times a second."""

_TRIES = 20
"""Of a ramp or a stop, against others who edit at the same time."""


class Told(NamedTuple):
    """A definition, and its results as JSON; None before the first."""

    definition: Experiment
    results: bytes | None


class ExperimentEditor:
    """Changes definitions, each after the version that was read.

    Parameters
    ----------
    challenger
        Returns the generation that is challenger, None where there is none.
    clock
        Unix seconds.
    """

    def __init__(
        self,
        store: ExperimentCatalog,
        challenger: Callable[[], Awaitable[str | None]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._challenger, self._clock = store, challenger, clock

    async def all(self) -> StoredExperiments:
        """Return all definitions, and why others can't be read."""
        return await self._store.get_experiments()

    async def read(self, experiment_id: str) -> Told:
        """Return an experiment with its results.

        Raises
        ------
        UnknownId
            When there is none, or none that can be read.
        """
        definition = await self._one(experiment_id)
        return Told(definition, await self._store.get_results(experiment_id))

    async def put(self, wanted: Experiment, after: int) -> Experiment:
        """Create or replace an experiment; return it as it is stored.

        Parameters
        ----------
        after
            Version that was read, 0 for a new one. Version, era and times of `wanted` do not count.

        Raises
        ------
        InvalidInput
            When its parts do not fit each other, it can't run beside others, or is to run with a challenger
            where there is none.
        Conflict
            When another version is stored.
        """
        checked(wanted)
        if (why := unfitness(wanted)) is not None:
            raise InvalidInput(why)
        found = await self._store.get_experiments()
        known = {one.id: one for one in found.experiments}
        if wanted.state == "running":
            refuse_conflicts(wanted, found.experiments)
        old, now = known.get(wanted.id), self._clock()
        stored = 0 if old is None else old.version
        if after != stored:
            raise _changed_meanwhile(wanted.id, after, stored)
        if old is None:
            if wanted.id in found.broken:
                raise Conflict(
                    f"experiment {wanted.id!r} can't be read ({found.broken[wanted.id]}): delete it"
                )
            if len(known) + len(found.broken) >= MAX_EXPERIMENTS:
                raise InvalidInput(f"there are {MAX_EXPERIMENTS} experiments: delete some that are stopped")
            new = msgspec.structs.replace(wanted, version=1, era=1, created_at=now, changed_at=now)
        else:
            new = successor(old, wanted, now)
        new = await self._with_challenger(_with_stop(old, new, now), old)
        if not await self._store.put_experiment(new, after):
            raise _changed_meanwhile(wanted.id, after, None)
        return await self._undisputed(new)

    async def _undisputed(self, stored: Experiment) -> Experiment:
        """Return what was stored; stop it where another was stored meanwhile that it can't run beside.

        Two that are started at one moment, perhaps in two processes, find nothing of each other before they
        are stored. Afterwards at least one finds the other.

        Raises
        ------
        Conflict
            When it was stopped.
        """
        if stored.state == "running":
            try:
                refuse_conflicts(stored, (await self._store.get_experiments()).experiments)
            except InvalidInput as error:
                await self.stop(stored.id, "started at the same moment as another that it can't run beside")
                raise Conflict(
                    f"{error} (both were started at the same moment, and {stored.id!r} is stopped again)"
                ) from error
        return stored

    async def _with_challenger(self, new: Experiment, old: Experiment | None) -> Experiment:
        """Return a definition that says which generation is its challenger, the same for a whole era."""
        if not new.has_challenger or new.state == "draft":
            return msgspec.structs.replace(new, challenger=None)
        if new.state == "stopped" or (old is not None and old.era == new.era):
            return msgspec.structs.replace(new, challenger=None if old is None else old.challenger)
        challenger = await self._challenger()
        if challenger is None:
            raise InvalidInput(
                "there is no challenger that could answer: `python initial_training.py --as-challenger` makes"
                " one, and a trainer has to follow it"
            )
        return msgspec.structs.replace(new, challenger=challenger)

    async def ramp(self, experiment_id: str, percent: float) -> Experiment:
        """Let so many percent of the slice take part; return the new version.

        Raises
        ------
        InvalidInput
            When it does not run.
        """

        def ramped(old: Experiment) -> Experiment:
            if old.state != "running":
                raise InvalidInput(f"experiment {experiment_id!r} does not run: its state is {old.state!r}")
            return msgspec.structs.replace(old, ramp=percent)

        return await self._edit(experiment_id, ramped)

    async def stop(self, experiment_id: str, reason: str, stopped_by: str = "admin") -> Experiment:
        """Stop it; without effect where it is stopped already."""

        def stopped(old: Experiment) -> Experiment:
            if old.state == "stopped":
                return old
            return msgspec.structs.replace(
                old, state="stopped", stopped_at=self._clock(), stopped_by=stopped_by, reason=reason or None
            )

        return await self._edit(experiment_id, stopped)

    async def delete(self, experiment_id: str) -> None:
        """Delete an experiment with its results, also one that can't be read.

        Raises
        ------
        Conflict
            When it runs.
        UnknownId
            When there is none.
        """
        found = await self._store.get_experiments()
        if any(one.id == experiment_id and one.state == "running" for one in found.experiments):
            raise Conflict(f"experiment {experiment_id!r} runs: stop it first")
        if not await self._store.delete_experiment(experiment_id):
            raise UnknownId(f"there is no experiment {experiment_id[:100]!r}")

    async def _one(self, experiment_id: str) -> Experiment:
        found = await self._store.get_experiments()
        for one in found.experiments:
            if one.id == experiment_id:
                return one
        if experiment_id in found.broken:
            why = found.broken[experiment_id]
            raise Conflict(f"experiment {experiment_id!r} can't be read ({why}): delete it")
        raise UnknownId(f"there is no experiment {experiment_id[:100]!r}")

    async def _edit(self, experiment_id: str, change: Callable[[Experiment], Experiment]) -> Experiment:
        for _ in range(_TRIES):
            old = await self._one(experiment_id)
            edited = change(old)
            if edited == old:
                return old
            new = successor(old, edited, self._clock())
            if await self._store.put_experiment(new, old.version):
                return new
        raise Conflict(f"experiment {experiment_id!r} is changed by others all the time: try again")


def _with_stop(old: Experiment | None, new: Experiment, now: float) -> Experiment:
    """Return a definition that says when and by whom it was stopped, if it is."""
    if new.state != "stopped":
        return msgspec.structs.replace(new, stopped_at=None, stopped_by=None, reason=None, verdict=None)
    if old is not None and old.state == "stopped":
        return msgspec.structs.replace(
            new, stopped_at=old.stopped_at, stopped_by=old.stopped_by, reason=old.reason, verdict=old.verdict
        )
    return msgspec.structs.replace(new, stopped_at=now, stopped_by="admin", reason=None, verdict=None)


def _changed_meanwhile(experiment_id: str, after: int, stored: int | None) -> Conflict:
    if after and stored == 0:
        return Conflict(f"there is no experiment {experiment_id!r} any more: version 0 creates it")
    if not after and stored:
        return Conflict(
            f"there is an experiment {experiment_id!r} already, at version {stored}: read it and edit that,"
            " or choose another id"
        )
    what = f"version {stored} is stored" if stored else "somebody else was faster"
    return Conflict(f"experiment {experiment_id!r} is not at version {after}: {what}; read it and edit that")
