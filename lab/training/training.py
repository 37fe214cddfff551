"""Training of all configured models, and of the weights of the learned hybrid."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from lab.configuration.lab_settings import LabSettings
from lab.dataset.split import Split
from lab.matrices.user_items import read_user_items
from lab.scoring.scoring_model import NO_ITEM, History, Lists, Rows, history_of
from lab.training.configured_models import (
    FIXED_HYBRID,
    LEARNED_HYBRID,
    SINGLE,
    wanted_models,
)
from lab.training.split_data import joined, rules_of
from lab.training.work_apart import Cost, Timed, done_apart
from streamrec.datasets.event_set import EventSet
from streamrec.errors import InvalidInput

_MOST_VALIDATED = 3_000
"""Users that weights of the hybrid are learned on: with them a mean of the metric is known to about 1 %."""

WEIGHTS_FILE = "hybrid_weights.json"


class Trained(msgspec.Struct, frozen=True):
    """A model that was trained.

    Attributes
    ----------
    fit
        Cost of fitting, from events in memory to a model that answers.
    n_choices
        Events that it learned.
    """

    name: str
    fit: Cost
    n_choices: int

    @property
    def events_per_s(self) -> float:
        """Events learned in a second of elapsed time."""
        return self.n_choices / max(self.fit.wall_s, 1e-9)


class Weights(msgspec.Struct, frozen=True):
    """Weights of the learned hybrid, and the NDCG@10 on validation: its own, and of each model alone."""

    weights: dict[str, float]
    ndcg: float
    of_models: dict[str, float]
    n_users: int


def model_file(folder: Path, name: str) -> Path:
    """Return where a trained model stands."""
    return folder / f"{name}.npz"


class Validation(NamedTuple):
    """Users of the validation part whom models know, and what they chose that was new to them.

    Attributes
    ----------
    before
        The training part, which models learn for validation.
    rows
        (V,) the users.
    relevant
        V times the rows of the items.
    """

    before: History
    rows: Rows
    relevant: list[Rows]


class Given(NamedTuple):
    """Histories that models are trained on: training and validation together, and the two apart."""

    full: History
    validation: Validation | None


class Training:
    """Training on one split: what is needed by several models is read once.

    Parameters
    ----------
    folder
        Where models go to.

    Attributes
    ----------
    names
        Models to train, in order.

    Raises
    ------
    InvalidInput
        When models are wanted that there are not, or a hybrid of weights that nothing can be learned from;
        when no event is of a type that counts.
    """

    def __init__(self, split: Split, settings: LabSettings, folder: Path) -> None:
        self._settings, self._folder = settings, folder
        self.names = wanted_models(settings)
        rules, items = rules_of(settings), split.training.catalog
        full = history_of(joined(split), items, rules)
        if not len(full.choices.user_rows):
            types = ", ".join(split.training.types.names)
            raise InvalidInput(f"no event counts: models.weights gives none of the types {types} a weight")
        validation = None
        if LEARNED_HYBRID in self.names:
            validation = validation_of(history_of(split.training, items, rules), split.validation)
        self._given = Given(full, validation)

    def train(self, name: str) -> Trained:
        """Train a model and write its file; hybrids come after the models that they are made of.

        Raises
        ------
        Unavailable
            When its process was killed.
        InvalidInput
            When something of the history can't be learned.
        """
        work = train_single if name in SINGLE else train_hybrid
        return done_apart(f"training {name}", work, name, self._settings, self._folder, self._given)

    def clean_up(self) -> None:
        """Delete what only the learned hybrid needed."""
        for path in self._folder.glob(".*.npz"):
            path.unlink()


def train_single(name: str, settings: LabSettings, folder: Path, given: Given) -> Trained:
    """Train a model that is made of nothing else; for learned weights also on the training part alone."""
    from lab.model_files import save_model

    if given.validation is not None:
        model = SINGLE[name](settings)
        model.learn(given.validation.before)
        lists = model.lists(given.validation.rows, settings.models.hybrid.candidates)
        with open(_lists_file(folder, name), "wb") as file:
            np.savez(file, columns=lists.columns, scores=lists.scores)
    model = SINGLE[name](settings)
    timed = Timed()
    model.learn(given.full)
    cost = timed.cost()
    save_model(model, model_file(folder, name))
    return Trained(name, cost, len(given.full.choices.user_rows))


def train_hybrid(name: str, settings: LabSettings, folder: Path, given: Given) -> Trained:
    """Make a hybrid of models that are trained already, with fixed or with learned weights."""
    from lab.model_files import load_model, save_model
    from lab.scoring.hybrid import Hybrid, Part
    from lab.scoring.scoring_model import ScoringModel

    timed = Timed()
    hybrid = settings.models.hybrid
    weights = hybrid.weights if name == FIXED_HYBRID else _learned(settings, folder, given).weights
    parts = []
    for part, weight in weights.items():
        if weight > 0:
            model = load_model(model_file(folder, part))
            if isinstance(model, ScoringModel):
                parts.append(Part(part, weight, model))
    save_model(Hybrid(parts, rules_of(settings), hybrid.candidates), model_file(folder, name))
    return Trained(name, timed.cost(), len(given.full.choices.user_rows))


def _learned(settings: LabSettings, folder: Path, given: Given) -> Weights:
    from lab.scoring.hybrid_weights import learned_weights

    validation = given.validation
    if validation is None:
        raise InvalidInput("there is no validation part to learn weights on")
    lists = {}
    for part in wanted_models(settings):
        if part in SINGLE:
            with np.load(_lists_file(folder, part)) as found:
                lists[part] = Lists(found["columns"], found["scores"])
    learned = learned_weights(lists, validation.relevant)
    weights = Weights(learned.weights, learned.ndcg, learned.of_parts, len(validation.rows))
    (folder / WEIGHTS_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(weights), indent=2))
    return weights


def _lists_file(folder: Path, name: str) -> Path:
    return folder / f".{name}.lists.npz"


def validation_of(before: History, validation: EventSet) -> Validation:
    """Return the users to learn weights on.

    Raises
    ------
    InvalidInput
        When nobody whom models know chose anything new.
    """
    matrix = before.matrix
    after, _ = read_user_items(validation, (), before.rules)
    user_rows = matrix.users.rows_of(after.users.ids_at(range(after.users.n_rows)))
    item_rows = matrix.items.rows_of(after.items.ids_at(range(after.items.n_rows)))
    rows, relevant = [], []
    for of_after in np.random.default_rng(0).permutation(after.users.n_rows).tolist():
        row = int(user_rows[of_after])
        if row == NO_ITEM or not matrix.seen[[row]].nnz:
            continue
        items = item_rows[after.seen[[of_after]].indices]
        items = np.setdiff1d(items[items != NO_ITEM], matrix.seen[[row]].indices)
        if len(items):
            rows.append(row)
            relevant.append(items)
        if len(rows) == _MOST_VALIDATED:
            break
    if not rows:
        raise InvalidInput(
            "in the validation part no known user chose anything new: raise split.validation, or set"
            " models.hybrid.learned=false"
        )
    return Validation(before, np.array(rows, np.int64), relevant)


def tell_costs(trained: Sequence[Trained], say: Callable[[str], None]) -> dict[str, Any]:
    """Show time and peak memory of each model, and return them by name."""
    for one in trained:
        say(
            f"{one.name}: {one.fit.wall_s:.1f} s ({one.fit.cpu_s:.1f} s of processor time),"
            f" {one.events_per_s:,.0f} events/s, peak memory {one.fit.peak_bytes / 1024**2:,.0f} MiB"
        )
    return {
        one.name: {
            "fit_s": one.fit.wall_s,
            "fit_cpu_s": one.fit.cpu_s,
            "events_per_s": one.events_per_s,
            "peak_bytes": one.fit.peak_bytes,
        }
        for one in trained
    }
