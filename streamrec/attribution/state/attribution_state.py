"""State of the attribution: records settle in the order of their times, and change the counts of experiments.

All is a function of the records, their append times and the definitions: the same whatever the order in which
two logs are read, and however often a part of them is read again.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from streamrec.attribution.state.era_tally import EraTally
from streamrec.attribution.state.rates import UserRates
from streamrec.attribution.state.saved_state import Limits, SavedState
from streamrec.attribution.state.settling import Erased, Settling
from streamrec.domain.events.repeats import RecentIds
from streamrec.domain.experiments.attribution import OTHER, Act, Showing, ShownLists
from streamrec.domain.experiments.definition import Experiment
from streamrec.domain.experiments.exposure import Exposure

MAX_VALUE: Final = 1e12
"""Of one event: the squares of a million of them are still far from what a float can hold."""

_CLOCKS_DIFFER_S = 60.0
"""At most, those of the recommender that shows a list and of the one that took the definition in. A list from
before is of an experiment that had the same name, and was deleted."""


class AttributionState:
    """Lists, events and erasures in; counts of experiments out.

    Attributes
    ----------
    tallies
        By experiment id, of each that is defined.
    ignored
        Number of what changed no count, by reason, since `take_ignored`.
    """

    def __init__(self, limits: Limits, saved: SavedState | None = None) -> None:
        saved = saved or SavedState()
        self._limits = limits
        self._settling = Settling(limits.settle_s, limits.waiting, saved.waiting, saved.settled_to)
        self._lists = ShownLists(limits.lists, saved.lists)
        self._rates = UserRates(limits.rates, saved.rates)
        self._request_ids = RecentIds(limits.request_ids, saved.request_ids)
        self.tallies = {
            id_: EraTally(experiment, limits.users, saved.tallies[id_])
            for id_, experiment in saved.definitions.items()
            if id_ in saved.tallies
        }
        # Most of a thousand definitions are of experiments that nobody is in any more.
        self._in_use = self._with_open_users()
        self.ignored: Counter[str] = Counter()
        self._changed = set(self.tallies)

    def define(self, experiments: Mapping[str, Experiment]) -> None:
        """Take the definitions as they are now; of a new era, and of a deleted one, counts are dropped."""
        for id_ in self.tallies.keys() - experiments.keys():
            del self.tallies[id_]
        for id_, experiment in experiments.items():
            tally = self.tallies.get(id_)
            if tally is None or not tally.is_of(experiment):
                self.tallies[id_] = EraTally(experiment, self._limits.users)
                self._changed.add(id_)
            elif tally.experiment != experiment:
                tally.experiment = experiment
                self._changed.add(id_)
        self._in_use = self._with_open_users()

    def _with_open_users(self) -> dict[str, EraTally]:
        return {id_: tally for id_, tally in self.tallies.items() if tally.state.open}

    def is_newer_than_known(self, exposure: Exposure) -> bool:
        """Return whether a list belongs to an experiment, or a version of one, that is not defined here."""
        return any(
            id_ not in self.tallies or version > self.tallies[id_].experiment.version
            for id_, version, _ in exposure.experiments
        )

    def add_exposure(self, exposure: Exposure, appended_at: float) -> None:
        """Take in a list that was shown; one that was taken in before has no effect."""
        if not exposure.experiments:
            self.ignored["without_experiment"] += 1
            return
        # A caller may name many requests alike, so the id alone does not tell a repeat.
        if not self._request_ids.add(f"{exposure.request_id}\0{exposure.at!r}\0{exposure.user_id}"):
            self.ignored["repeats"] += 1
            return
        showing = Showing(
            exposure.user_id,
            exposure.at,
            exposure.request_id,
            exposure.items,
            exposure.experiments,
            exposure.teams,
            exposure.interleaved,
        )
        self._settling.add_showing(showing, appended_at)

    def add_act(self, act: Act) -> None:
        """Take in an event."""
        if abs(act.value) > MAX_VALUE:
            self.ignored["value_too_large"] += 1
            act.value = 0.0
        self._settling.add_act(act)

    def erase(self, user_id: str, at: float) -> None:
        """Forget a user, and all of the user up to a time in Unix seconds."""
        self._settling.add_erased(Erased(user_id, at))

    def settle(self, read_to: float) -> int:
        """Handle what settles once the logs are read up to a time; return how many records did."""
        n_settled = 0
        longest_s = max((tally.experiment.window_s for tally in self.tallies.values()), default=0.0)
        for at, one in self._settling.until(read_to):
            n_settled += 1
            self._close(at)
            if isinstance(one, Showing):
                self._show(one)
            elif isinstance(one, Act):
                self._act(one)
            else:
                self._forget(one.user_id)
            self._lists.expire(at - longest_s)
        self._close(self._settling.settled_to)
        return n_settled

    def _close(self, before: float) -> None:
        for id_, tally in self._in_use.copy().items():
            if tally.close(before):
                self._changed.add(id_)
                if not tally.state.open:
                    del self._in_use[id_]

    def _show(self, showing: Showing) -> None:
        before = self._rates.of(showing.user_id, showing.at)
        is_any = False
        for id_, version, variant in showing.experiments:
            tally = self._tally_of(id_, version, variant, showing.at)
            if tally is not None:
                tally.show(showing, variant, before)
                if tally.state.open:
                    self._in_use[id_] = tally
                self._changed.add(id_)
                is_any = True
        if is_any:
            self._lists.add(showing)

    def _tally_of(self, id_: str, version: int, variant: str, at: float) -> EraTally | None:
        """Return the counts that a list belongs to; None, counted, when there are none."""
        tally = self.tallies.get(id_)
        if tally is None or version > tally.experiment.version:
            reason = "unknown_experiment"
        elif version < tally.state.era or at < tally.experiment.created_at - _CLOCKS_DIFFER_S:
            reason = "earlier_era"
        elif variant not in tally.state.outcomes.variants:
            reason = "unknown_variant"
        else:
            return tally
        self.ignored[reason] += 1
        return None

    def _act(self, act: Act) -> None:
        for tally in self._in_use.values():
            tally.note(act)
        if act.kind != OTHER:
            self._attribute(act)
        self._rates.add(act.user_id, act.at)

    def _attribute(self, act: Act) -> None:
        """Count an event once in each experiment whose lists it may answer."""
        candidates = self._lists.candidates(act)
        found = {}
        for showing in candidates:
            for id_, version, variant in showing.experiments:
                tally = self.tallies.get(id_)
                if id_ in found or tally is None or version < tally.state.era:
                    continue
                if (
                    variant in tally.state.outcomes.variants
                    and act.at - showing.at <= tally.experiment.window_s
                ):
                    found[id_] = (tally, showing, variant)
        for id_, (tally, showing, variant) in found.items():
            if tally.attribute(showing, variant, act):
                self._changed.add(id_)
            else:
                self.ignored["answered_before"] += 1
        if not found:
            self.ignored["without_exposure" if act.request_id is None else "unknown_request"] += 1

    def _forget(self, user_id: str) -> None:
        self._lists.forget(user_id)
        self._rates.forget(user_id)
        for tally in self.tallies.values():
            tally.forget(user_id)

    def take_changed(self) -> set[str]:
        """Return the experiments whose counts changed since the last call."""
        changed, self._changed = self._changed & self.tallies.keys(), set()
        return changed

    def take_ignored(self) -> Counter[str]:
        """Return how many records changed no count since the last call, by reason."""
        ignored, self.ignored = self.ignored, Counter()
        return ignored

    def gauges(self) -> dict[str, float]:
        """Return how much is kept, and how much was dropped for want of room since the start."""
        tallies = list(self.tallies.values())
        return {
            "waiting": float(len(self._settling)),
            "kept_lists": float(len(self._lists)),
            "open_users": float(sum(len(tally.state.open) for tally in tallies)),
            "n_experiments": float(len(tallies)),
            "n_evicted": float(
                self._settling.n_hurried
                + self._lists.n_evicted
                + sum(tally.n_not_taken + tally.n_evicted for tally in tallies)
            ),
        }

    @property
    def settled_to(self) -> float:
        """All records from before this time were handled; Unix seconds."""
        return self._settling.settled_to

    def saved(self) -> SavedState:
        """Return the state, for a checkpoint that is written before anything else is taken in."""
        return SavedState(
            self._settling.settled_to,
            self._settling.entries(),
            self._lists.kept(),
            self._rates.kept(),
            self._request_ids.oldest_first(),
            {id_: tally.state for id_, tally in self.tallies.items()},
            {id_: tally.experiment for id_, tally in self.tallies.items()},
        )
