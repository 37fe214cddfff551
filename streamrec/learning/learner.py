"""Learning from a stream: every event is a step of sparse gradient descent.

The stream holds positives only (Vinagre, Jorge, Gama 2014, Fast incremental matrix factorization), so each is
set against sampled items. Only rows that an event touches change; the output layer never does, for every
user vector that was published contains it.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.checkpoint import TensorsUnder
from models.context import Context
from models.descent import Descent, Rates
from models.gmf import GMF
from models.step_memory import Lessons
from streamrec.errors import UnsoundModel
from streamrec.learning.negatives import NegativeSampler
from streamrec.learning.sampling import (
    RecentItems,
    Rows,
    distinct,
    random_state,
    restore_random_state,
)
from streamrec.learning.state.known_positives import KnownPositives
from streamrec.settings.processes import LearningSettings


def use_one_thread() -> None:
    """Let torch compute on the calling thread alone, in this process.

    A step's matrices are so small that handing them to other threads costs more than the work, and the
    publisher, the index and the servers want the other cores.
    """
    torch.set_num_threads(1)


class LearnOutcome(NamedTuple):
    """Result of a call to `learn`.

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
    pace
        What the weights of all events are multiplied with.

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
        self.pace = 1.0
        self._descent = Descent(
            settings.loss,
            Rates(
                settings.user_rate,
                item=settings.item_rate,
                bias=settings.bias_rate,
                decay=settings.decay,
                item_boost=settings.item_boost,
                bias_boost=settings.bias_boost,
                boost_events=settings.boost_events,
                context=settings.context_rate,
            ),
            settings.n_moved_negatives,
        )

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
        negatives = self._sampler.draw(item_rows, self._settings.n_negatives, self._rng)
        return self._descend(user_rows, item_rows, weights, negatives, 0.0)

    def refit(
        self, user_rows: Rows, item_rows: Rows, weights: NDArray[np.float32], output_rate: float = 0.0
    ) -> LearnOutcome:
        """Learn B events that were remembered before: any number of times, in any order.

        With a context they are what their users chose last from then on; before a history is gone through
        from its start, call `begin_refit`.

        Parameters
        ----------
        output_rate
            Learning rate of the output layer: not zero only before anything was published.
        """
        negatives = self._sampler.draw_again(item_rows, self._settings.n_negatives, self._rng)
        return self._descend(user_rows, item_rows, weights, negatives, output_rate)

    def begin_refit(self) -> None:
        """Let users have chosen nothing last, as at the beginning of a history."""
        if self.model.context is not None:
            self.model.context.clear()

    def _descend(
        self,
        user_rows: Rows,
        item_rows: Rows,
        weights: NDArray[np.float32],
        negatives: NDArray[np.int32],
        output_rate: float,
    ) -> LearnOutcome:
        settings = self._settings
        self.model.grow_to(int(user_rows.max(initial=-1)) + 1, int(item_rows.max(initial=-1)) + 1)
        self._known.leave_out(user_rows, item_rows, negatives)
        replayed = self._recent.draw(user_rows, settings.n_replayed, self._rng)
        lessons = Lessons(
            user_rows,
            items=item_rows,
            weights=(weights * self.pace).astype(np.float32, copy=False),
            negatives=negatives,
            replayed=replayed,
            replay_weight=settings.replay_weight,
        )
        loss, touched = self._descent.learn(self.model, lessons, output_rate)
        if not math.isfinite(loss):
            raise UnsoundModel("the model is damaged: a loss is not finite, or a row is where none can be")
        return LearnOutcome(loss / max(1, len(user_rows)), distinct(user_rows), touched)

    def remember(self, user_rows: Rows, item_rows: Rows) -> None:
        """Note (B,) positives, in order, without learning from them."""
        self._note(user_rows, item_rows)
        self._sampler.observe(item_rows)
        self._known.add(user_rows, item_rows)
        self.model.follow(torch.from_numpy(user_rows), torch.from_numpy(item_rows))

    def _note(self, user_rows: Rows, item_rows: Rows) -> None:
        n_users, n_items = int(user_rows.max(initial=-1)) + 1, int(item_rows.max(initial=-1)) + 1
        self.model.grow_to(n_users, n_items)
        self._recent.grow_to(n_users)
        self._recent.add(user_rows, item_rows)

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

    def forget_users(self, rows: Rows) -> None:
        """Bring rows back to those of new users."""
        known = rows[rows < self.model.users.n_rows]
        self.model.forget_users(torch.from_numpy(known))
        self._recent.forget_users(known)

    def forget_items(self, rows: Rows) -> None:
        """Bring rows back to those of new items; these are no negatives until they are positives again."""
        known = rows[rows < self.model.items.n_rows]
        self.model.forget_items(torch.from_numpy(known))
        self._sampler.forget(known)
        self._recent.forget_items(known)

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
