"""The model that is live, by what stands beside its snapshot."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recommender_server.own_data.schemas import LiveModel
from streamrec.adapters.files.snapshots import current_generation, read_manifest
from streamrec.errors import StreamrecError


def live_model(artifacts_dir: Path) -> LiveModel | None:
    """Return the live generation, and what it learned from if that can be read; None: there is none."""
    try:
        generation = current_generation(artifacts_dir)
        if generation is None:
            return None
        manifest = read_manifest(artifacts_dir, generation)
    except StreamrecError:
        return None
    told: Mapping[str, Any] = manifest.provenance
    name = _below(told, "data", "name")
    recall = _below(told, "metrics", "gmf", "recall_at_10")
    return LiveModel(
        generation,
        learned_from=str(name) if name is not None else None,
        created_at=manifest.created_at,
        recall_at_10=recall if isinstance(recall, float) else None,
    )


def _below(told: Any, *names: str) -> Any:  # noqa: ANN401 - JSON that another version may have written
    for name in names:
        told = told.get(name) if isinstance(told, Mapping) else None
    return told
