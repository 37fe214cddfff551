"""A written shop, read back as arrays, beside the settings that it is held to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lab.configuration.generator_section import GeneratorSection
from lab.configuration.reading import read_lab_settings
from lab.dataset.lab_data import LabData, read_data
from lab.generator.catalog import category_name
from lab.generator.item_texts import subcategory_name
from lab.generator.writing import write_shop
from lab.steps.tables import read_table

SMALL = (
    "generator.n_users=2000", "generator.n_products=1000", "generator.n_editorial=200",
    "generator.n_interactions=60000", "generator.rows_per_part=5000", "generator.seed=5",
)  # fmt: skip

Ints = NDArray[np.int64]


@contextmanager
def no_bar(description: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    yield lambda done: None


def small_settings(*overrides: str) -> GeneratorSection:
    return read_lab_settings(overrides=[*SMALL, *overrides]).generator


def write_small(folder: Path, *overrides: str) -> dict[str, int]:
    return write_shop(small_settings(*overrides), folder, no_bar)


@dataclass
class ShopWorld:
    """Data of a folder, held to the laws of `settings`.

    Choices are the first events of each chain of stages: a product's impression, an editorial item's click.
    """

    folder: Path
    settings: GeneratorSection

    @cached_property
    def data(self) -> LabData:
        return read_data(self.folder)

    @cached_property
    def users(self) -> dict[str, list[object]]:
        table: dict[str, list[object]] = read_table(self.folder / "truth/users.parquet").to_pydict()
        return table

    @cached_property
    def items(self) -> dict[str, NDArray[np.int64]]:
        table = read_table(self.folder / "truth/items.parquet")
        return {name: table.column(name).to_numpy(zero_copy_only=False) for name in table.column_names}

    @cached_property
    def primary(self) -> Ints:
        names = {category_name(number): number for number in range(self.settings.n_categories)}
        return np.array([names[str(name)] for name in self.users["primary_category"]])

    @cached_property
    def preferred(self) -> Ints:
        n_groups = self.settings.n_categories * self.settings.n_subcategories
        names = {subcategory_name(group, self.settings): group for group in range(n_groups)}
        return np.array([names[str(name)] for name in self.users["preferred_subcategory"]])

    @cached_property
    def event_users(self) -> Ints:
        return self._rows(self.data.events.users.names, self.users["user_id"])[self.data.events.users.codes]

    @cached_property
    def event_items(self) -> Ints:
        names = self.data.events.items.names
        return self._rows(names, self.items["item_id"].tolist())[self.data.events.items.codes]

    @cached_property
    def types(self) -> NDArray[np.object_]:
        return np.array(self.data.events.types.tolist(), np.object_)

    @cached_property
    def months(self) -> Ints:
        months = self.data.events.timestamps.astype("datetime64[s]").astype("datetime64[M]")
        return months.astype(np.int64) % 12

    @cached_property
    def is_product(self) -> NDArray[np.bool_]:
        return self.items["is_product"].astype(bool)[self.event_items]

    @cached_property
    def product_choices(self) -> NDArray[np.bool_]:
        is_choice: NDArray[np.bool_] = np.logical_and(self.is_product, self.types == "impression")
        return is_choice

    @cached_property
    def editorial_choices(self) -> NDArray[np.bool_]:
        is_choice: NDArray[np.bool_] = np.logical_and(~self.is_product, self.types == "click")
        return is_choice

    @cached_property
    def groups(self) -> Ints:
        return self.items["group"][self.event_items]

    @staticmethod
    def _rows(names: object, of: list[object]) -> Ints:
        rows = {name: row for row, name in enumerate(of)}
        return np.array([rows[name] for name in names])  # type: ignore[attr-defined]
