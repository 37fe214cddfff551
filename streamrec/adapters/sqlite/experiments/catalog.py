"""Experiments in a SQLite file, as a server uses them."""

import sqlite3
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from streamrec.adapters.sqlite.experiments import table
from streamrec.domain.experiments.definition import Experiment
from streamrec.ports.experiments import StoredExperiments


class SqliteExperiments:
    """Implements `ExperimentCatalog` over whatever reads and writes the file."""

    async def get_experiments(self) -> StoredExperiments:
        """Return all definitions."""
        return table.experiments_in(self._read(table.ALL))

    async def put_experiment(self, experiment: Experiment, after: int) -> bool:
        """Store a definition if the version that is stored is `after`; return whether it was."""
        return await self._write(lambda connection: table.put(connection, experiment, after)) > 0

    async def delete_experiment(self, experiment_id: str) -> bool:
        """Delete definition and results; return whether it was there."""
        return (
            await self._write(lambda connection: connection.execute(table.DELETE, (experiment_id,)).rowcount)
            > 0
        )

    async def get_results(self, experiment_id: str) -> bytes | None:
        """Return the results that were written last; None before the first."""
        rows = self._read(table.RESULTS, experiment_id)
        return rows[0][0] if rows else None

    @abstractmethod
    def _read(self, statement: str, *parameters: str | bytes | int | None) -> list[tuple[Any, ...]]: ...

    @abstractmethod
    async def _write(self, change: Callable[[sqlite3.Connection], int]) -> int: ...
