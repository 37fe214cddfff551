"""Table of the experiments: a row each, with definition and results as JSON."""

import sqlite3
from typing import Any

from streamrec.domain.experiments.definition import Experiment, encode_experiment
from streamrec.ports.experiments import StoredExperiments, read_stored

TABLES = (
    "CREATE TABLE IF NOT EXISTS experiments (id TEXT PRIMARY KEY NOT NULL, version INTEGER NOT NULL,"
    " document TEXT NOT NULL, results TEXT) WITHOUT ROWID",
)

ALL = "SELECT CAST(id AS BLOB), version, CAST(document AS BLOB) FROM experiments"
DELETE = "DELETE FROM experiments WHERE id = ?"
RESULTS = "SELECT CAST(results AS BLOB) FROM experiments WHERE id = ?"
WRITE_RESULTS = "UPDATE experiments SET results = ? WHERE id = ?"


def experiments_in(rows: list[tuple[Any, ...]]) -> StoredExperiments:
    """Read rows of `ALL`."""
    return read_stored((id_, version, document) for id_, version, document in rows)


def put(connection: sqlite3.Connection, experiment: Experiment, after: int) -> int:
    """Store a definition if the version that is stored is `after`, 0 for none; return how many that were."""
    document = encode_experiment(experiment).decode()
    if after:
        return connection.execute(
            "UPDATE experiments SET version = ?, document = ? WHERE id = ? AND version = ?",
            (experiment.version, document, experiment.id, after),
        ).rowcount
    return connection.execute(
        "INSERT OR IGNORE INTO experiments (id, version, document) VALUES (?, ?, ?)",
        (experiment.id, experiment.version, document),
    ).rowcount
