from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.losses import LOSSES, gradient_of


def pulled(name: str, logits: NDArray[np.float32]) -> tuple[float, float]:
    """Replace logits by pulls; return the loss and the gradient's size."""
    powers = np.empty(len(logits), np.float32)
    loss, size = gradient_of(LOSSES[name], logits, powers, powers.view(np.int32))
    return float(loss), float(size)


def softmax_by_the_book(logits: Tensor) -> Tensor:
    return functional.cross_entropy(logits.unsqueeze(0), torch.zeros(1, dtype=torch.long))


def bpr_by_the_book(logits: Tensor) -> Tensor:
    return -torch.log(torch.sigmoid(logits[0] - logits[1:])).sum()


def logistic_by_the_book(logits: Tensor) -> Tensor:
    return -torch.log(torch.sigmoid(logits[0])) - torch.log(1 - torch.sigmoid(logits[1:])).sum()


BOOK = {"softmax": softmax_by_the_book, "bpr": bpr_by_the_book, "logistic": logistic_by_the_book}


@pytest.mark.parametrize(("name", "by_the_book"), BOOK.items())
@pytest.mark.parametrize("spread", [1.0, 5.0])
def test_value_and_gradient_are_those_of_autograd(
    name: str, by_the_book: Callable[[Tensor], Tensor], spread: float
) -> None:
    logits = torch.randn(8, generator=torch.Generator().manual_seed(1)) * spread
    traced = logits.double().requires_grad_()
    expected = by_the_book(traced)
    (by_logits,) = torch.autograd.grad(expected, [traced])
    pulls = logits.numpy().copy()
    loss, size = pulled(name, pulls)
    assert loss == pytest.approx(float(expected.detach()), rel=1e-4)
    np.testing.assert_allclose(-size * pulls, by_logits.numpy(), rtol=1e-4, atol=1e-6)
    assert np.abs(pulls[1:]).sum() <= 1 + 1e-5
    assert 0 <= pulls[0] <= 1


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.parametrize(
    "logits", [[0.3], [500.0, -500.0], [-500.0, 500.0], [0.0, 0.0, 0.0], [3e4, -3e4, 3e4]]
)
def test_pulls_are_finite_wherever_logits_are(name: str, logits: list[float]) -> None:
    pulls = np.array(logits, np.float32)
    loss, size = pulled(name, pulls)
    assert np.isfinite([loss, size, *pulls]).all()
    assert size >= 0


def test_without_negatives_a_ranking_loss_has_no_gradient() -> None:
    for name in ("softmax", "bpr"):
        assert pulled(name, np.array([0.3], np.float32))[1] == 0
