"""Steps of users as this process takes them; handed over to the hot cache now and then, and read from it."""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable

import msgspec

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.users.steps import MAX_LISTED, MAX_STEPS, Step, encode_step
from streamrec.errors import StreamrecError
from streamrec.log_limits import warn_seldom
from streamrec.ports import Metrics
from streamrec.ports.steps import UserSteps
from streamrec.serving.guard import Guard

MAX_WAITING = 1_000
"""Users whose steps wait to be handed over: those who took one last."""

WAITS_AT_MOST_S = 30.0
"""While the cache is away. Half of `REFUSED_S`: what is erased meanwhile must not come back."""

SHOWN_WITHIN_S = 3600.0
"""An item was chosen from a list when that had been answered within so long before."""

LONGEST_TYPE = 64

OTHER_TYPES = "other types"


class TakenSteps:
    """Steps that wait, of one process; bounded, and of no weight for an answer.

    Parameters
    ----------
    clock
        Unix seconds.
    """

    def __init__(self, cache: UserSteps, metrics: Metrics, clock: Callable[[], float] = time.time) -> None:
        self._cache, self._metrics, self._clock = cache, metrics, clock
        self._waiting: OrderedDict[str, list[Step]] = OrderedDict()

    def note_list(self, user_id: str, item_ids: Iterable[str]) -> None:
        """Take down a list that was answered to a user."""
        first = tuple(item_ids)[:MAX_LISTED]
        self._note(user_id, Step(self._now(), first))

    def note_events(self, events: Iterable[Interaction], weights: EventWeights) -> None:
        """Take down events."""
        now = self._now()
        for event in events:
            type_ = event.type if len(event.type) <= LONGEST_TYPE else OTHER_TYPES
            is_choice = weights.of(event.type, event.value) > 0
            self._note(event.user_id, Step(now, (event.item_id,), type_, is_choice))

    def waiting(self, user_id: str) -> list[Step]:
        """Return a user's steps that the cache does not have yet."""
        return list(self._waiting.get(user_id, ()))

    async def forget_user(self, user_id: str) -> None:
        """Forget a user's steps, here and in the cache.

        Raises
        ------
        Unavailable
            When it is not known that the cache has; a repeat does no harm.
        """
        self._waiting.pop(user_id, None)
        await self._cache.forget_steps(user_id)

    async def hand_over(self) -> None:
        """Add what was taken down to the cache; what it does not take waits on, for a while."""
        steps, self._waiting = self._waiting, OrderedDict()
        if not steps:
            return
        try:
            await self._cache.add_steps(steps)
        except StreamrecError as error:
            warn_seldom("steps_not_handed_over", error=str(error))
            self._keep_waiting(steps)

    def _keep_waiting(self, steps: "OrderedDict[str, list[Step]]") -> None:
        since = self._clock() - WAITS_AT_MOST_S
        later, self._waiting = self._waiting, OrderedDict()
        for user_id, held in steps.items():
            young = [step for step in held if step.at > since]
            self._drop(len(held) - len(young))
            if young:
                self._waiting[user_id] = young
        for user_id, held in later.items():
            for step in held:
                self._note(user_id, step)

    def _note(self, user_id: str, step: Step) -> None:
        steps = self._waiting.setdefault(user_id, [])
        self._waiting.move_to_end(user_id)
        steps.append(step)
        if len(steps) > MAX_STEPS:
            del steps[0]
            self._drop(1)
        if len(self._waiting) > MAX_WAITING:
            self._drop(len(self._waiting.popitem(last=False)[1]))

    def _drop(self, n: int) -> None:
        if n:
            self._metrics.count("recommender.steps_dropped", n)

    def _now(self) -> float:
        return round(self._clock(), 3)


class UserStep(msgspec.Struct, frozen=True):
    """A list that was answered to a user, or an event of theirs.

    Attributes
    ----------
    at
        When, in Unix seconds.
    item_ids
        First ten items of the list, or the one of the event.
    type
        Of the event; null: it is a list.
    is_choice
        Whether it is an event of positive weight.
    shown_at
        When the item had been shown to the user last, in a list within the hour before the event; else null.
    """

    at: float
    item_ids: tuple[str, ...]
    type: str | None
    is_choice: bool
    shown_at: float | None


class UserExposuresAnswer(msgspec.Struct, frozen=True):
    """The last 50 steps of a user within 24 hours, newest first, and how many of them are what.

    Attributes
    ----------
    n_lists
        Lists that were answered.
    n_choices
        Events of positive weight.
    n_chosen
        Choices of what had been shown within the hour before: of the first ten of a list.
    """

    user_id: str
    steps: list[UserStep]
    n_lists: int
    n_choices: int
    n_chosen: int


class UserStepReader:
    """Reads from the hot cache, to which every server hands over, and what this one has not yet."""

    def __init__(self, taken: TakenSteps, cache: UserSteps, guard: Guard) -> None:
        self._taken, self._cache, self._guard = taken, cache, guard

    async def read(self, user_id: str) -> UserExposuresAnswer:
        """Return the last steps of a user; none where none were taken down.

        Raises
        ------
        Unavailable
            When the cache does not answer.
        """
        handed_over = await self._guard.call(lambda: self._cache.steps(user_id))
        steps = _with_lists({*handed_over, *self._taken.waiting(user_id)})[:MAX_STEPS]
        choices = [step for step in steps if step.is_choice]
        return UserExposuresAnswer(
            user_id,
            steps,
            n_lists=sum(step.type is None for step in steps),
            n_choices=len(choices),
            n_chosen=sum(step.shown_at is not None for step in choices),
        )


def _with_lists(taken: Collection[Step]) -> list[UserStep]:
    """Return steps, newest first, each event with the last list before it that its item stood in."""
    shown: dict[str, float] = {}
    steps: list[UserStep] = []
    # Of one moment the list came first: nobody chooses from a list before it is there.
    for step in sorted(taken, key=lambda step: (step.at, step.type is not None, encode_step(step))):
        shown_at = None
        if step.type is None:
            shown.update(dict.fromkeys(step.item_ids, step.at))
        else:
            shown_at = max((shown[item_id] for item_id in step.item_ids if item_id in shown), default=None)
            if shown_at is not None and step.at - shown_at > SHOWN_WITHIN_S:
                shown_at = None
        steps.append(UserStep(step.at, step.item_ids, step.type, step.is_choice, shown_at))
    return steps[::-1]
