"""Content: items whose metadata is like that of the user's items."""

from functools import partial
from typing import ClassVar

import msgspec
import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from lab.matrices.cells import CellRules, Csr
from lab.matrices.user_items import UserItems
from lab.models.batch_model import Scored, known_row
from lab.models.contents import Contents, csr_arrays, user_items_contents
from lab.scoring.scoring_model import NO_ITEM, History, Rows, Scores, ScoringModel
from streamrec.domain.items.content_tokens import DEFAULT_FIELDS, tokens_of
from streamrec.errors import CorruptArtifact, InvalidInput


class ContentOptions(msgspec.Struct, frozen=True):
    """Options of comparing metadata.

    Attributes
    ----------
    max_terms
        The most frequent words and labels that are kept.
    min_items
        Items that a word must occur in.
    """

    cells: CellRules = CellRules()
    max_terms: int = 20_000
    min_items: int = 1

    def __post_init__(self) -> None:
        """Refuse what can't be."""
        if min(self.max_terms, self.min_items) < 1:
            raise InvalidInput(
                f"max_terms is {self.max_terms}, min_items {self.min_items}; wanted at least 1 each"
            )


class ContentModel(ScoringModel):
    """TF-IDF of the items' words and labels; a user is the mean of the items chosen, and scores are cosines.

    Pazzani and Billsus 2007, Content-based recommendation systems. Words and labels
    are those by which the product starts new items (`tokens_of`): titles, texts, categories, tags and textual
    attributes.
    """

    kind: ClassVar[str] = "content"

    def __init__(self, options: ContentOptions) -> None:
        self._options, self._rules = options, options.cells
        self.fit(())

    def learn(self, history: History) -> None:
        """Learn a history."""
        self._set(history.matrix, self._vectors(history))

    def scores(self, rows: Rows) -> Scores:
        """Return (B, I) cosines of the users' profiles and the items."""
        profiles = normalize(self.matrix.cells[rows] @ self._items)
        found: Scores = (profiles @ self._terms).toarray().astype(np.float32)
        return found

    def similar_items(self, item_id: str, k: int = 10) -> list[Scored]:
        """Return the items with the most similar metadata; support is in words and labels of both."""
        row = known_row(self.matrix.items, item_id, "item", k)
        own = (self._items[[row]] @ self._terms).toarray()[0]
        own[row] = 0
        columns = np.argsort(-own, kind="stable")[:k]
        columns = columns[own[columns] > 0]
        terms = self._items[[row]].indices
        shared = [len(np.intersect1d(terms, self._items[[column]].indices)) for column in columns]
        ids = self.matrix.items.ids_at(columns.tolist())
        return list(map(Scored, ids, np.minimum(own[columns], 1.0).tolist(), shared))

    def contents(self) -> Contents:
        """Return all that a file must hold."""
        own = user_items_contents(self._options, self.matrix)
        n_terms = {"n_terms": np.array([[self._items.shape[1]]], np.float32)}
        return Contents(own.options, own.ids, {**own.arrays, **csr_arrays("vectors", self._items), **n_terms})

    @classmethod
    def restored(cls, contents: Contents) -> "ContentModel":
        """Return the model that a file holds."""
        model = cls(contents.options_as(ContentOptions))
        matrix = contents.user_items()
        n_terms = contents.array("n_terms", 1)
        if n_terms.shape != (1, 1):
            raise CorruptArtifact("n_terms: wanted one number")
        model._set(matrix, contents.csr("vectors", (len(matrix.items), int(n_terms[0, 0]))))
        return model

    def _vectors(self, history: History) -> Csr:
        """Return (I, T) vectors of length 1, or 0 where nothing is known of an item."""
        rows = history.matrix.items.rows_of([item.item_id for item in history.items])
        documents: list[tuple[int, ...]] = [()] * len(history.matrix.items)
        for row, item in zip(rows.tolist(), history.items, strict=True):
            if row != NO_ITEM:
                documents[row] = tokens_of(item, DEFAULT_FIELDS)
        if not any(documents):
            return sparse.csr_array((len(documents), 1))
        options = self._options
        by_tf_idf = TfidfVectorizer(
            analyzer=partial(map, str), max_features=options.max_terms, min_df=options.min_items
        )
        return sparse.csr_array(by_tf_idf.fit_transform(documents))

    def _set(self, matrix: UserItems, vectors: Csr) -> None:
        self.matrix, self._items, self._terms = matrix, vectors, vectors.T.tocsr()
