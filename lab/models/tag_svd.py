"""Users and tags: truncated SVD of what users did with the tags of their items."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from lab.matrices.cells import CellRules, Csr, cells_of
from lab.matrices.truncated_svd import truncated_svd
from lab.matrices.user_items import Choices, UserItems, read_user_items
from lab.matrices.vector_similarity import VectorSimilarity
from lab.models.batch_model import Scored, known_row, most_similar
from lab.models.contents import Contents, csr_arrays, ids_of, user_items_contents
from lab.models.neighbour_options import check_decomposition, check_n_neighbours
from lab.models.user_model import UserModel
from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.item import Item
from streamrec.domain.rows.id_map import IdMap

Tags = Literal["categories", "item_ids"]


class TagSvdOptions(msgspec.Struct, frozen=True):
    """Options of decomposing users and tags.

    Attributes
    ----------
    cells
        What a user did with a tag: by default the mean value of the events with items that have it.
    tags
        ``categories`` of the items given to `fit`, or ``item_ids``: each item is a tag itself, as in a
        history of interests.
    n_dims
        Directions that are kept.
    n_neighbours
        Neighbours that vote in a recommendation.
    seed
        Of the decomposition.
    """

    cells: CellRules = CellRules("mean_value")
    tags: Tags = "categories"
    n_dims: int = 50
    n_neighbours: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what can't be."""
        check_decomposition(self.n_dims, self.seed)
        check_n_neighbours(self.n_neighbours)


class TagSvd(UserModel):
    """Compares users by their tags, and tags by their users; an item is the sum of its tags.

    The matrix holds zeros where nothing is known, as a decomposition needs: the mean value is how much of a
    tag there was, and of most tags there was nothing.

    >>> model = TagSvd(TagSvdOptions())
    >>> items = [Item("c1", categories=("python",)), Item("c2", categories=("python", "web"))]
    >>> events = [Interaction("u", "c1", 0.0, value=60.0), Interaction("v", "c2", 0.0, value=90.0)]
    >>> model.fit(events, items)
    >>> [(user.id, round(user.score, 3), user.support) for user in model.similar_users("u")]
    [('v', 0.707, 1)]
    """

    kind: ClassVar[str] = "tag-svd"

    def __init__(self, options: TagSvdOptions) -> None:
        self._options = options
        self._n_neighbours = options.n_neighbours
        self.fit(())

    def fit(self, interactions: Iterable[Interaction], items: Sequence[Item] = ()) -> None:
        """Learn a history and its items' tags; see `BatchModel.fit`. An item without tags tells nothing."""
        options = self._options
        matrix, choices = read_user_items(interactions, items, options.cells)
        tags, item_tags = _item_tags(matrix.items, items, options)
        user_tags = _user_tags(matrix, choices, item_tags, options.cells)
        directions = truncated_svd(user_tags, options.n_dims, options.seed)
        item_vectors = np.asarray(item_tags.astype(np.float32) @ directions.columns)
        self._set(matrix, tags, (user_tags, directions.rows), (item_tags, item_vectors))

    def similar_items(self, item_id: str, k: int = 10) -> list[Scored]:
        """Return the items whose tags the same users have to do with; support is in tags of both."""
        row = known_row(self.matrix.items, item_id, "item", k)
        return most_similar(self._item_similarity, self.matrix.items, row, k)

    def contents(self) -> Contents:
        """Return all that a file must hold."""
        contents = user_items_contents(self._options, self.matrix)
        (user_tags, user_vectors), (item_tags, item_vectors) = self._of_users, self._of_items
        arrays = csr_arrays("user_tags", user_tags) | csr_arrays("item_tags", item_tags)
        arrays |= {"user_vectors": user_vectors, "item_vectors": item_vectors}
        ids = {**contents.ids, "tags": ids_of(self._tags)}
        return Contents(contents.options, ids, {**contents.arrays, **arrays})

    @classmethod
    def restored(cls, contents: Contents) -> "TagSvd":
        """Return the model that a file holds."""
        model = cls(contents.options_as(TagSvdOptions))
        matrix, tags = contents.user_items(), contents.id_map("tags")
        n_users, n_items = len(matrix.users), len(matrix.items)
        model._set(
            matrix,
            tags,
            (contents.csr("user_tags", (n_users, len(tags))), contents.array("user_vectors", n_users)),
            (contents.csr("item_tags", (n_items, len(tags))), contents.array("item_vectors", n_items)),
        )
        return model

    def _set(
        self,
        matrix: UserItems,
        tags: IdMap,
        of_users: tuple[Csr, NDArray[np.float32]],
        of_items: tuple[Csr, NDArray[np.float32]],
    ) -> None:
        similarity, item_similarity = (
            VectorSimilarity(vectors, tags) for tags, vectors in (of_users, of_items)
        )
        self.matrix, self._tags, self._of_users, self._of_items = matrix, tags, of_users, of_items
        self.similarity, self._item_similarity = similarity, item_similarity


def _item_tags(item_ids: IdMap, items: Sequence[Item], options: TagSvdOptions) -> tuple[IdMap, Csr]:
    """Return T tags, and (I, T) which item has which of them: 1 or nothing."""
    n_items = len(item_ids)
    if options.tags == "item_ids":
        each = np.arange(n_items)
        return item_ids, cells_of(each, each, np.ones(n_items), (n_items, n_items), "count")
    tags = IdMap()
    pairs = {(item_ids.row(item.item_id), tags.add(tag)) for item in items for tag in item.categories}
    rows, columns = np.array(sorted(pairs), np.int64).reshape(-1, 2).T
    return tags, cells_of(rows, columns, np.ones(len(rows)), (n_items, len(tags)), "count")


def _user_tags(matrix: UserItems, choices: Choices, item_tags: Csr, rules: CellRules) -> Csr:
    """Return (U, T) what each user did with each tag: every event counts for all tags of its item."""
    n_tags = np.diff(item_tags.indptr)[choices.item_rows]
    event_of = np.repeat(np.arange(len(n_tags)), n_tags)
    # The index of each (event, tag) among its event's tags, and with it the tag's index among the item's.
    index = np.arange(len(event_of)) - np.repeat(np.cumsum(n_tags) - n_tags, n_tags)
    tags = item_tags.indices[item_tags.indptr[choices.item_rows[event_of]] + index]
    shape = (len(matrix.users), item_tags.shape[1])
    amounts = choices.amounts(rules)[event_of]
    return cells_of(choices.user_rows[event_of], tags.astype(np.int64), amounts, shape, rules.cells)
