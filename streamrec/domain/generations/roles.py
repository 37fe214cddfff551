"""Champion and challenger: the generation that serves, the one that learns beside it, and their exchange."""

from typing import Literal, NamedTuple

import msgspec

from streamrec.errors import InvalidInput

Role = Literal["champion", "challenger"]

PromotionName = Literal["promote", "rollback"]

_MAKE_ONE = "`python initial_training.py --as-challenger` makes one"


def other_role(role: Role) -> Role:
    """Return the role that the other one of two generations has."""
    return "challenger" if role == "champion" else "champion"


class Promotion(msgspec.Struct, frozen=True):
    """Exchange of the roles of two generations.

    Attributes
    ----------
    name
        The command that asked for it.
    champion, challenger
        The generations that have these roles afterwards.
    at
        Unix seconds of the command: one that is read again after a restart is known by it.
    is_done
        Whether all users are published and the new champion is the live generation.
    """

    name: PromotionName
    champion: str
    challenger: str
    at: float
    is_done: bool = False


class PromotionRequest(NamedTuple):
    """Content of a command to promote or to roll back.

    Attributes
    ----------
    generation
        The one to go over to; empty: the only one that it can be.
    at
        Unix seconds of the command.
    """

    name: PromotionName
    generation: str
    at: float


class Roles(NamedTuple):
    """Roles of generations.

    Attributes
    ----------
    champion
        The generation that a champion trains; while a promotion is under way, the one that it leads to.
    challenger
        The generation that learns beside it; None: there is none.
    promotion
        The last one, under way or done.

    >>> roles = Roles("old", "new")
    >>> promotion = roles.next_promotion("promote", "new", at=1.0)
    >>> Roles.of("old", "new", promotion)[:2]
    ('new', 'old')
    """

    champion: str | None
    challenger: str | None = None
    promotion: Promotion | None = None

    @classmethod
    def of(cls, live: str | None, challenger: str | None, promotion: Promotion | None) -> "Roles":
        """Return the roles as of the names that are written down; `live` is the one that serves."""
        if promotion is not None and not promotion.is_done:
            # Another initial training may have replaced both meanwhile: then it comes to nothing.
            if live in (promotion.champion, promotion.challenger):
                return cls(promotion.champion, promotion.challenger, promotion)
            promotion = None
        return cls(live, None if challenger == live else challenger, promotion)

    @property
    def under_way(self) -> Promotion | None:
        """The promotion that is not done yet."""
        return self.promotion if self.promotion is not None and not self.promotion.is_done else None

    def generation_of(self, role: Role) -> str | None:
        """Return which generation has a role."""
        return self.champion if role == "champion" else self.challenger

    def role_of(self, generation: str) -> Role | None:
        """Return which role a generation has."""
        if generation == self.champion:
            return "champion"
        return "challenger" if generation == self.challenger else None

    def next_promotion(self, name: PromotionName, generation: str, at: float) -> Promotion:
        """Return what a command asks for.

        Parameters
        ----------
        generation
            The one to go over to; empty: the only one that it can be.
        at
            Unix seconds of the command.

        Raises
        ------
        InvalidInput
            When it can't be carried out; with the reason.
        """
        if self.champion is None:
            raise InvalidInput("there is no model yet: run initial_training.py")
        if self.under_way is not None:
            raise InvalidInput(f"the promotion of {self.under_way.champion!r} is under way: wait for its end")
        if self.promotion is not None and at <= self.promotion.at:
            raise InvalidInput("the command is older than the last promotion: it was carried out, or refused")
        if name == "rollback" and not self._can_go_back():
            raise InvalidInput(
                f"nothing to go back to: {self.champion!r} was not promoted over one that still learns"
            )
        if self.challenger is None:
            raise InvalidInput(f"there is no challenger to promote: {_MAKE_ONE}")
        if generation not in ("", self.challenger):
            raise InvalidInput(f"{generation[:100]!r} is not the challenger: {self.challenger!r} is")
        return Promotion(name, champion=self.challenger, challenger=self.champion, at=at)

    def is_known(self, request: PromotionRequest) -> bool:
        """Return whether the last promotion is the one asked for: begun already, or done."""
        last = self.promotion
        return (
            last is not None
            and (last.name, last.at) == (request.name, request.at)
            and request.generation in ("", last.champion)
        )

    def _can_go_back(self) -> bool:
        last = self.promotion
        return (
            last is not None
            and last.name == "promote"
            and (last.champion, last.challenger) == (self.champion, self.challenger)
        )
