"""From the configuration to models that can be fitted, by name."""

from collections.abc import Callable

from lab.configuration.lab_settings import LabSettings
from lab.scoring.scoring_model import ScoringModel
from lab.training.split_data import rules_of
from streamrec.errors import InvalidInput

N_THREADS = 2
"""Threads of models that can use several: the cores of the machine that limits are given for."""

FIXED_HYBRID, LEARNED_HYBRID = "hybrid", "hybrid_learned"


def _popularity(settings: LabSettings) -> ScoringModel:
    from lab.scoring.popularity import PopularityOptions, RecencyPopularity

    section = settings.models.popularity
    return RecencyPopularity(PopularityOptions(rules_of(settings), section.half_life_days))


def _als(settings: LabSettings) -> ScoringModel:
    from lab.scoring.als import AlsModel, AlsOptions

    section = settings.models.als
    return AlsModel(
        AlsOptions(
            rules_of(settings),
            factors=section.factors,
            iterations=section.iterations,
            regularization=section.regularization,
            alpha=section.alpha,
            seed=section.seed,
            n_threads=N_THREADS,
        )
    )


def _item_cf(settings: LabSettings) -> ScoringModel:
    from lab.scoring.item_cosine import ItemCosine, ItemCosineOptions

    section = settings.models.item_cf
    return ItemCosine(ItemCosineOptions(rules_of(settings), section.neighbours, N_THREADS))


def _content(settings: LabSettings) -> ScoringModel:
    from lab.scoring.content import ContentModel, ContentOptions

    section = settings.models.content
    return ContentModel(ContentOptions(rules_of(settings), section.max_terms, section.min_items))


def _svd(settings: LabSettings) -> ScoringModel:
    from lab.scoring.svd_neighbours import SvdNeighbours, SvdOptions

    section = settings.models.svd
    return SvdNeighbours(SvdOptions(rules_of(settings), section.dims, section.neighbours, section.seed))


def _streamed_gmf(settings: LabSettings) -> ScoringModel:
    from lab.scoring.streamed import StreamedGmf, StreamedGmfOptions

    section = settings.models.streaming
    return StreamedGmf(
        StreamedGmfOptions(rules_of(settings), section.seed, section.negatives, section.replayed)
    )


def _streamed_covisitation(settings: LabSettings) -> ScoringModel:
    from lab.scoring.streamed import StreamedCoVisitation, StreamedOptions

    return StreamedCoVisitation(StreamedOptions(rules_of(settings)))


def _ease(settings: LabSettings) -> ScoringModel:
    from lab.scoring.ease import Ease, EaseOptions

    section = settings.models.ease
    return Ease(EaseOptions(rules_of(settings), section.regularization, section.max_items))


def _session_knn(settings: LabSettings) -> ScoringModel:
    from lab.scoring.session_neighbours import SessionNeighbours, SessionOptions

    section = settings.models.session_knn
    return SessionNeighbours(
        SessionOptions(rules_of(settings), section.neighbours, section.sample, section.last)
    )


# A library is loaded when its model is: the process that starts all of them stays small.
SINGLE: dict[str, Callable[[LabSettings], ScoringModel]] = {
    "popularity": _popularity,
    "als": _als,
    "item_cf": _item_cf,
    "content": _content,
    "svd": _svd,
    "streamed_gmf": _streamed_gmf,
    "streamed_covisitation": _streamed_covisitation,
    "ease": _ease,
    "session_knn": _session_knn,
}
"""Models that are made of nothing else, by name."""

NAMES = (*SINGLE, FIXED_HYBRID, LEARNED_HYBRID)


def wanted_models(settings: LabSettings) -> list[str]:
    """Return the names of the models to train, those that others are made of first.

    Raises
    ------
    InvalidInput
        When there is no such model, or a hybrid is wanted without its parts.
    """
    hybrid = settings.models.hybrid
    wanted = list(settings.models.trained or NAMES)
    unknown = sorted(set(wanted) - set(NAMES))
    if unknown:
        raise InvalidInput(f"models.trained names {', '.join(unknown)}; there are {', '.join(NAMES)}")
    if not hybrid.learned:
        wanted = [name for name in wanted if name != LEARNED_HYBRID]
    parts = {name for name, weight in hybrid.weights.items() if weight > 0}
    if FIXED_HYBRID in wanted and not parts <= set(wanted):
        missing = ", ".join(sorted(parts - set(wanted)))
        raise InvalidInput(f"models.trained holds {FIXED_HYBRID}, but not its parts {missing}")
    if LEARNED_HYBRID in wanted and not set(wanted) & set(SINGLE):
        raise InvalidInput(f"models.trained holds {LEARNED_HYBRID}, but no model to make it of")
    return [name for name in NAMES if name in wanted]
