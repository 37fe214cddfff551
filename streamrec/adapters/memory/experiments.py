"""Experiments in memory: for tests, and for evaluation without a disk."""

from abc import abstractmethod

from streamrec.domain.experiments.definition import Experiment, encode_experiment
from streamrec.ports import Lease
from streamrec.ports.experiments import StoredExperiments, read_stored


class MemoryExperiments:
    """Implements `ExperimentCatalog` and `ExperimentStore` over the same documents.

    What one thread reads another may change: dictionaries are copied before they are gone through.

    Attributes
    ----------
    documents
        Version and JSON of each definition, by id.
    """

    def __init__(self) -> None:
        self.documents: dict[str, tuple[int, bytes]] = {}
        self._results: dict[str, bytes] = {}

    @abstractmethod
    def _check(self, lease: Lease) -> None: ...

    def read_experiments(self) -> StoredExperiments:
        """Return all definitions."""
        return read_stored((id_, *stored) for id_, stored in self.documents.copy().items())

    def replace_experiment(self, experiment: Experiment, after: int) -> bool:
        """Store a definition if the version that is stored is `after`; return whether it was."""
        version, _ = self.documents.get(experiment.id, (0, b""))
        if version == after:
            self.documents[experiment.id] = experiment.version, encode_experiment(experiment)
        return version == after

    def write_results(self, experiment_id: str, results: bytes, lease: Lease) -> bool:
        """Replace the results of an experiment; return whether it is still there.

        Raises
        ------
        LeaseLost
            When a larger token has been given out.
        """
        self._check(lease)
        if experiment_id in self.documents:
            self._results[experiment_id] = results
        return experiment_id in self.documents

    async def get_experiments(self) -> StoredExperiments:
        """Return all definitions."""
        return self.read_experiments()

    async def put_experiment(self, experiment: Experiment, after: int) -> bool:
        """Store a definition if the version that is stored is `after`; return whether it was."""
        return self.replace_experiment(experiment, after)

    async def delete_experiment(self, experiment_id: str) -> bool:
        """Delete definition and results; return whether it was there."""
        self._results.pop(experiment_id, None)
        return self.documents.pop(experiment_id, None) is not None

    async def get_results(self, experiment_id: str) -> bytes | None:
        """Return the results that were written last; None before the first."""
        return self._results.get(experiment_id)
