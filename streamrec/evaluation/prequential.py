"""Measuring models on a stream: split by time, fit the first part, then predict each event and learn it.

The loop is `predict_then_learn`. For a model with scores it comes to this; for one that answers with a list,
the rank is the target's position in `model.best(user, k, at)`, else `MISS`:

>>> from collections import defaultdict
>>> from streamrec.domain.popularity.counts import ALL_TIME, Popularity
>>> from streamrec.domain.ranking.prequential import PopularityRanker
>>> from streamrec.domain.ranking.metrics import MISS, rank_of
>>> stream = [Interaction(str(n % 5), str(n // 5), float(n)) for n in range(50)]
>>> model = PopularityRanker(Popularity({ALL_TIME: None}), ALL_TIME)
>>> events, own, ranks = columns(stream), defaultdict(list), []
>>> for n, (user, item) in enumerate(zip(*events[:2], strict=True)):
...     if own[user] and item not in own[user]:
...         scores = model.scores(user, 1 + max(events.item_rows[:n]))
...         ranks.append(rank_of(scores, item, own[user]) if item < len(scores) else MISS)
...     model.learn(events.at(slice(n, n + 1)))
...     own[user].append(item)
>>> evaluation = run(stream, chosen_models(["popularity"]), Protocol(initial_share=0))
>>> evaluation.answers["popularity"][0].ranks.tolist() == ranks
True
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.prequential import Events, Questioning, Rows, predict_then_learn
from streamrec.domain.rows.id_map import IdMap
from streamrec.errors import ConfigurationError
from streamrec.evaluation.contestant import Answers, Clock, Contestant
from streamrec.evaluation.models import EARLIER_NAMES, MODELS, Model
from streamrec.evaluation.protocol import Protocol
from streamrec.learning.learner import use_one_thread


@dataclass(frozen=True)
class Evaluation:
    """Questions of an evaluation, and the answers of models.

    Attributes
    ----------
    events
        The whole stream, N events.
    start
        Where the history ends.
    positions
        (Q,) positions of the questions among the events.
    answers
        Model name -> the answers of each run, one a seed.
    """

    protocol: Protocol
    events: Events
    start: int
    positions: Rows
    answers: dict[str, list[Answers]]

    @property
    def n_items(self) -> int:
        """Items of the whole stream: its catalogue."""
        return int(self.events.item_rows.max(initial=-1)) + 1


def chosen_models(names: Sequence[str]) -> dict[str, Model]:
    """Return models by name.

    Raises
    ------
    ConfigurationError
        When a model has a name that is not known.
    """
    unknown = sorted(set(names) - MODELS.keys() - EARLIER_NAMES.keys())
    if unknown:
        raise ConfigurationError(f"unknown models {', '.join(unknown)}: there are {', '.join(MODELS)}")
    return {name: MODELS[EARLIER_NAMES.get(name, name)] for name in names}


def run(
    interactions: Iterable[Interaction],
    models: Mapping[str, Model],
    protocol: Protocol,
    on_progress: Callable[[int, int], None] = lambda n_done, n_events: None,
    clock: Clock = time.process_time,
) -> Evaluation:
    """Let models answer the same questions; every interaction is a positive.

    Parameters
    ----------
    on_progress
        Called with the number of events done, and of all.
    clock
        What durations are taken from; by default the processor time of this process, in which what else
        the machine has to do does not count.
    """
    events, user_ids, item_ids = _numbered(interactions)
    users = {
        str(row): given for user_id, given in protocol.users.items() if (row := user_ids.row(user_id)) >= 0
    }
    protocol = replace(protocol, catalog=_by_row(protocol.catalog, item_ids), users=users)
    n_events = len(events.user_rows)
    start = round(n_events * protocol.initial_share)
    use_one_thread()
    contestants = {
        name: [
            _contestant(model, events, start, protocol.with_seed(number), clock)
            for number in range(protocol.n_seeds if model.has_chance else 1)
        ]
        for name, model in models.items()
    }
    runners = [runner for of_model in contestants.values() for runner in of_model]
    positions = _go_through(events, start, protocol, runners, lambda n_done: on_progress(n_done, n_events))
    answers = {name: [runner.answers() for runner in of_model] for name, of_model in contestants.items()}
    return Evaluation(protocol, events, start, positions, answers)


def columns(interactions: Iterable[Interaction]) -> Events:
    """Return interactions by column, sorted by time (stable), ids numbered by first appearance.

    >>> columns([Interaction("b", "x", 2.0), Interaction("a", "y", 1.0)]).item_rows.tolist()
    [0, 1]
    """
    return _numbered(interactions)[0]


def _numbered(interactions: Iterable[Interaction]) -> tuple[Events, IdMap, IdMap]:
    """Return interactions by column, and the numbers of their users and items."""
    in_order = sorted(interactions, key=lambda interaction: interaction.timestamp)
    user_ids, item_ids = IdMap(), IdMap()
    events = Events(
        user_ids.rows_of([interaction.user_id for interaction in in_order], add=True),
        item_ids.rows_of([interaction.item_id for interaction in in_order], add=True),
        np.array([interaction.timestamp for interaction in in_order], np.float64),
        np.ones(len(in_order), np.float32),
    )
    return events, user_ids, item_ids


def _by_row(catalog: Iterable[Item], item_ids: IdMap) -> list[Item]:
    """Return the items of the stream with their rows as ids; what never comes up in it is nobody's answer."""
    return [
        msgspec.structs.replace(item, item_id=str(row))
        for item in catalog
        if (row := item_ids.row(item.item_id)) >= 0
    ]


def _contestant(model: Model, events: Events, start: int, protocol: Protocol, clock: Clock) -> Contestant:
    """Fit a model to the history."""
    n_items = int(events.item_rows.max(initial=-1)) + 1
    fitted = model.fitted(events.at(slice(0, start)), protocol)
    return Contestant(fitted, protocol.ks, n_items, clock)


def _go_through(
    events: Events,
    start: int,
    protocol: Protocol,
    contestants: Sequence[Contestant],
    on_progress: Callable[[int], None],
) -> Rows:
    """Ask all, teach all; return the positions of the questions."""
    positions: list[int] = []
    n_done = start
    questioning = Questioning(protocol.stride, with_repeats=protocol.with_repeats)
    for asked, batch in predict_then_learn(events, start, questioning):
        for question in asked:
            positions.append(question.position)
            for contestant in contestants:
                contestant.ask(question)
        for contestant in contestants:
            contestant.learn(batch)
        n_done += len(batch.user_rows)
        on_progress(n_done)
    return np.array(positions, np.int64)
