"""Learning on hard streams: whether it is bounded, its loss falls, and it ranks as well as popularity.

`stability_streams` says which streams, 192 of them in all. Each finished one is a line of the file
under `--cells`: an interrupted run goes on where it was. `tests/nightly/test_stability.py` runs the same.
"""

import math
import time
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import torch
import typer

from benchmarks import results_file
from benchmarks.learning.stability_streams import (
    N_EVENTS,
    Combination,
    HardStream,
    Rows,
    combinations,
    draw_stream,
)
from models import bounds
from streamrec.domain.ranking.metrics import rank_of
from streamrec.learning.learner import Learner, use_one_thread
from streamrec.settings.processes import LearningSettings

RESULTS = results_file.RESULTS / "stability.json"

K = 10
N_QUESTIONS = 1_500
_FIFTHS = 5


class Outcome(msgspec.Struct):
    """Result of one combination.

    Attributes
    ----------
    name
        The combination.
    flaw
        Of the model after any tenth of the stream: what is not finite or beyond its bound.
    greatest
        The largest user row, item row and bias at any such time.
    losses
        Mean loss of each fifth of the stream.
    recall, recall_of_popularity
        At 10, on the same questions.
    n_questions, n_events
        How many there were.
    seconds
        Of learning, wall clock.
    """

    name: str
    flaw: str | None
    greatest: tuple[float, float, float]
    losses: list[float]
    recall: float
    recall_of_popularity: float
    n_questions: int
    n_events: int
    seconds: float


def complaints(outcome: Outcome) -> list[str]:
    """Return what is wrong, a line each; a recall below popularity's by chance (two sigma) is not.

    While a catalogue grows, its events get harder to tell from all others: the last fifth is held against the
    first three, by the end of which nearly all items are there.

    >>> sound = Outcome("a", None, (9.0, 2.0, 3.0), [4.0, 3.0, 2.9, 2.8, 2.8], 0.3, 0.2, 100, 1000, 1.0)
    >>> complaints(sound)
    []
    >>> complaints(msgspec.structs.replace(sound, recall=0.1, flaw="item row 3 is not finite"))
    ['a: item row 3 is not finite', 'a: recall@10 .100, popularity .200']
    """
    found = []
    if outcome.flaw is not None:
        found.append(outcome.flaw)
    if not outcome.losses[-1] <= max(outcome.losses[:3]):
        found.append(f"the loss rose: {', '.join(f'{loss:.3f}' for loss in outcome.losses)}")
    hits, of_popularity = (n * outcome.n_questions for n in (outcome.recall, outcome.recall_of_popularity))
    if not hits + 2 * math.sqrt(hits + of_popularity) >= of_popularity:
        found.append(f"recall@10 {_shown(outcome.recall)}, popularity {_shown(outcome.recall_of_popularity)}")
    return [f"{outcome.name}: {line}" for line in found]


def try_out(combination: Combination, settings: LearningSettings, n_events: int = N_EVENTS) -> Outcome:
    """Learn a combination's stream, and ask questions on the way."""
    stream = draw_stream(combination.popularity, combination.weights, combination.n_items, n_events)
    learner, counts = Learner(settings), np.zeros(combination.n_items)
    questions = _questions(stream)
    hits, losses, greatest, flaw, seconds = [], [], [], None, 0.0
    tenths = np.linspace(0, n_events, 11)[1:].tolist()
    times = np.arange(n_events, dtype=np.float64)
    for first in range(0, n_events, combination.batch):
        at = slice(first, min(first + combination.batch, n_events))
        asked = questions[slice(*np.searchsorted(questions, (at.start, at.stop)))]
        hits += [_answers(learner, counts, stream, int(question)) for question in asked]
        start = time.perf_counter()
        outcome = learner.learn(stream.users[at], stream.items[at], stream.weights[at], times[at])
        seconds += time.perf_counter() - start
        losses.append(outcome.loss * (at.stop - at.start))
        np.add.at(counts, stream.items[at], 1)
        if at.stop >= tenths[0]:
            tenths.pop(0)
            flaw = flaw or bounds.flaw_of(learner.model.tensors())
            greatest.append(bounds.greatest(learner.model.tensors()))
    recall, recall_of_popularity = np.mean(hits, axis=0).tolist()
    by_fifth = [float(part.sum()) for part in np.array_split(np.array(losses), _FIFTHS)]
    n_by_fifth = [n_events * len(part) / len(losses) for part in np.array_split(np.array(losses), _FIFTHS)]
    return Outcome(
        combination.name,
        flaw=flaw,
        greatest=tuple(np.max(greatest, axis=0).tolist()),
        losses=[loss / n for loss, n in zip(by_fifth, n_by_fifth, strict=True)],
        recall=recall,
        recall_of_popularity=recall_of_popularity,
        n_questions=len(hits),
        n_events=n_events,
        seconds=seconds,
    )


def _questions(stream: HardStream) -> Rows:
    """Return positions of events to be predicted, ascending: of new pairs, of users who are not new."""
    pairs = stream.users * (stream.items.max() + 1) + stream.items
    is_new_pair, is_new_user = np.zeros((2, len(pairs)), np.bool_)
    is_new_pair[np.unique(pairs, return_index=True)[1]] = True
    is_new_user[np.unique(stream.users, return_index=True)[1]] = True
    # The first half is for learning what there is.
    possible = np.flatnonzero(is_new_pair & ~is_new_user & (np.arange(len(pairs)) >= len(pairs) // 2))
    positions: Rows = possible[np.unique(np.linspace(0, len(possible) - 1, N_QUESTIONS).astype(int))]
    return positions


def _answers(learner: Learner, counts: np.ndarray, stream: HardStream, question: int) -> tuple[bool, bool]:
    """Return whether model and popularity have the item among their ten best that are new to the user."""
    user, item = int(stream.users[question]), int(stream.items[question])
    if not counts[item]:
        return False, False
    n_items = learner.model.items.n_rows
    known = np.unique(stream.items[:question][stream.users[:question] == user])
    excluded = known[known < n_items]
    logits = learner.model.items.rows[:n_items] @ learner.model.user_vectors(torch.tensor([user]))[0]
    by_model = rank_of(logits.numpy(), item, excluded)
    return by_model < K, rank_of(counts[:n_items], item, excluded) < K


def main(
    cells: Annotated[Path, typer.Option(help="Keep what is measured here.")] = Path("var/stability.jsonl"),
    n_events: Annotated[int, typer.Option(help="Of each stream.")] = N_EVENTS,
    only: Annotated[str, typer.Option(help="Combinations whose names hold this.")] = "",
) -> None:
    """Try out the whole grid, print a table, and write it down when it is complete."""
    use_one_thread()
    cells.parent.mkdir(parents=True, exist_ok=True)
    lines = cells.read_bytes().splitlines() if cells.exists() else []
    done = {outcome.name: outcome for outcome in (msgspec.json.decode(line, type=Outcome) for line in lines)}
    wanted = [combination for combination in combinations() if only in combination.name]
    for combination in wanted:
        if combination.name not in done:
            outcome = done[combination.name] = try_out(combination, LearningSettings(), n_events)
            with cells.open("ab") as file:
                file.write(msgspec.json.encode(outcome) + b"\n")
        print(_line(done[combination.name]), flush=True)
    wrong = [line for combination in wanted for line in complaints(done[combination.name])]
    print(*wrong, sep="\n")
    if not only:
        outcomes = [msgspec.to_builtins(done[combination.name]) for combination in wanted]
        results_file.write(RESULTS, {"outcomes": outcomes})
    raise typer.Exit(bool(wrong))


def _line(outcome: Outcome) -> str:
    user, item, bias = outcome.greatest
    return (
        f"{outcome.name:62} rows {user:5.1f} {item:5.1f} {bias:5.1f}   loss {outcome.losses[0]:.3f} ->"
        f" {outcome.losses[-1]:.3f}   recall@10 {_shown(outcome.recall)}, popularity"
        f" {_shown(outcome.recall_of_popularity)}   {outcome.n_events / outcome.seconds:9,.0f} events/s"
    )


def _shown(recall: float) -> str:
    return f"{recall:.3f}".lstrip("0")


if __name__ == "__main__":
    typer.run(main)
