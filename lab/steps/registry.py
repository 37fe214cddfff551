"""All steps; a new one is a file and a line here."""

from lab.steps.build_features import BUILD_FEATURES
from lab.steps.evaluate import EVALUATE
from lab.steps.generate_data import GENERATE_DATA
from lab.steps.generate_recommendations import GENERATE_RECOMMENDATIONS
from lab.steps.run_experiments import RUN_EXPERIMENTS
from lab.steps.step import Step
from lab.steps.train_models import TRAIN_MODELS
from lab.steps.tune_als import TUNE_ALS

STEPS: tuple[Step, ...] = (
    GENERATE_DATA,
    BUILD_FEATURES,
    TRAIN_MODELS,
    GENERATE_RECOMMENDATIONS,
    EVALUATE,
    RUN_EXPERIMENTS,
)
"""In the order in which `all` runs them."""

APART: tuple[Step, ...] = (TUNE_ALS,)
"""Steps that no other one needs, and that `all` leaves out."""
