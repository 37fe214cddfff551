"""Experiments over the ports of the servers."""

import random
from typing import NamedTuple

from streamrec.ports import EventSink, ExperimentCatalog, Metrics
from streamrec.serving.experiments.editor import ExperimentEditor
from streamrec.serving.experiments.experimenting import ExperimentingRecommender, ExposureRules
from streamrec.serving.experiments.exposure_log import ExposureLog
from streamrec.serving.experiments.running import RunningExperiments
from streamrec.serving.experiments.variants import Usual, Variants
from streamrec.serving.guard import Guard


class Experimenting(NamedTuple):
    """Recommender under experiments, and what works beside its answers."""

    recommender: ExperimentingRecommender
    editor: ExperimentEditor
    running: RunningExperiments
    log: ExposureLog

    def start(self) -> None:
        """Begin to read which experiments run."""
        self.running.start()

    async def aclose(self) -> None:
        """Stop, and append what was shown last."""
        await self.running.aclose()
        await self.log.aclose()


def experimenting_over(
    usual: Usual,
    store: ExperimentCatalog,
    sink: EventSink,
    metrics: Metrics,
    timeout_s: float,
    exposures: ExposureRules,
) -> Experimenting:
    """Return experiments over these parts.

    Parameters
    ----------
    timeout_s
        Longest wait for the store.
    """
    guard = Guard("store", timeout_s, metrics)
    running = RunningExperiments(store, guard, usual.challenger, metrics)
    log = ExposureLog(sink, metrics, exposures.wait_s)
    # Not for secrets: which new items are shown.
    variants = Variants(usual, random.Random())
    recommender = ExperimentingRecommender(running, variants, log, metrics, exposures.of)
    return Experimenting(recommender, ExperimentEditor(store, usual.challenger.generation), running, log)
