"""SASRec: a causal transformer over a user's last items (Kang, McAuley 2018, section III).

Sampled softmax instead of one negative an event: with few epochs one negative teaches next to nothing
(Petrov, Macdonald 2023, gSASRec, section 4). Fitted again every `REFIT_EVERY` events, from the weights that
the last fit left.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.quality.peers.peer import Histories, RefittedPeer
from streamrec.domain.ranking.metrics import best_rows
from streamrec.domain.ranking.prequential import Events, Rows

REFIT_EVERY = 25_000

LENGTH = 50
DIM = 64
N_LAYERS = 2
N_HEADS = 2
DROPOUT = 0.2
BATCH = 32
N_EPOCHS = 12
MIN_STEPS = 400
"""Of the first fits, in which twelve epochs of a short history would be a handful of steps."""

N_NEGATIVES = 256
LEARNING_RATE = 1e-3

_PADDING = 0
"""Token of no item; item i is token i + 1."""


class Transformer(nn.Module):
    """Item and position embeddings, and layers in which a position sees those before it."""

    def __init__(self, n_items: int) -> None:
        super().__init__()
        self.items = nn.Embedding(n_items + 1, DIM, padding_idx=_PADDING)
        nn.init.normal_(self.items.weight, std=DIM**-0.5)
        self.positions = nn.Embedding(LENGTH, DIM)
        layer = nn.TransformerEncoderLayer(DIM, N_HEADS, DIM, DROPOUT, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, N_LAYERS, nn.LayerNorm(DIM), enable_nested_tensor=False)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return (B, L, D) what each position expects next of (B, L) tokens, padded at the end."""
        length = tokens.shape[1]
        embedded = self.items(tokens) * DIM**0.5 + self.positions(torch.arange(length))
        mask = nn.Transformer.generate_square_subsequent_mask(length)
        found: Tensor = self.layers(self.dropout(embedded), mask, is_causal=True)
        return found


class SasRec(RefittedPeer):
    """The transformer as a `ListRanker`.

    Parameters
    ----------
    seed
        Of weights, dropout, order and negatives.
    """

    def __init__(
        self, history: Events, seed: int, refit_every: int = REFIT_EVERY, min_steps: int = MIN_STEPS
    ) -> None:
        self._seed = seed
        self._min_steps = min_steps
        self._n_items = 0
        self._model: Transformer | None = None
        super().__init__(history, refit_every)

    def _fit(self, histories: Histories) -> None:
        # Nothing else that draws numbers from torch in this process is changed by it, or changes it.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed + histories.n_events)
            self._model = self._grown(histories.n_items)
            self._n_items = histories.n_items
            _train(self._model, windows(histories.all()), self._min_steps)

    def _grown(self, n_items: int) -> Transformer:
        """Return a model of more items with the weights learned so far."""
        grown = Transformer(n_items)
        if self._model is not None:
            weights = self._model.state_dict()
            embeddings = grown.items.weight.detach().clone()
            embeddings[: len(weights["items.weight"])] = weights["items.weight"]
            grown.load_state_dict({**weights, "items.weight": embeddings})
        return grown

    @torch.no_grad()
    def _best(self, own: Rows, k: int) -> Rows:
        known = own[own < self._n_items]
        if self._model is None or not len(known):
            return np.zeros(0, np.int64)
        expected = self._model(torch.from_numpy(known[-LENGTH:] + 1)[None])[0, -1]
        return best_rows((self._model.items.weight[1:] @ expected).numpy(), known, k)


def windows(sequences: list[Rows]) -> Tensor:
    """Return (W, LENGTH + 1) tokens: sequences cut from their ends, one token shared, padded at the end.

    >>> windows([np.array([4, 7])])[0, :3].tolist()
    [5, 8, 0]
    """
    cut = [
        sequence[max(0, end - LENGTH - 1) : end] + 1
        for sequence in sequences
        for end in range(len(sequence), 1, -LENGTH)
    ]
    tokens = np.zeros((len(cut), LENGTH + 1), np.int64)
    for row, window in zip(tokens, cut, strict=True):
        row[: len(window)] = window
    return torch.from_numpy(tokens)


def _train(model: Transformer, tokens: Tensor, min_steps: int) -> None:
    model.eval()
    if not len(tokens):
        return  # Nobody has chosen two things yet.
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE)
    n_epochs = max(N_EPOCHS, -(-min_steps // max(1, -(-len(tokens) // BATCH))))
    model.train()
    for _ in range(n_epochs):
        for batch in _batches(tokens):
            optimizer.zero_grad()
            _loss(model, batch).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    model.eval()


def _batches(tokens: Tensor) -> Iterator[Tensor]:
    """Yield windows in random batches of about one length each, cut to it: most people chose little."""
    order = torch.randperm(len(tokens))
    lengths = (tokens != _PADDING).sum(1)
    by_length = order[lengths[order].argsort(stable=True)]
    batches = torch.split(by_length, BATCH)
    for number in torch.randperm(len(batches)).tolist():
        yield tokens[batches[number], : int(lengths[batches[number]].max())]


def _loss(model: Transformer, tokens: Tensor) -> Tensor:
    """Return the cross entropy of the next items among negatives that the whole batch shares."""
    targets = tokens[:, 1:]
    is_target = targets != _PADDING
    expected = model(tokens[:, :-1])[is_target]
    targets = targets[is_target]
    negatives = torch.randint(1, model.items.num_embeddings, (N_NEGATIVES,))
    of_targets = (expected * model.items(targets)).sum(-1, keepdim=True)
    of_negatives = expected @ model.items(negatives).T
    of_negatives = of_negatives.masked_fill(targets[:, None] == negatives, -torch.inf)
    return nn.functional.cross_entropy(
        torch.cat([of_targets, of_negatives], dim=1), torch.zeros(len(targets), dtype=torch.int64)
    )
