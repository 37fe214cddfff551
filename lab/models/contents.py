"""All that a fitted model is, in types that a file can hold without running anything at loading."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lab.matrices.cells import Csr
from lab.matrices.user_items import UserItems
from streamrec.domain.rows.id_map import IdMap
from streamrec.errors import CorruptArtifact, InvalidInput

OptionsT = TypeVar("OptionsT")

_CSR = ("data", "indices", "indptr")


class Contents(NamedTuple):
    """Options in JSON's types, lists of ids in row order, and arrays, each by name."""

    options: Any
    ids: Mapping[str, list[str]]
    arrays: Mapping[str, NDArray[Any]]

    def under(self, prefix: str) -> "Contents":
        """Return the ids and arrays whose names begin with `prefix`, under the rest of their names."""
        ids = {name.removeprefix(prefix): of for name, of in self.ids.items() if name.startswith(prefix)}
        tables = {name.removeprefix(prefix): a for name, a in self.arrays.items() if name.startswith(prefix)}
        return Contents(self.options, ids, tables)

    def options_as(self, wanted: type[OptionsT]) -> OptionsT:
        """Return the options.

        Raises
        ------
        CorruptArtifact
            When they do not fit.
        """
        try:
            return msgspec.convert(self.options, wanted)
        except (msgspec.ValidationError, InvalidInput) as error:
            raise CorruptArtifact(f"options do not fit: {error}") from error

    def id_map(self, name: str) -> IdMap:
        """Return ids as a map.

        Raises
        ------
        CorruptArtifact
            When they are missing, or one stands there twice.
        """
        try:
            return IdMap(self.ids[name])
        except (KeyError, ValueError) as error:
            raise CorruptArtifact(f"ids of {name}: {error}") from error

    def array(self, name: str, n_rows: int) -> NDArray[Any]:
        """Return a table of finite float32 with a row for each id.

        Raises
        ------
        CorruptArtifact
            When it is missing or anything else.
        """
        table = self.arrays.get(name)
        if table is None or table.dtype != np.float32 or table.ndim != 2 or len(table) != n_rows:
            raise CorruptArtifact(f"{name}: wanted {n_rows} rows of float32")
        if not np.isfinite(table).all():
            raise CorruptArtifact(f"{name}: holds what is no number")
        return table

    def csr(self, name: str, shape: tuple[int, int]) -> Csr:
        """Return a sparse matrix of this shape.

        Raises
        ------
        CorruptArtifact
            When it is missing or does not hold together.
        """
        try:
            data, indices, indptr = (self.arrays[f"{name}.{part}"] for part in _CSR)
            is_sparse = data.dtype == np.float64 and {indices.dtype.kind, indptr.dtype.kind} == {"i"}
            if not is_sparse or not np.isfinite(data).all():
                raise CorruptArtifact(f"{name}: wanted finite float64 at integer positions")
            matrix = sparse.csr_array((data, indices, indptr), shape=shape)
            matrix.check_format(full_check=True)
        except (KeyError, ValueError) as error:
            raise CorruptArtifact(f"{name}: {error}") from error
        return matrix

    def user_items(self) -> UserItems:
        """Return what users did with items.

        Raises
        ------
        CorruptArtifact
            When a part is missing or does not fit.
        """
        users, items = self.id_map("users"), self.id_map("items")
        shape = (len(users), len(items))
        cells, seen, disliked = (self.csr(name, shape) for name in ("cells", "seen", "disliked"))
        is_hidden = self.arrays.get("is_hidden")
        if is_hidden is None or is_hidden.dtype != bool or is_hidden.shape != (len(items),):
            raise CorruptArtifact(f"is_hidden: wanted {len(items)} times true or false")
        return UserItems(users, items=items, cells=cells, seen=seen, disliked=disliked, is_hidden=is_hidden)


def ids_of(ids: IdMap) -> list[str]:
    """Return the ids of a map that never released one, in row order."""
    return ids.ids_at(range(ids.n_rows))


def csr_arrays(name: str, matrix: Csr) -> dict[str, NDArray[Any]]:
    """Return the arrays that make up a sparse matrix."""
    return dict(
        zip(
            (f"{name}.{part}" for part in _CSR),
            (matrix.data, matrix.indices, matrix.indptr),
            strict=True,
        )
    )


def user_items_contents(options: msgspec.Struct, matrix: UserItems) -> Contents:
    """Return what a model holds that is no more than its matrix and its options."""
    arrays = {
        **csr_arrays("cells", matrix.cells),
        **csr_arrays("seen", matrix.seen),
        **csr_arrays("disliked", matrix.disliked),
        "is_hidden": matrix.is_hidden,
    }
    ids = {"users": ids_of(matrix.users), "items": ids_of(matrix.items)}
    return Contents(msgspec.to_builtins(options), ids, arrays)
