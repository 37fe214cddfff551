"""Counts of one era of an experiment: what its users did so far, and the sums over those who are done.

A user's outcome is what happened in the definition's `outcome_s` after the first exposure, and is one
observation once that time has passed. A user who was shown lists of several variants in it is none.
"""

import heapq
from hashlib import blake2b

import msgspec

from streamrec.domain.experiments.attribution import CLICK, PURCHASE, Act, Showing
from streamrec.domain.experiments.definition import Experiment
from streamrec.domain.experiments.outcomes import ExperimentOutcomes, Preferences, VariantOutcomes

SESSION_GAP_S = 1800.0
"""A pause of a user that is longer begins another session, as tools of web analytics have it."""


class UserOutcome(msgspec.Struct, gc=False, array_like=True):
    """Outcome of one user: what was done since the first exposure.

    Attributes
    ----------
    since
        Unix seconds of the first exposure.
    before
        Rate of the user's events at that time.
    n_answered
        Exposures with a click.
    n_events, n_sessions
        Of all the user did, whether attributed or not; `last_at` is the time of the last.
    is_multiple
        Whether there were lists of several variants.
    credit
        Clicks on items of interleaved lists, by variant.
    """

    variant: str
    since: float
    before: float
    n_exposures: int = 0
    n_answered: int = 0
    n_clicks: int = 0
    n_purchases: int = 0
    value: float = 0.0
    n_events: int = 0
    n_sessions: int = 0
    last_at: float = 0.0
    is_multiple: bool = False
    credit: dict[str, float] = {}

    def metrics(self) -> dict[str, float]:
        """Return the outcome in each metric."""
        return {
            "ctr": self.n_answered / max(self.n_exposures, 1),
            "clicks": float(self.n_clicks),
            "purchases": float(self.n_purchases),
            "purchase_rate": float(self.n_purchases > 0),
            "value": self.value,
            "depth": self.n_events / max(self.n_sessions, 1),
        }


class TallyState(msgspec.Struct):
    """Everything that is kept of an era, for a checkpoint.

    Attributes
    ----------
    open
        Users whose outcome is not complete, by id.
    due
        A heap of the times at which they are, in Unix seconds.
    closed
        Digests of users who are done: each is one observation.
    """

    era: int
    outcomes: ExperimentOutcomes
    open: dict[str, UserOutcome] = {}
    due: list[tuple[float, str]] = []
    closed: dict[int, None] = {}


class EraTally:
    """Counts of the present era of an experiment.

    Parameters
    ----------
    most
        Users whose outcome is open, and users who are done, at most.

    Attributes
    ----------
    experiment
        The definition; one of the same era may take its place.
    """

    def __init__(self, experiment: Experiment, most: int, state: TallyState | None = None) -> None:
        self.experiment = experiment
        self._most = most
        self.state = TallyState(experiment.era, _no_outcomes(experiment)) if state is None else state
        self.n_not_taken = self.n_evicted = 0

    def is_of(self, experiment: Experiment) -> bool:
        """Return whether a definition is of this era: not of a later one, nor of a namesake."""
        return (self.experiment.created_at, self.state.era) == (experiment.created_at, experiment.era)

    def show(self, showing: Showing, variant: str, before: float) -> None:
        """Count a list that was shown; begin its user's outcome if it is the first.

        Parameters
        ----------
        before
            Rate of the user's events.
        """
        state, user_id = self.state, showing.user_id
        of_variant = state.outcomes.variants[variant]
        of_variant.n_exposures += 1
        of_variant.n_impressions += len(showing.items)
        outcome = state.open.get(user_id)
        if outcome is None:
            outcome = self._begin(user_id, showing.at, variant, before)
        if outcome is None or showing.at > self._due_of(outcome):
            return
        if outcome.variant == variant:
            outcome.n_exposures += 1
        elif not outcome.is_multiple:
            outcome.is_multiple = True
            state.outcomes.n_multiple_exposed += 1
            state.outcomes.variants[outcome.variant].n_users -= 1

    def _begin(self, user_id: str, at: float, variant: str, before: float) -> UserOutcome | None:
        """Begin a user's outcome; None for one who is done, or for whom there is no room."""
        state = self.state
        if _digest(user_id) in state.closed:
            return None
        if len(state.open) >= self._most:
            self.n_not_taken += 1
            return None
        outcome = state.open[user_id] = UserOutcome(variant, at, before)
        heapq.heappush(state.due, (self._due_of(outcome), user_id))
        state.outcomes.variants[variant].n_users += 1
        return outcome

    def note(self, act: Act) -> None:
        """Count an event of a user whose outcome is open as activity."""
        outcome = self._open_at(act)
        if outcome is None:
            return
        outcome.n_sessions += not outcome.n_events or act.at - outcome.last_at > SESSION_GAP_S
        outcome.n_events += 1
        outcome.last_at = act.at

    def attribute(self, showing: Showing, variant: str, act: Act) -> bool:
        """Count an event as an answer to a list of this era; False when one of its kind was counted there."""
        position = showing.items.index(act.item_id)
        answer = (self.experiment.id, position, act.kind)
        if answer in showing.answers:
            return False
        is_first = not showing.is_answered(self.experiment.id, act.kind)
        showing.answers.append(answer)
        of_variant, outcome = self.state.outcomes.variants[variant], self._open_at(act)
        if outcome is not None and showing.at < outcome.since:
            outcome = None
        if act.kind == CLICK:
            of_variant.n_clicks += 1
            if outcome is not None:
                outcome.n_clicks += 1
                outcome.n_answered += is_first
                self._credit(outcome, showing, position)
        elif act.kind == PURCHASE:
            of_variant.n_purchases += 1
            if outcome is not None:
                outcome.n_purchases += 1
                outcome.value += act.value
        return True

    def _credit(self, outcome: UserOutcome, showing: Showing, position: int) -> None:
        """Credit a click to the variant that the item is of."""
        names = self.experiment.names
        if showing.interleaved == self.experiment.id and showing.teams:
            team = showing.teams[position]
            if team < len(names):
                outcome.credit[names[team]] = outcome.credit.get(names[team], 0.0) + 1.0

    def close(self, before: float) -> int:
        """Turn the outcomes into observations whose time was over before a time; return how many."""
        state, n_closed = self.state, 0
        while state.due and state.due[0][0] < before:
            _, user_id = heapq.heappop(state.due)
            self._observe(state.open.pop(user_id))
            state.closed[_digest(user_id)] = None
            if len(state.closed) > self._most:
                del state.closed[next(iter(state.closed))]
                self.n_evicted += 1
            n_closed += 1
        return n_closed

    def _observe(self, outcome: UserOutcome) -> None:
        if outcome.is_multiple:
            return
        outcomes = self.state.outcomes
        of_variant = outcomes.variants[outcome.variant]
        for name, value in outcome.metrics().items():
            of_variant.add(name, value, outcome.before)
        if outcomes.preferences is not None:
            names = self.experiment.names
            credit = {name: outcome.credit.get(name, 0.0) for name in names}
            outcomes.preferences.add(credit, self.experiment.control)

    def forget(self, user_id: str) -> None:
        """Drop a user's outcome; what was counted of it by variant names nobody, and stays."""
        state = self.state
        state.closed.pop(_digest(user_id), None)
        if state.open.pop(user_id, None) is not None:
            state.due = [entry for entry in state.due if entry[1] != user_id]
            heapq.heapify(state.due)

    def _open_at(self, act: Act) -> UserOutcome | None:
        """Return the outcome that an event is a part of."""
        outcome = self.state.open.get(act.user_id)
        if outcome is None or not outcome.since <= act.at <= self._due_of(outcome):
            return None
        return outcome

    def _due_of(self, outcome: UserOutcome) -> float:
        return outcome.since + self.experiment.outcome_s


def _no_outcomes(experiment: Experiment) -> ExperimentOutcomes:
    is_interleaved = experiment.design == "interleaved"
    names = ("interleaved",) if is_interleaved else experiment.names
    return ExperimentOutcomes(
        {name: VariantOutcomes() for name in names},
        preferences=Preferences() if is_interleaved else None,
    )


def _digest(user_id: str) -> int:
    digest = blake2b(user_id.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big")
