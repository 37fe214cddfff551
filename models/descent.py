"""Stochastic gradient descent on a GMF, one event after the other, with every derivative written out.

A batch is learned event by event, each from where the one before left the model: nothing is summed over a
batch, so its size changes nothing. How far one event goes is bounded twice; for the proof see
docs/adr/0018-one-event-after-the-other.md:

* its *margin*, the logit of its item against those of its negatives, moves by less than `MARGIN_STEP`,
  whatever the weight, the rates and the rows are (an implicit step, in closed form);
* every row that moved is pulled back onto a ball: `models.bounds`.
"""

import math
from typing import NamedTuple

import numpy as np

from models import bounds
from models.event_step import learn_events, replay_events
from models.gmf import GMF
from models.losses import LOSSES
from models.step_memory import Lessons, Manner, Rows, Touched
from streamrec.domain.rows.growing import grown

MARGIN_STEP = 8.0
"""Nats: what an endlessly steep step would come to. A step of one nat is shortened by a ninth."""


class Rates(NamedTuple):
    """Step sizes of learning.

    Attributes
    ----------
    user, item, bias
        Learning rates of p_u, q_i and b_i.
    decay
        Share of a touched row that is taken away per unit of learning (L2 regularization). Of a user it is
        also what makes the past fade: with a large `user` rate a vector follows the last events.
    item_boost, bias_boost, boost_events
        An item that n events were learned of moves 1 + boost / (1 + n / `boost_events`) times as far: what a
        newcomer is, and how popular, is found in a few events.
    context
        Of q_j, for its part in the vectors of those who chose j last.
    """

    user: float
    item: float
    bias: float
    decay: float
    item_boost: float
    bias_boost: float
    boost_events: float
    context: float = 0.0


class Descent:
    """Makes steps against the gradient of a loss; only rows named by the events change.

    Parameters
    ----------
    loss
        One of `LOSSES`.
    n_moved
        How many of an event's negatives learn; the others only teach the user. Every moved item has to be
        published, and few learning for all gives the same on average.
    margin_step
        Nats that an event's margin may move at most.
    """

    def __init__(self, loss: str, rates: Rates, n_moved: int, margin_step: float = MARGIN_STEP) -> None:
        self._manner = Manner(
            *rates,
            output=0.0,
            loss=LOSSES[loss],
            n_moved=n_moved,
            margin_step=margin_step,
            most_user=bounds.USER_NORM,
            most_item=bounds.ITEM_NORM,
            most_bias=bounds.BIAS,
            least_output=bounds.LEAST_OUTPUT,
            most_output=bounds.MOST_OUTPUT,
        )
        self._stamps = np.zeros(0, np.int64)
        self._stamp = 0

    def learn(self, model: GMF, lessons: Lessons, output_rate: float = 0.0) -> tuple[float, Rows]:
        """Change the model by B events; return their losses' sum, each before its step, and the moved items.

        The loss is NaN when a row lies where no step can lead: the model was damaged before.

        Parameters
        ----------
        output_rate
            Learning rate of the output layer; must stay zero once user vectors have been published.
        """
        tables = model.tables()
        self._stamps = grown(self._stamps, len(tables.items))
        self._stamp += 1
        touched = Touched(
            np.empty(len(tables.items), np.int64), np.zeros(1, np.int64), self._stamps, self._stamp
        )
        loss, n_damaged = learn_events(tables, self._manner._replace(output=output_rate), lessons, touched)
        if lessons.replayed.size:
            replay_events(tables, self._manner, lessons)
        return math.nan if n_damaged else float(loss), np.sort(touched.rows[: touched.n[0]])
