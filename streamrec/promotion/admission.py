"""Admission of a new generation in place of the live one: it has to know about as much."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from models.checkpoint import checkpoint_folders, read_state_part
from streamrec.adapters.files.snapshot_retention import CHECKPOINTS
from streamrec.adapters.files.snapshots import current_generation, read_manifest
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.category_table import CategoryTable
from streamrec.domain.ranking.prequential import Events
from streamrec.errors import CorruptArtifact, RefusedGeneration
from streamrec.learning.initial.release import Start
from streamrec.learning.state.counters import Counters
from streamrec.learning.state.trainer_state import TrainerState

N_EVENTS = "n_events"
"""In a snapshot's provenance: events that its history had."""

LEAST_SHARE_OF_INITIAL = 0.5
"""A first training may be of half of what the live generation knows: settings are tried on a part of it."""


class HistorySize(NamedTuple):
    """Amount that a generation was made of, or has learned since."""

    n_events: int
    n_users: int

    def __str__(self) -> str:
        return f"{self.n_events:,} events of {self.n_users:,} users"


class Admission(Protocol):
    """Decides, while a generation is made, whether it may be published."""

    def passing(self, events: Iterable[Interaction]) -> Iterator[Interaction]:
        """Yield the events that training is to learn.

        Raises
        ------
        RefusedGeneration
            When there are too few of them.
        """

    def held_users(self) -> Sequence[str]:
        """Return the users whose events were kept back."""

    def forget_users(self, user_ids: Sequence[str]) -> None:
        """Drop what was kept back of erased users."""

    def judge(self, state: TrainerState, past: Events, start: Start, categories: CategoryTable) -> Events:
        """Let the trained state learn what was kept back; return the history with it.

        Raises
        ------
        RefusedGeneration
            When it ranks worse than the live one.
        """

    @property
    def n_events(self) -> int:
        """Number of events of the history."""


class EnoughData:
    """Admits a generation whose history is not far smaller than what the live one knows.

    Parameters
    ----------
    live
        Size of the live generation; None: there is none, or nothing is demanded.
    least_share
        Of its events and of its users, from 0 to 1.
    mend
        What the caller may do about a refusal.

    >>> floor = EnoughData(HistorySize(2, 1), 0.5, "--force")
    >>> len(list(floor.passing([Interaction("u", "i", 1.0)])))
    1
    """

    def __init__(self, live: HistorySize | None, least_share: float, mend: str) -> None:
        self._live, self._least_share, self._mend = live, least_share, mend
        self._users: set[int] = set()
        self._n_events = 0

    def passing(self, events: Iterable[Interaction]) -> Iterator[Interaction]:
        """Yield the events, and look at the end how many there were."""
        for event in events:
            self._n_events += 1
            self._users.add(hash(event.user_id))
            yield event
        self._demand_enough()

    def _demand_enough(self) -> None:
        if self._live is None:
            return
        size, least = self.size, self._least_share
        if size.n_events < least * self._live.n_events or size.n_users < least * self._live.n_users:
            raise RefusedGeneration(
                f"the history holds {size}, less than {100 * least:g} % of what the live generation knows,"
                f" {self._live}: that one stays live. {self._mend}"
            )

    @property
    def size(self) -> HistorySize:
        """Size of the history so far."""
        return HistorySize(self._n_events, len(self._users))

    @property
    def n_events(self) -> int:
        """Number of events so far."""
        return self._n_events

    def held_users(self) -> Sequence[str]:
        """Return nobody: nothing is kept back."""
        return ()

    def forget_users(self, user_ids: Sequence[str]) -> None:
        """Drop nothing."""

    def judge(self, _state: TrainerState, past: Events, _start: Start, _categories: CategoryTable) -> Events:
        """Return the history as it is."""
        return past


class _Known(msgspec.Struct):
    """The part of a checkpoint's state that says how much it knows."""

    counters: Counters = msgspec.field(default_factory=Counters)
    user_ids: list[str | None] = []


def size_of_live(artifacts_dir: Path) -> HistorySize | None:
    """Return how much the live generation knows: of its history, and learned of the stream since.

    Of a generation that does not say how many events it was made of, those of the stream count alone. None:
    there is no live generation, or it can't be read.
    """
    try:
        generation = current_generation(artifacts_dir)
        if generation is None:
            return None
        manifest = read_manifest(artifacts_dir, generation)
        newest = checkpoint_folders(artifacts_dir / CHECKPOINTS / generation)[:1]
        streamed = [read_state_part(folder, _Known) for folder in newest]
    except CorruptArtifact:
        return None  # what is damaged is there to be replaced
    data = manifest.provenance.get("data", {})
    n_events = manifest.provenance.get(N_EVENTS) or data.get("n_events") or 0
    if not streamed:
        return HistorySize(n_events, manifest.n_users)
    n_users = sum(user_id is not None for user_id in streamed[0].user_ids)
    return HistorySize(n_events + streamed[0].counters.n_events, n_users)


def enough_to_replace(artifacts_dir: Path, *, is_demanded: bool) -> EnoughData:
    """Return what a first training has to bring to replace the live generation, if that is demanded."""
    live = size_of_live(artifacts_dir) if is_demanded else None
    mend = (
        "Train with all of the history (`streamrec retrain` joins files, an archive and the log), let it"
        " learn beside the live one (--as-challenger), or give --force"
    )
    return EnoughData(live, LEAST_SHARE_OF_INITIAL, mend)
