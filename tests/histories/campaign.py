"""Histories one after the other, in one system for as long as none fails; what fails is shrunk."""

import shutil
from pathlib import Path

from tests.histories.actions.steps import Step
from tests.histories.generate import generated, kept
from tests.histories.happen import Failed, happen
from tests.histories.shrink import shrunk
from tests.histories.system.system import System
from tests.histories.truth import Place


class Campaign:
    """Histories in one place.

    Parameters
    ----------
    folder
        For the system, and for what its processes said when a history failed.
    n_actions
        In each history.

    Attributes
    ----------
    place
        What is below.
    """

    def __init__(self, folder: Path, place: Place, n_actions: int, *, is_shrinking: bool = True) -> None:
        self._folder = folder
        self.place: Place = place
        self._n_actions = n_actions
        self._is_shrinking = is_shrinking
        self._system: System | None = None
        self._n_systems = 0

    def failure_of(self, seed: int) -> str | None:
        """Let the history of a seed happen; return how it failed, and how to see that again."""
        steps = generated(seed, self._n_actions, self.place)
        why = self._failure(steps)
        if why is None:
            return None
        again = f"python -m tests.histories --seed {seed} --on {self.place} --actions {self._n_actions}"
        if self._is_shrinking:
            steps = shrunk(steps, lambda some: self._failure(some) is not None, self._kept)
        return "\n".join([f"failed: {why}", f"again: {again}", "the shortest that fails:", *map(str, steps)])

    def close(self) -> None:
        """End what runs."""
        if self._system is not None:
            self._system.close()
            self._system = None

    def system(self) -> System:
        """Return the system that runs; a new one where none does."""
        if self._system is None:
            self._n_systems += 1
            folder = self._folder / f"{self.place}-{self._n_systems}"
            folder.mkdir()
            self._system = System(folder, self.place)
        return self._system

    def _failure(self, steps: list[Step]) -> str | None:
        """Return how a history fails; what failed is no system for the next one."""
        try:
            happen(self.system(), steps)
        except Failed as failed:
            self._keep_what_was_said(str(failed))
            self.close()
            return str(failed)
        return None

    def _keep_what_was_said(self, why: str) -> None:
        """Keep it at once: to find a shorter history that fails takes an hour."""
        assert self._system is not None
        (self._folder / f"{self._system.folder.name}-failed.txt").write_text(why)
        for log in self._system.folder.glob("*.log"):
            shutil.copy(log, self._folder / f"{self._system.folder.name}-{log.name}")

    def _kept(self, steps: list[Step]) -> list[Step]:
        return kept(steps, self.place)
