"""Ports of the experiments' documents: definitions, and the results of each, as JSON."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from streamrec.domain.experiments.definition import Experiment, decode_experiment
from streamrec.errors import Damaged
from streamrec.ports.leases import Lease


class StoredExperiments(NamedTuple):
    """Definitions in the order of their ids, and why others can't be read, by id."""

    experiments: list[Experiment]
    broken: dict[str, str]


class ExperimentCatalog(Protocol):
    """Experiments as a server uses them."""

    async def get_experiments(self) -> StoredExperiments:
        """Return all definitions, never an older state than was acknowledged."""

    async def put_experiment(self, experiment: Experiment, after: int) -> bool:
        """Store a definition if the version that is stored is `after`; return whether it was.

        0: there is none. What can't be read has the version that it is stored under.
        """

    async def delete_experiment(self, experiment_id: str) -> bool:
        """Delete definition and results; return whether it was there."""

    async def get_results(self, experiment_id: str) -> bytes | None:
        """Return the results that were written last; None before the first."""


class ExperimentStore(Protocol):
    """Experiments as a process uses them that follows the stream."""

    def read_experiments(self) -> StoredExperiments:
        """Return all definitions."""

    def replace_experiment(self, experiment: Experiment, after: int) -> bool:
        """Store a definition if the version that is stored is `after`; return whether it was."""

    def write_results(self, experiment_id: str, results: bytes, lease: Lease) -> bool:
        """Replace the results of an experiment; return whether it is still there.

        Raises
        ------
        LeaseLost
            When a larger token than the lease's has been given out, or has written.
        """


def read_stored(documents: Iterable[tuple[object, object, object]]) -> StoredExperiments:
    """Return definitions out of ids, versions and JSON; one that can't be read hides no other."""
    experiments, broken = [], {}
    for id_, version, document in documents:
        name = id_.decode(errors="replace") if isinstance(id_, bytes) else str(id_)
        payload = document.encode(errors="replace") if isinstance(document, str) else document
        if not isinstance(payload, bytes):
            broken[name] = "it holds no definition"
            continue
        try:
            experiment = decode_experiment(payload)
        except Damaged as error:
            broken[name] = str(error)
            continue
        if (experiment.id, experiment.version) == (name, version):
            experiments.append(experiment)
        else:
            broken[name] = f"it holds version {experiment.version} of {experiment.id!r}"
    return StoredExperiments(sorted(experiments, key=lambda one: one.id), broken)
