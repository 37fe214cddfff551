"""Losses over one positive and N sampled negatives an event, with their gradients in closed form.

Each takes the logits of B positives (B,) and of their negatives (B, N); a negative logit of minus infinity
is one that was left out. Each returns the loss of every event (B,) and what the loss gains per unit of each
logit, (B,) and (B, N). Written out instead of traced by autograd, because the batches of a stream are small
and the tracing would cost more than the arithmetic.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class LossGradient(NamedTuple):
    """Loss (B,), and its derivatives by the positive (B,) and negative (B, N) logits."""

    loss: Tensor
    by_positive: Tensor
    by_negative: Tensor


Loss = Callable[[Tensor, Tensor], LossGradient]


def sampled_softmax(positive: Tensor, negative: Tensor) -> LossGradient:
    """Score ``-log softmax`` of the positive (B,) among itself and its negatives (B, N).

    Jean et al. 2015, On Using Very Large Target Vocabulary, section 3, without the correction for the
    negatives' probabilities: a popular item that is drawn often then pays for its popularity, which is
    what ranking for one user wants beside a bias.
    """
    logits = torch.cat([positive.unsqueeze(1), negative], dim=1)
    probabilities = torch.softmax(logits, dim=1)
    # The loss is for people to watch; the gradient needs no logarithm, and stays exact where one would not.
    loss = -probabilities[:, 0].clamp(min=torch.finfo(logits.dtype).tiny).log()
    return LossGradient(loss, probabilities[:, 0] - 1, probabilities[:, 1:])


def bpr(positive: Tensor, negative: Tensor) -> LossGradient:
    """Score ``-log sigmoid(positive - negative)``, the sum over a positive's negatives.

    Rendle et al. 2009, Bayesian Personalized Ranking from Implicit Feedback, section 4.
    """
    margin = positive.unsqueeze(1) - negative
    by_negative = torch.sigmoid(-margin)
    return LossGradient(functional.softplus(-margin).sum(dim=1), -by_negative.sum(dim=1), by_negative)


def logistic(positive: Tensor, negative: Tensor) -> LossGradient:
    """Score each logit alone by binary cross entropy, the sum over a positive and its negatives.

    He et al. 2017, Neural Collaborative Filtering, section 3.1.2.
    """
    loss = functional.softplus(-positive) + functional.softplus(negative).sum(dim=1)
    return LossGradient(loss, torch.sigmoid(positive) - 1, torch.sigmoid(negative))


LOSSES: dict[str, Loss] = {"softmax": sampled_softmax, "bpr": bpr, "logistic": logistic}
