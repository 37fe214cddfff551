"""The models that can be measured, by name."""

from collections.abc import Callable
from typing import NamedTuple

from streamrec.domain.ranking.prequential import Events, ListRanker, Ranker
from streamrec.evaluation.counting import CountingRanker
from streamrec.evaluation.covisitation_ranker import CoVisitationRanker
from streamrec.evaluation.fold_in import FoldInRanker
from streamrec.evaluation.protocol import Protocol
from streamrec.evaluation.served import ServedModel
from streamrec.evaluation.streamed import StreamedGmf
from streamrec.learning.gmf_ranker import GmfRanker
from streamrec.learning.initial.fit import fit_initial
from streamrec.learning.learner import Learner
from streamrec.learning.state.trainer_state import TrainerState

_HALF_LIFE_EVENTS = 1000.0
"""Of decayed popularity; a half-life in hours would suit one data set only."""


class Model(NamedTuple):
    """A kind of model.

    Attributes
    ----------
    fitted
        Returns a model of this kind that has learned a history.
    has_chance
        Whether another seed gives another model.
    """

    fitted: Callable[[Events, Protocol], Ranker | ListRanker]
    has_chance: bool


def _popularity(history: Events, protocol: Protocol) -> Ranker:
    ranker = CountingRanker()
    ranker.learn(history)
    return ranker


def _decayed_popularity(history: Events, protocol: Protocol) -> Ranker:
    ranker = CountingRanker(half_life_events=_HALF_LIFE_EVENTS)
    ranker.learn(history)
    return ranker


def _gmf(history: Events, protocol: Protocol) -> Ranker:
    learner = _fitted_learner(history, protocol)
    return GmfRanker(learner) if protocol.pace is None else StreamedGmf(learner, protocol.pace)


def _fold_in(history: Events, protocol: Protocol) -> Ranker:
    return FoldInRanker(_fitted_learner(history, protocol))


def _fitted_learner(history: Events, protocol: Protocol) -> Learner:
    learner = Learner(protocol.learning)
    fit_initial(learner, history, protocol.fit)
    return learner


def _covisitation(history: Events, protocol: Protocol) -> Ranker:
    state = TrainerState("evaluation", protocol.learning, protocol.trainer)
    ranker = CoVisitationRanker(state.covisitation, state.history_length, state.n_recent)
    ranker.learn(history)
    return ranker


# A name each, which scripts and result files use; docs/reference/evaluation.md says what they are.
MODELS: dict[str, Model] = {
    "popularity": Model(_popularity, has_chance=False),
    "decayed_popularity": Model(_decayed_popularity, has_chance=False),
    "gmf": Model(_gmf, has_chance=True),
    "fold_in": Model(_fold_in, has_chance=True),
    "covisitation": Model(_covisitation, has_chance=False),
    "served": Model(ServedModel, has_chance=True),
}

EARLIER_NAMES = {"context": "gmf"}
"""Names that models had before: the GMF with the user's last items stood beside one without them."""
