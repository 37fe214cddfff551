"""Where the parts of one run are, and the settings of its processes: small steps, many checkpoints."""

from pathlib import Path
from typing import NamedTuple


class Places(NamedTuple):
    """Addresses of one run's parts; files are in its folder."""

    folder: Path
    events: str
    vectors: str
    store: str
    cache: str

    @property
    def artifacts(self) -> Path:
        """Folder of the generations."""
        return self.folder / "artifacts"


def places_in(folder: Path) -> Places:
    """Return the places of a run that needs no server."""
    return Places(
        folder, *(f"sqlite:///{folder}/{name}.db" for name in ("events", "vectors", "store", "cache"))
    )


def environment(places: Places) -> dict[str, str]:
    """Return what every process is started with."""
    return {
        "STREAMREC_EVENTS_URL": places.events,
        "STREAMREC_CHANGELOG_URL": places.vectors,
        "STREAMREC_STORE_URL": places.store,
        "STREAMREC_CACHE_URL": places.cache,
        "STREAMREC_ARTIFACTS_DIR": str(places.artifacts),
        "STREAMREC_LEARNING_EMBEDDING_DIM": "8",
        "STREAMREC_TRAINER_MAX_BATCH": "64",
        "STREAMREC_TRAINER_POLL_TIMEOUT_S": "0.01",
        "STREAMREC_TRAINER_CHECKPOINT_INTERVAL_S": "0.03",
        "STREAMREC_TRAINER_STATUS_INTERVAL_S": "0.02",
        "STREAMREC_TRAINER_LEASE_DURATION_S": "0.3",
        "STREAMREC_ATTRIBUTION_SETTLE_S": "0.2",
        "STREAMREC_ATTRIBUTION_MAX_BATCH": "60",
        "STREAMREC_ATTRIBUTION_CHECKPOINT_INTERVAL_S": "0.03",
        "STREAMREC_ATTRIBUTION_RESULTS_INTERVAL_S": "0.05",
        "STREAMREC_ATTRIBUTION_LEASE_DURATION_S": "0.3",
        "STREAMREC_HISTORY_MAX_BATCH": "50",
        "STREAMREC_HISTORY_POLL_TIMEOUT_S": "0.01",
        "STREAMREC_HISTORY_CHECKPOINT_INTERVAL_S": "0.03",
        "STREAMREC_HISTORY_PUBLISH_INTERVAL_S": "0.02",
        "STREAMREC_HISTORY_LEASE_DURATION_S": "0.3",
        "STREAMREC_LOG_LEVEL": "INFO",
    }
