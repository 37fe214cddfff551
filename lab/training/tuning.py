"""Search for the settings of ALS that are best on the validation part."""

from collections.abc import Callable

import msgspec
import numpy as np
from scipy import sparse

from lab.configuration.lab_settings import LabSettings
from lab.configuration.model_sections import AlsSection
from lab.dataset.split import Split
from lab.evaluation.accuracy import Values, hits_of, ndcg
from lab.matrices.cells import Csr
from lab.scoring.scoring_model import history_of
from lab.training.configured_models import SINGLE
from lab.training.split_data import rules_of
from lab.training.training import Validation, validation_of
from lab.training.work_apart import Timed
from streamrec.experiments.statistics.bootstrap import mean_bounds

ALS = "als"
_K = 10

_FACTORS = (16, 32, 64, 128)
_REGULARIZATION = (1e-3, 10.0)
_ALPHA = (0.1, 100.0)
"""Values that are drawn: one of the first, and log-uniform ones between the bounds of the others."""


class TriedAls(msgspec.Struct, frozen=True):
    """Settings of ALS, and how they did.

    Attributes
    ----------
    ndcg, low, high
        Mean NDCG@10 over the users of the validation part, and its interval at 95 %.
    fit_cpu_s
        Processor time of fitting, on the training part alone.
    """

    factors: int
    regularization: float
    alpha: float
    ndcg: float
    low: float
    high: float
    fit_cpu_s: float

    def options(self) -> str:
        """Return what a command takes to train with these settings."""
        values = (("factors", self.factors), ("regularization", self.regularization), ("alpha", self.alpha))
        return " ".join(f"--set models.{ALS}.{name}={value!r}" for name, value in values)


class TunedAls(msgspec.Struct, frozen=True):
    """All settings that were tried, best first, and the number of users they were judged by."""

    n_users: int
    tried: list[TriedAls]


def tuned_als(split: Split, settings: LabSettings, advance: Callable[[int], None]) -> TunedAls:
    """Try settings one after the other: the configured ones, and others drawn at random.

    Random search (Bergstra, Bengio 2012, Random search for hyper-parameter optimization). Iterations and seed
    stay as they are configured. All settings are judged by the same users, by items that were new to them.

    Parameters
    ----------
    advance
        Takes the number of settings that were tried.

    Raises
    ------
    InvalidInput
        When nobody in the validation part chose anything new.
    """
    before = history_of(split.training, split.training.catalog, rules_of(settings))
    validation = validation_of(before, split.validation)
    relevant = _relevant(validation)
    tried = []
    for number, section in enumerate(drawn_settings(settings), 1):
        tried.append(_tried(section, settings, validation, relevant))
        advance(number)
    return TunedAls(len(validation.rows), sorted(tried, key=lambda one: -one.ndcg))


def drawn_settings(settings: LabSettings) -> list[AlsSection]:
    """Return the configured settings, and `tuning.n_settings` - 1 others; equal seeds draw equal ones."""
    rng, configured = np.random.default_rng(settings.tuning.seed), settings.models.als
    drawn = [configured]
    for _ in range(settings.tuning.n_settings - 1):
        factors = int(rng.choice(_FACTORS))
        regularization, alpha = (
            float(f"{np.exp(rng.uniform(*np.log(bounds))):.3g}") for bounds in (_REGULARIZATION, _ALPHA)
        )
        drawn.append(
            msgspec.structs.replace(configured, factors=factors, regularization=regularization, alpha=alpha)
        )
    return drawn


def _tried(section: AlsSection, settings: LabSettings, validation: Validation, relevant: Csr) -> TriedAls:
    models = msgspec.structs.replace(settings.models, als=section)
    model, timed = SINGLE[ALS](msgspec.structs.replace(settings, models=models)), Timed()
    model.learn(validation.before)
    cost = timed.cost()
    columns = model.lists(validation.rows, _K).columns
    values: Values = ndcg(hits_of(columns, relevant), np.diff(relevant.indptr), _K)
    ((low, high),) = mean_bounds(values[:, None], settings.tuning.seed)
    return TriedAls(
        section.factors, section.regularization, section.alpha, float(values.mean()), low, high, cost.cpu_s
    )


def _relevant(validation: Validation) -> Csr:
    """Return (V, I) cells of what the users chose."""
    lengths = [len(items) for items in validation.relevant]
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    columns = np.concatenate(validation.relevant)
    shape = (len(lengths), len(validation.before.matrix.items))
    return sparse.csr_array((np.ones(len(columns)), columns, indptr), shape=shape)
