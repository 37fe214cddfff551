"""Learning from a stream: every event is a step of sparse gradient descent.

The stream holds positives only (Vinagre, Jorge, Gama 2014, Fast incremental matrix factorization), so each is
set against sampled items. Only rows that an event touches change; the output layer never does, for every
user vector that was published contains it.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.checkpoint import TensorsUnder
from models.context import Context
from models.descent import Batch, Descent, Rates
from models.gmf import GMF
from streamrec.settings import LearningSettings
from streamrec.training.known_positives import KnownPositives
from streamrec.training.sampling import (
    NegativeSampler,
    RecentItems,
    Rows,
    distinct,
    random_state,
    restore_random_state,
)
from streamrec.training.waves import newest_rounds, waves

_STREAM_STEP_EVENTS, _PRACTICE_STEP_EVENTS = 1024, 512
"""Events of one step at most. They share their negatives and their start, and their changes to an item add
up: with more of them the bias of a popular item overshoots, and practising does so again and again. In a
stream only a backlog brings so many of distinct users at once, and there smaller steps only cost calls."""


def use_one_thread() -> None:
    """Let torch compute on the calling thread alone, in this process.

    A step's matrices are so small that handing them to other threads costs more than the work, and the
    publisher, the index and the servers want the other cores.
    """
    torch.set_num_threads(1)


class LearnOutcome(NamedTuple):
    """What a call to `learn` did.

    Attributes
    ----------
    loss
        Mean over the events, each before its step.
    touched_user_rows, touched_item_rows
        Distinct rows that changed, ascending.
    """

    loss: float
    touched_user_rows: Rows
    touched_item_rows: Rows


class Learner:
    """A model, and everything else that its next step depends on.

    Attributes
    ----------
    model
        Grows with the rows that are learned.

    >>> learner = Learner(LearningSettings(embedding_dim=8))
    >>> rows = np.array([0, 1])
    >>> learner.learn(rows, rows, np.ones(2, np.float32)).touched_user_rows.tolist()
    [0, 1]
    """

    def __init__(self, settings: LearningSettings) -> None:
        context = Context(settings.n_context, settings.context_decay, settings.context_weight)
        self.model = GMF(
            settings.embedding_dim, settings.init_std, settings.seed, context if settings.n_context else None
        )
        self._settings = settings
        self._known = KnownPositives()
        self._sampler = NegativeSampler(settings.popular_share, settings.popularity_window)
        self._recent = RecentItems(settings.n_remembered)
        self._rng = np.random.default_rng(settings.seed)
        # fmt: off
        self._descent = Descent(settings.loss, Rates(
            settings.user_rate, settings.item_rate, settings.bias_rate, settings.decay,
            settings.item_boost, settings.bias_boost, settings.boost_events, settings.context_rate,
        ))
        # fmt: on

    def learn(
        self,
        user_rows: Rows,
        item_rows: Rows,
        weights: NDArray[np.float32],
    ) -> LearnOutcome:
        """Learn B events in their order.

        Parameters
        ----------
        user_rows, item_rows
            (B,); rows that are new make the model grow.
        weights
            (B,), positive; an event of weight 2 makes a step of twice the length.
        """
        self._note(user_rows, item_rows)
        return self._descend(user_rows, item_rows, weights, 0.0, _STREAM_STEP_EVENTS)

    def practise(
        self, user_rows: Rows, item_rows: Rows, weights: NDArray[np.float32], output_rate: float = 0.0
    ) -> LearnOutcome:
        """Learn B events that were remembered before: any number of times, in any order.

        With a context they are what their users chose last from then on; before a history is gone through
        from its start, call `begin_practice`.

        Parameters
        ----------
        output_rate
            Learning rate of the output layer: not zero only before anything was published.
        """
        return self._descend(user_rows, item_rows, weights, output_rate, _PRACTICE_STEP_EVENTS)

    def begin_practice(self) -> None:
        """Let users have chosen nothing last, as at the beginning of a history."""
        if self.model.context is not None:
            self.model.context.clear()

    def _descend(
        self,
        user_rows: Rows,
        item_rows: Rows,
        weights: NDArray[np.float32],
        output_rate: float,
        step_events: int,
    ) -> LearnOutcome:
        touched = [item_rows]
        total_loss = 0.0
        for at, is_distinct in waves(user_rows, step_events):
            batch = self._batch(user_rows[at], item_rows[at], weights[at], is_distinct=is_distinct)
            total_loss += self._descent.step(self.model, batch, output_rate)
            touched.append(batch.negatives[: batch.n_moved].numpy())
            if batch.past is not None:
                touched.append(batch.past.rows().numpy())
            self._follow(user_rows[at], item_rows[at], is_distinct=is_distinct)
        return LearnOutcome(
            total_loss / max(1, len(user_rows)), distinct(user_rows), distinct(np.concatenate(touched))
        )

    def remember(self, user_rows: Rows, item_rows: Rows) -> None:
        """Note (B,) positives, in order, without learning from them."""
        self._note(user_rows, item_rows)
        self._follow(user_rows, item_rows, is_distinct=False)

    def _note(self, user_rows: Rows, item_rows: Rows) -> None:
        n_users, n_items = int(user_rows.max(initial=-1)) + 1, int(item_rows.max(initial=-1)) + 1
        self.model.grow_to(n_users, n_items)
        self._recent.grow_to(n_users)
        self._known.add(user_rows, item_rows)
        self._sampler.observe(item_rows)
        self._recent.add(user_rows, item_rows)

    def _follow(self, user_rows: Rows, item_rows: Rows, *, is_distinct: bool) -> None:
        """Let (B,) items be what their users chose last."""
        rounds = [slice(None)] if is_distinct else newest_rounds(user_rows, self._settings.n_context)
        for at in rounds:
            self.model.follow(torch.from_numpy(user_rows[at]), torch.from_numpy(item_rows[at]))

    def histories_before(self, user_rows: Rows, item_rows: Rows, n: int) -> Rows:
        """Return (B, n) what the users of B events that are not remembered yet chose before them.

        Newest first, each item once and the event's own not at all, -1 at the end.
        """
        return self._recent.before(user_rows, item_rows, n)

    def recent_items(self, user_rows: Rows, n: int) -> list[Rows]:
        """Return the newest `n` item rows, newest last, of each of (B,) users."""
        return self._recent.newest(user_rows, n)

    def known_among(self, user_row: int, item_rows: Rows) -> NDArray[np.bool_]:
        """Return (N,): which of the items the user chose already; a few too many, never one too few."""
        is_known: NDArray[np.bool_] = self._known.contains(np.array([user_row]), item_rows)[0]
        return is_known

    def start_item(self, row: int, neighbour_rows: Rows) -> None:
        """Let a new item start at the mean of (M,) items like it, M > 0, which the model knows."""
        self.model.grow_to(0, row + 1)
        self.model.items.rows[row] = self.model.items.rows[torch.from_numpy(neighbour_rows)].mean(dim=0)

    def forget_user(self, row: int) -> None:
        """Bring a row back to a stranger's, for its next user."""
        if row < self.model.users.n_rows:
            self.model.forget_user(row)
            self._recent.forget_user(row)

    def forget_item(self, row: int) -> None:
        """Bring a row back to a new item's; it is no negative until it is a positive again."""
        if row < self.model.items.n_rows:
            self.model.forget_item(row)
            self._sampler.forget(row)
            self._recent.forget_item(row)

    def state_tensors(self) -> dict[str, Tensor]:
        """Return everything that the next step depends on, by name: views where possible, not copies."""
        arrays = {
            **{f"known.{name}": array for name, array in self._known.arrays().items()},
            **{f"sampler.{name}": array for name, array in self._sampler.arrays().items()},
            **{f"recent.{name}": array for name, array in self._recent.arrays().items()},
            "random": random_state(self._rng),
        }
        model = {f"model.{name}": tensor for name, tensor in self.model.tensors().items()}
        return model | {name: torch.from_numpy(array) for name, array in arrays.items()}

    def load_state_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on, bit for bit, from where `state_tensors` was called; takes one part after the other."""
        self.model.load(TensorsUnder("model.", tensors))
        for name, part in (("known", self._known), ("sampler", self._sampler), ("recent", self._recent)):
            part.load({key: tensor.numpy() for key, tensor in TensorsUnder(f"{name}.", tensors).items()})
        restore_random_state(self._rng, tensors["random"].numpy())

    def _batch(
        self, user_rows: Rows, item_rows: Rows, weights: NDArray[np.float32], *, is_distinct: bool
    ) -> Batch:
        settings, n_events = self._settings, len(user_rows)
        users, places = (user_rows, None) if is_distinct else np.unique(user_rows, return_inverse=True)
        negatives = self._sampler.draw(settings.n_negatives, self.model.items.n_rows, self._rng)
        if settings.n_replayed:
            of_event, past_items = self._recent.draw(user_rows, settings.n_replayed, self._rng)
            places = np.arange(n_events) if places is None else places
            places = np.concatenate([places, places[of_event]])
            item_rows = np.concatenate([item_rows, past_items])
            weights = np.concatenate([weights, weights[of_event] * np.float32(settings.replay_weight)])
        places_tensor = None if places is None else torch.from_numpy(places)
        user_tensor, item_tensor = torch.from_numpy(users), torch.from_numpy(item_rows)
        return Batch(
            user_tensor,
            places_tensor,
            item_tensor,
            torch.from_numpy(weights.astype(np.float32, copy=False)),
            n_events,
            torch.from_numpy(negatives),
            torch.from_numpy(self._known.contains(users, negatives)),
            min(len(negatives), settings.n_moved_negatives * n_events),
            self.model.past_without(user_tensor, places_tensor, item_tensor),
        )
