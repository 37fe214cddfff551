"""Lists for all users, by trained models, as Parquet: user_id, rank (from 1), item_id, score.

::

    <model>.parquet      users in order of their ids, each list best first
    fallback.parquet     the list for whoever has none: what is popular
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow

from lab.configuration.lab_settings import LabSettings
from lab.scoring.scoring_model import NO_ITEM, Lists, ScoringModel
from lab.steps.tables import write_table
from lab.training.training import model_file
from lab.training.work_apart import Timed, done_apart
from streamrec.errors import InvalidInput

FALLBACK = "fallback"
POPULARITY = "popularity"

SCHEMA = pyarrow.schema(
    {
        "user_id": pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
        "rank": pyarrow.int16(),
        "item_id": pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
        "score": pyarrow.float32(),
    }
)


def lists_file(folder: Path, name: str) -> Path:
    """Return where the lists of a model stand."""
    return folder / f"{name}.parquet"


class BatchLists:
    """Lists by the models of a folder.

    Raises
    ------
    InvalidInput
        When a list is wanted of a model that was not trained, or none was.
    """

    def __init__(self, models: Path, settings: LabSettings, folder: Path) -> None:
        self._models, self._k, self._folder = models, settings.recommendations.k, folder
        trained = sorted(path.stem for path in models.glob("*.npz"))
        self.names: Sequence[str] = settings.recommendations.models or trained
        unknown = sorted(set(self.names) - set(trained))
        if unknown or not trained:
            raise InvalidInput(
                f"recommendations.models names {', '.join(unknown) or 'nothing'}; there are"
                f" {', '.join(trained) or 'no trained models'}: see models.trained"
            )

    def write(self, name: str) -> dict[str, Any]:
        """Write the lists of a model, in a process of its own; return their number and cost."""
        return done_apart(f"lists of {name}", write_lists, self._models, name, self._k, self._folder)

    def write_fallback(self) -> None:
        """Write what is popular by the popularity model, or by the first model that there is."""
        name = POPULARITY if model_file(self._models, POPULARITY).is_file() else self.names[0]
        done_apart("the fallback", write_fallback, self._models, name, self._k, self._folder)


def write_lists(models: Path, name: str, k: int, folder: Path) -> dict[str, Any]:
    """Write the lists of a model for all users; return their number and cost."""
    model = _loaded(models, name)
    timed = Timed()
    ids = model.matrix.users.ids_at(range(model.matrix.users.n_rows))
    rows = np.array(sorted(range(len(ids)), key=ids.__getitem__), np.int64)
    lists = model.lists(rows, k)
    write_table(lists_file(folder, name), _table(lists, [ids[row] for row in rows.tolist()], model))
    n_lists = int((lists.columns[:, 0] != NO_ITEM).sum())
    return {"n_lists": n_lists, **msgspec.to_builtins(timed.cost())}


def write_fallback(models: Path, name: str, k: int, folder: Path) -> None:
    """Write what is popular by a model of popularity, or else the items that most users chose."""
    model = _loaded(models, name)
    if name == POPULARITY:
        scores = model.scores(np.zeros(1, np.int64))[0] if len(model.matrix.users) else np.zeros(0)
    else:
        scores = np.bincount(model.matrix.seen.indices, minlength=len(model.matrix.items)).astype(float)
    scores = np.where(model.matrix.is_hidden, 0, scores)
    best = np.argsort(-scores, kind="stable")[:k]
    best = best[scores[best] > 0]
    lists = Lists(best[None, :], scores[best][None, :].astype(np.float32))
    write_table(lists_file(folder, FALLBACK), _table(lists, [FALLBACK], model))


def _loaded(models: Path, name: str) -> ScoringModel:
    from lab.model_files import load_model

    model = load_model(model_file(models, name))
    if not isinstance(model, ScoringModel):
        raise InvalidInput(f"{name} does not score all items")
    return model


def _table(lists: Lists, user_ids: Sequence[str], model: ScoringModel) -> pyarrow.Table:
    lines, positions = np.nonzero(lists.columns != NO_ITEM)
    items = model.matrix.items
    columns = [
        pyarrow.DictionaryArray.from_arrays(
            pyarrow.array(lines, pyarrow.int32()), pyarrow.array(user_ids, pyarrow.string())
        ),
        pyarrow.array(positions + 1, pyarrow.int16()),
        pyarrow.DictionaryArray.from_arrays(
            pyarrow.array(lists.columns[lines, positions], pyarrow.int32()),
            pyarrow.array(items.ids_at(range(items.n_rows)), pyarrow.string()),
        ),
        pyarrow.array(lists.scores[lines, positions], pyarrow.float32()),
    ]
    return pyarrow.table(columns, schema=SCHEMA)
