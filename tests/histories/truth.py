"""The truth about a history: what must be visible of what was said, and what may be.

Whatever was accepted must be; what got no answer may be, for it may have been taken in, now or later.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from tests.histories.said import Kept, Said

USERS = tuple(f"u{number}" for number in range(6))
ITEMS = tuple(f"i{number}" for number in range(8))
"""Chosen, hidden and shown."""

VOLATILE = tuple(f"v{number}" for number in range(3))
"""Deleted and created again: an event about one of them counts if it is read while the item is there."""

DISLIKED = tuple(f"d{number}" for number in range(3))
"""Disliked, and never chosen."""

LEARNERS = ("index", "recommender", "trainer-1", "trainer-2")
KEEPERS = ("bars", "attribution")
PARTS = (*LEARNERS, *KEEPERS)
SERVERS = ("kafka", "mongodb", "redis")

ItemState = Literal["unknown", "shown", "hidden", "deleted"]
PartState = Literal["running", "ended", "frozen"]
ServerState = Literal["running", "ended", "frozen", "cut", "slow"]
Place = Literal["embedded", "services"]


class Bounds(NamedTuple):
    """What must be there, and what may be."""

    must: frozenset[str]
    may: frozenset[str]

    def difference(self, found: set[str]) -> str:
        """Return what is wrong with what was found; empty: nothing is."""
        missing, foreign = sorted(self.must - found), sorted(found - self.may)
        return f"lacks {missing}, has {foreign}" if missing or foreign else ""


@dataclass
class Truth:
    """What was said so far, and what state everything was put into.

    Attributes
    ----------
    said
        Events since their user's last erasure, in their order; of those before, the uncertain ones.
    erased
        Users who were erased, and those who were and came back.
    unsettled
        Ids of users and items of which nobody knows whether the last change was made, with that change.
    is_promotion_open
        Whether roles are about to change.
    is_challenged, may_roll_back
        Whether there is a challenger; whether the last change of roles was a promotion of it.
    champion
        Generation that a change of roles was ordered for; empty: none was.
    kept
        What the keepers of bars and of the experiment count.
    ahead_s
        Seconds that the clock of each part is ahead of the machine's.
    backup
        The truth as of the last backup.
    """

    place: Place
    said: list[Said] = field(default_factory=list)
    erased: set[str] = field(default_factory=set)
    items: dict[str, ItemState] = field(default_factory=lambda: dict.fromkeys((*ITEMS, *VOLATILE), "unknown"))
    unsettled: dict[str, tuple[str, str]] = field(default_factory=dict)
    parts: dict[str, PartState] = field(default_factory=lambda: dict.fromkeys(PARTS, "running"))
    servers: dict[str, ServerState] = field(default_factory=dict)
    is_promotion_open: bool = False
    is_challenged: bool = False
    may_roll_back: bool = False
    champion: str = ""
    kept: Kept = field(default_factory=Kept)
    ahead_s: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))
    backup: "Truth | None" = None

    def __post_init__(self) -> None:
        if self.place == "services" and not self.servers:
            self.servers = dict.fromkeys(SERVERS, "running")

    @property
    def may_fail(self) -> bool:
        """Whether a change may be refused for now: a stopped writer holds a file, or a server is away."""
        return "frozen" in self.parts.values() or not self.are_servers_sound

    @property
    def are_servers_sound(self) -> bool:
        """Whether every server answers as it should."""
        return set(self.servers.values()) <= {"running"}

    @property
    def can_train(self) -> bool:
        """Whether everything runs that a new generation needs, and nobody stands who may hold a file."""
        return not self.may_fail and all(self.parts[name] == "running" for name in LEARNERS)

    def say(self, said: Said) -> None:
        """Note an event; a repeat of one may make it certain."""
        if said.value is not None or said.request_id:
            self.kept.say(said)
        for place, before in enumerate(self.said):
            if before.event_id == said.event_id:
                if said.is_certain:
                    self.said[place] = said
                return
        self.said.append(said)

    def erase(self, user_id: str) -> None:
        """Note that a user was erased."""
        self.said = [one for one in self.said if one.user_id != user_id or not one.is_certain]
        self.erased.add(user_id)
        self.kept.erase(user_id)

    def of(self, user_id: str) -> list[Said]:
        """Return what a user said."""
        return [one for one in self.said if one.user_id == user_id]

    def n_events(self, user_id: str) -> tuple[int, int]:
        """Return how many of a user's events must count, and how many may."""
        said = self.of(user_id)
        return sum(map(_is_firm, said)), len(said)

    def seen(self, user_id: str) -> Bounds:
        """Return what a user has seen."""
        return _bounds((one.item_id, one) for one in self.of(user_id))

    def disliked(self, user_id: str) -> Bounds:
        """Return what a user dislikes."""
        return _bounds((one.item_id, one) for one in self.of(user_id) if one.type == "dislike")

    def choosers(self, item_id: str) -> Bounds:
        """Return who chose an item."""
        of_item = (one for one in self.said if one.item_id == item_id and one.type != "dislike")
        return _bounds((one.user_id, one) for one in of_item)

    def items_in(self, *states: ItemState) -> list[str]:
        """Return the items that are in one of these states for certain."""
        return [one for one, state in self.items.items() if state in states and one not in self.unsettled]

    def copy_for_backup(self) -> "Truth":
        """Return what a backup holds of it: states of processes are none of that."""
        copied = deepcopy(self)
        copied.backup = None
        return copied

    def restore(self) -> None:
        """Go back to the backup."""
        assert self.backup is not None
        back = deepcopy(self.backup)
        for name in _BACKED_UP:
            setattr(self, name, getattr(back, name))


_BACKED_UP = (
    *("said", "erased", "items", "unsettled", "kept"),
    *("is_promotion_open", "is_challenged", "may_roll_back", "champion"),
)


def _is_firm(said: Said) -> bool:
    return said.is_certain and said.item_id not in VOLATILE


def _bounds(pairs: Iterator[tuple[str, Said]]) -> Bounds:
    listed = list(pairs)
    must = frozenset(id_ for id_, said in listed if _is_firm(said))
    return Bounds(must, frozenset(id_ for id_, _ in listed))
