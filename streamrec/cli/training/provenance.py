"""Models that begin without a history, told from trained ones by their provenance."""

from pathlib import Path

from streamrec.adapters.files.snapshots import current_generation, read_manifest

OF_NOTHING = {"name": "nothing"}
"""Stands in a generation's provenance where the history would."""


def is_trained(artifacts_dir: Path) -> bool:
    """Return whether there is a live generation that was trained on a history.

    Raises
    ------
    UnknownId, CorruptArtifact
        When the live one can't be read.
    """
    generation = current_generation(artifacts_dir)
    if generation is None:
        return False
    return read_manifest(artifacts_dir, generation).provenance.get("data") != OF_NOTHING
