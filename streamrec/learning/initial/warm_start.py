"""Starting a model from vectors learned elsewhere, or earlier."""

import numpy as np
import torch

from models.bounds import flaw_of
from streamrec.domain.rows.id_map import IdMap
from streamrec.errors import InvalidInput
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import VectorTable


def warm_start(state: TrainerState, items: VectorTable, users: VectorTable) -> tuple[int, int]:
    """Set the rows of the ids that the state knows to given vectors; the others start as new ones do.

    Parameters
    ----------
    items, users
        As a snapshot holds them: (N, D + 1) [q_i, b_i] and (U, D + 1) [p_u * h, 1].

    Returns
    -------
    n_items, n_users
        How many rows were set.

    Raises
    ------
    InvalidInput
        When the vectors have another dimension than the model, are not finite, or longer than rows may be.
    """
    model = state.learner.model
    wanted = model.embedding_dim + 1
    for name, table in (("items", items), ("users", users)):
        if table.vectors.shape[1] != wanted:
            raise InvalidInput(
                f"warm start: vectors of {name} have {table.vectors.shape[1] - 1} dimensions, the model has"
                f" {model.embedding_dim}; set STREAMREC_LEARNING_EMBEDDING_DIM"
            )
        if not np.isfinite(table.vectors).all():
            raise InvalidInput(f"warm start: a vector of {name} is not finite")
    model.grow_to(state.user_ids.n_rows, state.item_ids.n_rows)
    item_rows, item_vectors = _known(state.item_ids, items)
    user_rows, user_vectors = _known(state.user_ids, users)
    user_vectors = user_vectors[:, :-1] / model.output
    if flaw := flaw_of({"items.rows": item_vectors, "users.rows": user_vectors}):
        raise InvalidInput(f"warm start: of the vectors given, {flaw}")
    model.items.rows[item_rows] = item_vectors
    model.users.rows[user_rows] = user_vectors
    return len(item_rows), len(user_rows)


def _known(ids: IdMap, table: VectorTable) -> tuple[torch.Tensor, torch.Tensor]:
    rows = ids.rows_of(table.ids)
    is_known = rows >= 0
    vectors = np.array(table.vectors[is_known], np.float32)
    return torch.from_numpy(rows[is_known]), torch.from_numpy(vectors)
