from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from models.losses import LOSSES, Loss, bpr, logistic, sampled_softmax


def softmax_by_the_book(positive: Tensor, negative: Tensor) -> Tensor:
    logits = torch.cat([positive.unsqueeze(1), negative], dim=1)
    return functional.cross_entropy(logits, torch.zeros(len(positive), dtype=torch.long), reduction="none")


def bpr_by_the_book(positive: Tensor, negative: Tensor) -> Tensor:
    return -torch.log(torch.sigmoid(positive.unsqueeze(1) - negative)).sum(dim=1)


def logistic_by_the_book(positive: Tensor, negative: Tensor) -> Tensor:
    return -torch.log(torch.sigmoid(positive)) - torch.log(1 - torch.sigmoid(negative)).sum(dim=1)


@pytest.mark.parametrize(
    ("loss", "by_the_book"),
    [
        (sampled_softmax, softmax_by_the_book),
        (bpr, bpr_by_the_book),
        (logistic, logistic_by_the_book),
    ],
)
def test_value_and_gradient_are_those_of_autograd(
    loss: Loss, by_the_book: Callable[[Tensor, Tensor], Tensor]
) -> None:
    generator = torch.Generator().manual_seed(1)
    positive = torch.randn(5, generator=generator, dtype=torch.float64, requires_grad=True)
    negative = torch.randn(5, 7, generator=generator, dtype=torch.float64, requires_grad=True)
    expected = by_the_book(positive, negative)
    by_positive, by_negative = torch.autograd.grad(expected.sum(), [positive, negative])
    found = loss(positive.detach(), negative.detach())
    torch.testing.assert_close(found.loss, expected.detach())
    torch.testing.assert_close(found.by_positive, by_positive)
    torch.testing.assert_close(found.by_negative, by_negative)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_a_negative_left_out_neither_counts_nor_moves(name: str) -> None:
    positive = torch.tensor([0.3, -0.2])
    negative = torch.tensor([[0.1, -torch.inf], [-torch.inf, -torch.inf]])
    found = LOSSES[name](positive, negative)
    alone = LOSSES[name](positive[:1], negative[:1, :1])
    assert torch.isfinite(found.loss).all()
    torch.testing.assert_close(found.loss[:1], alone.loss)
    torch.testing.assert_close(found.by_positive[:1], alone.by_positive)
    assert found.by_negative[0, 1] == 0
    assert (found.by_negative[1] == 0).all()
