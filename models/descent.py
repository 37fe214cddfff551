"""Stochastic gradient descent on a GMF, one event after the other, with every derivative written out.

A batch is learned event by event, each from where the one before left the model, and with each some events of
the past: nothing is summed over a batch, so its size changes nothing. How far one event goes is bounded
twice; for the proof see docs/adr/0020-learning-by-replay.md:

* a row's step is at most its rate times the root of its length, whatever the weight and the rows are
  (Adagrad by row);
* every row that moved is pulled back onto a ball: `models.bounds`.
"""

import math
from typing import NamedTuple

import numpy as np

from models import bounds
from models.event_step import learn_events
from models.gmf import GMF
from models.losses import LOSSES, SOFTMAX
from models.replay_memory import ReplayMemory
from models.step_memory import Known, Lessons, Manner, Memory, Rows, Touched, new_work
from streamrec.domain.rows.growing import grown


class LearnOutcome(NamedTuple):
    """Outcome of learning some events.

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


class Rates(NamedTuple):
    """Step sizes of learning.

    Attributes
    ----------
    user, item, bias, past
        Learning rates of p_u, q_i, b_i, and of the rows that items have as somebody's past.
    decay
        Share of a touched row that is taken away per unit of learning (L2 regularization).
    prior
        Share of a touched item's row that its first lesson takes away; the n-th of equal ones takes an n-th
        of it. So a row of few events stays short, and one of many hardly shrinks.
    """

    user: float
    item: float
    bias: float
    past: float
    decay: float
    prior: float = 0.0


class Replays(NamedTuple):
    """Replays of past events.

    Attributes
    ----------
    n
        With each event, half of them of the newest events.
    ahead_share
        Of what is kept, so much with choices from after it in its context.
    recent_negatives
        Share of the negatives that are items of the newest events; the softmax alone has use for them.
    """

    n: int = 0
    ahead_share: float = 0.0
    recent_negatives: float = 0.0


NO_REPLAYS = Replays()


class Descent:
    """Makes steps against the gradient of a loss; only rows named by the events and replays change.

    Parameters
    ----------
    loss
        One of `LOSSES`.
    n_negatives
        Items drawn to stand against an event, and against what is replayed with it.
    least_drift
        Nats that an item's logits may have changed by, as a negative, before it is named as moved.
    """

    def __init__(
        self,
        loss: str,
        rates: Rates,
        n_negatives: int,
        replays: Replays = NO_REPLAYS,
        least_drift: float = 0.0,
    ) -> None:
        self._manner = Manner(
            *rates,
            output=0.0,
            loss=LOSSES[loss],
            n_replayed=replays.n,
            recent_share=replays.recent_negatives if LOSSES[loss] == SOFTMAX else 0.0,
            ahead_share=replays.ahead_share,
            least_drift=least_drift,
            most_user=bounds.USER_NORM,
            most_item=bounds.ITEM_NORM,
            most_bias=bounds.BIAS,
            least_output=bounds.LEAST_OUTPUT,
            most_output=bounds.MOST_OUTPUT,
        )
        self._n_negatives = n_negatives
        self._stamps = np.zeros(0, np.int64)
        self._drift = np.zeros(0, np.float32)
        self._stamp = 0

    def learn(
        self,
        model: GMF,
        replay: ReplayMemory,
        known: Known,
        lessons: Lessons,
        *,
        pace: float = 1.0,
        output_rate: float = 0.0,
    ) -> tuple[float, Rows]:
        """Change the model by B events; return their losses' sum, each before its step, and the moved items.

        The loss is NaN when a row lies where no step can lead: the model was damaged before.

        Parameters
        ----------
        pace
            Multiplies all rates.
        output_rate
            Learning rate of the output layer; must stay zero once user vectors have been published.
        """
        tables = model.tables()
        n_items = len(tables.items)
        self._stamps, self._drift = grown(self._stamps, n_items), grown(self._drift, n_items)
        self._stamp += 1
        touched = Touched(
            np.empty(n_items, np.int64), np.zeros(1, np.int64), self._stamps, self._drift, self._stamp
        )
        memory = Memory(
            tables,
            model.context.tables_for(lessons.users),
            replay.tables(len(lessons.users), n_items),
            known._replace(shown=None),
            touched,
        )
        manner = self._at(pace, output_rate)
        work = new_work(1 + manner.n_replayed, model.embedding_dim, model.context.n, self._n_negatives)
        loss, n_damaged = learn_events(memory, manner, lessons, work, known.shown)
        return math.nan if n_damaged else float(loss), np.sort(touched.rows[: touched.n[0]])

    def _at(self, pace: float, output_rate: float) -> Manner:
        manner = self._manner
        return manner._replace(
            user=manner.user * pace,
            item=manner.item * pace,
            bias=manner.bias * pace,
            past=manner.past * pace,
            output=output_rate * pace,
        )
