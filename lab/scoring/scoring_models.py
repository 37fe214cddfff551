"""All kinds of models that score every item; the code of each, and its library, is loaded when it is used."""

from importlib import import_module

from lab.scoring.scoring_model import ScoringModel
from streamrec.errors import CorruptArtifact

SCORING_MODELS: dict[str, str] = {
    "popularity": "lab.scoring.popularity.RecencyPopularity",
    "als": "lab.scoring.als.AlsModel",
    "item_cf": "lab.scoring.item_cosine.ItemCosine",
    "content": "lab.scoring.content.ContentModel",
    "svd": "lab.scoring.svd_neighbours.SvdNeighbours",
    "streamed_gmf": "lab.scoring.streamed.StreamedGmf",
    "streamed_covisitation": "lab.scoring.streamed.StreamedCoVisitation",
    "ease": "lab.scoring.ease.Ease",
    "session_knn": "lab.scoring.session_neighbours.SessionNeighbours",
    "hybrid": "lab.scoring.hybrid.Hybrid",
}
"""Kind -> class."""


def scoring_model(kind: str) -> type[ScoringModel]:
    """Return the class of a kind of model.

    Raises
    ------
    CorruptArtifact
        When there is no such kind: kinds are read from files.
    """
    if kind not in SCORING_MODELS:
        raise CorruptArtifact(f"no model of kind {kind!r}")
    module, _, name = SCORING_MODELS[kind].rpartition(".")
    found: type[ScoringModel] = getattr(import_module(module), name)
    return found
