"""Learning from a stream: every event is a step of sparse gradient descent.

The stream holds positives only (Vinagre, Jorge, Gama 2014, Fast incremental matrix factorization), so each is
set against sampled items. Only rows that an event touches change; the output layer never does, for every
user vector that was published contains it.
"""

import math
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.checkpoint import TensorsUnder
from models.context import Context
from models.descent import Descent, LearnOutcome, Rates, Replays
from models.gmf import GMF
from models.replay_memory import ReplayMemory
from models.step_memory import Known, Lessons
from streamrec.domain.rows.marked_rows import GoneRows
from streamrec.domain.users.shown_items import ShownItems
from streamrec.errors import UnsoundModel
from streamrec.learning.living_items import LivingItems
from streamrec.learning.sampling import (
    Before,
    RecentItems,
    Rows,
    distinct,
    random_state,
    restore_random_state,
)
from streamrec.learning.state.known_positives import KnownPositives
from streamrec.settings.processes import LearningSettings

Weights = NDArray[np.float32]
Times = NDArray[np.float64]


def use_one_thread() -> None:
    """Let torch compute on the calling thread alone: its matrices are small, and others want the cores."""
    torch.set_num_threads(1)


class Learner:
    """A model, and everything else that its next step depends on.

    Attributes
    ----------
    model
        Grows with the rows that are learned.
    shown
        What was shown to users, for their next choices to stand against.
    pace
        What all learning rates are multiplied with.

    >>> learner = Learner(LearningSettings(embedding_dim=8))
    >>> rows = np.array([0, 1])
    >>> learner.learn(rows, rows, np.ones(2, np.float32), np.zeros(2)).touched_user_rows.tolist()
    [0, 1]
    """

    def __init__(self, settings: LearningSettings) -> None:
        context = Context(
            settings.n_context, settings.context_decay, settings.context_floor, settings.context_scales
        )
        self.model = GMF(settings.embedding_dim, settings.init_std, settings.seed, context)
        self._known = KnownPositives()
        self._living = LivingItems()
        self._replay = ReplayMemory(settings.n_replay_newest, settings.n_replay_sampled, settings.n_context)
        self._recent = RecentItems(settings.n_remembered)
        self.shown = ShownItems(settings.n_shown_negatives)
        self._memories: dict[str, KnownPositives | LivingItems | RecentItems | ShownItems] = {
            "known": self._known,
            "sampler": self._living,
            "recent": self._recent,
            "shown": self.shown,
        }
        self._rng = np.random.default_rng(settings.seed)
        self.pace = 1.0
        self._descent = Descent(
            settings.loss,
            Rates(
                settings.user_rate,
                item=settings.item_rate,
                bias=settings.bias_rate,
                past=settings.past_rate,
                decay=settings.decay,
                prior=settings.prior,
            ),
            settings.n_negatives,
            Replays(settings.n_replayed, settings.replay_ahead_share, settings.recent_negatives),
            settings.least_drift,
        )

    def learn(self, user_rows: Rows, item_rows: Rows, weights: Weights, times: Times) -> LearnOutcome:
        """Learn B events in their order.

        Parameters
        ----------
        user_rows, item_rows
            (B,); rows that are new make the model grow.
        weights
            (B,), positive; an event of weight 2 pulls twice as much. Negative, where `n_shown_negatives` is
            not 0: the item was shown, and stands against what the user chooses next.
        times
            (B,) Unix seconds.
        """
        self._note(user_rows[weights >= 0], item_rows[weights >= 0])
        return self._descend(user_rows, item_rows, weights, times)

    def refit(
        self, user_rows: Rows, item_rows: Rows, weights: Weights, times: Times, output_rate: float = 0.0
    ) -> LearnOutcome:
        """Learn B events that were remembered before: any number of times, in any order.

        They are what their users chose last from then on; before a history is gone through from its start,
        call `begin_refit`.

        Parameters
        ----------
        output_rate
            Learning rate of the output layer: not zero only before anything was published.
        """
        return self._descend(user_rows, item_rows, weights, times, output_rate)

    def begin_refit(self) -> None:
        """Let users have chosen nothing last, as at the beginning of a history."""
        self.model.context.clear()

    def _descend(
        self, user_rows: Rows, item_rows: Rows, weights: Weights, times: Times, output_rate: float = 0.0
    ) -> LearnOutcome:
        self.model.grow_to(int(user_rows.max(initial=-1)) + 1, int(item_rows.max(initial=-1)) + 1)
        self._living.grow_to(self.model.items.n_rows)
        is_choice = weights >= 0
        seeds = np.zeros(len(user_rows), np.int64)
        # What is shown takes no chance: whether it is known may depend on the batch that it comes in.
        seeds[is_choice] = self._rng.integers(0, 1 << 63, int(is_choice.sum()))
        lessons = Lessons(user_rows, item_rows, weights.astype(np.float32, copy=False), times, seeds)
        total, touched = 0.0, [np.zeros(0, np.int64)]
        for at in self._known.parts(len(user_rows)):
            known = Known(
                self._known.bits,
                older_bits=self._known.older,
                n_new_pairs=np.zeros(1, np.int64),
                is_alive=self._living.is_alive,
                n_items=self._living.n_items,
                shown=self.shown.tables(self.model.users.n_rows) if self.shown.length else None,
            )
            loss, moved = self._descent.learn(
                self.model, self._replay, known, lessons.at(at), pace=self.pace, output_rate=output_rate
            )
            self._known.n_pairs += int(known.n_new_pairs[0])
            total += loss
            touched.append(moved)
        if not math.isfinite(total):
            raise UnsoundModel("the model is damaged: a loss is not finite, or a row is where none can be")
        rows = touched[-1] if len(touched) <= 2 else np.unique(np.concatenate(touched))
        return LearnOutcome(total / max(1, int(is_choice.sum())), distinct(user_rows[is_choice]), rows)

    def remember(self, user_rows: Rows, item_rows: Rows, times: Times) -> None:
        """Note (B,) positives, in order, without learning from them."""
        self._note(user_rows, item_rows)
        self._living.add(item_rows)
        self._known.add(user_rows, item_rows)
        self.shown.begin(user_rows)
        self.model.follow(torch.from_numpy(user_rows), torch.from_numpy(item_rows), times)

    def _note(self, user_rows: Rows, item_rows: Rows) -> None:
        n_users, n_items = int(user_rows.max(initial=-1)) + 1, int(item_rows.max(initial=-1)) + 1
        self.model.grow_to(n_users, n_items)
        self._recent.grow_to(n_users)
        self._recent.add(user_rows, item_rows)

    def histories_before(self, user_rows: Rows, item_rows: Rows, n: int) -> Before:
        """Return what the users of B events that are not remembered yet chose before them: `n` at most."""
        return self._recent.before(user_rows, item_rows, n)

    def recent_items(self, user_rows: Rows, n: int) -> list[Rows]:
        """Return the newest `n` item rows, newest last, of each of (B,) users."""
        return self._recent.newest(user_rows, n)

    def known_among(self, user_row: int, item_rows: Rows) -> NDArray[np.bool_]:
        """Return (N,): which of the items the user chose already; a few too many, never one too few."""
        is_known: NDArray[np.bool_] = self._known.contains(np.array([user_row]), item_rows)[0]
        return is_known

    def forget_pairs(self, user_rows: Rows, item_rows: Rows) -> Rows:
        """Remember no more that users chose items, (R,) distinct pairs; return (R,) how often lately.

        What was learned from it stays: in the rows it is mixed with all else.
        """
        self._known.forget_pairs(user_rows, item_rows)
        self._replay.forget_pairs(user_rows, item_rows)
        self.shown.forget_pairs(user_rows, item_rows)
        self.model.context.forget_pairs(user_rows, item_rows)
        return self._recent.forget_pairs(user_rows, item_rows)

    def start_item(self, row: int, neighbour_rows: Rows) -> None:
        """Let a new item start at the mean of (M,) items like it, M > 0, which the model knows."""
        self.model.start_item(row, torch.from_numpy(neighbour_rows))

    def forget_users(self, rows: Rows) -> None:
        """Bring rows back to those of new users."""
        known = rows[rows < self.model.users.n_rows]
        self.model.forget_users(torch.from_numpy(known))
        self._replay.forget_users(torch.from_numpy(known))
        self._recent.forget_users(known)
        self.shown.forget_users(known)

    def forget_items(self, rows: Rows) -> None:
        """Bring rows back to those of new items; nobody may get them before `swept` was gone through."""
        known = rows[rows < self.model.items.n_rows]
        self.model.forget_items(torch.from_numpy(known))
        self._replay.forget_items(torch.from_numpy(known))
        self._living.forget(known)
        self._recent.forget_items(known)
        self.shown.forget_items(known)

    @property
    def swept(self) -> list[GoneRows]:
        """Forgotten items that large tables may name."""
        return [self._recent.gone, self.model.context.gone, self.shown.gone]

    @property
    def n_bytes(self) -> int:
        """Bytes that a checkpoint of it takes, within a few hundredths."""
        return self.model.n_bytes + self._recent.n_bytes + self._replay.n_bytes

    def state_tensors(self) -> dict[str, Tensor]:
        """Return everything that the next step depends on, by name: views where possible, not copies."""
        arrays = {
            f"{part}.{name}": array
            for part, memory in self._memories.items()
            for name, array in memory.arrays().items()
        } | {"random": random_state(self._rng)}
        model = {f"model.{name}": tensor for name, tensor in self.model.tensors().items()}
        replay = {f"replay.{name}": tensor for name, tensor in self._replay.tensors().items()}
        return model | replay | {name: torch.from_numpy(array) for name, array in arrays.items()}

    def load_state_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on, bit for bit, from where `state_tensors` was called; takes one part after the other."""
        self.model.load(TensorsUnder("model.", tensors))
        for name, part in self._memories.items():
            part.load({key: tensor.numpy() for key, tensor in TensorsUnder(f"{name}.", tensors).items()})
        if replay := TensorsUnder("replay.", tensors):
            self._replay.load(replay)
        restore_random_state(self._rng, tensors["random"].numpy())
