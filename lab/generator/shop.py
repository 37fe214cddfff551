"""The shop before its first event: items, users, and what the change of laws makes of them."""

from dataclasses import dataclass

from lab.configuration.generator_section import GeneratorSection
from lab.generator.catalog import Catalog, Products, draw_catalog
from lab.generator.choice_tables import MonthTables, month_tables
from lab.generator.population import Population, draw_population, drifted_population, drifted_products
from lab.generator.slices import Slice, slices_of


@dataclass(frozen=True, eq=False)
class Shop:
    """All that is drawn before the first event.

    Attributes
    ----------
    drifted_products, drifted_population
        As they are after the change of laws; the same where there is none.
    """

    settings: GeneratorSection
    catalog: Catalog
    population: Population
    drifted_products: Products
    drifted_population: Population

    @classmethod
    def of(cls, settings: GeneratorSection) -> "Shop":
        """Return the shop that settings make."""
        catalog, population = draw_catalog(settings), draw_population(settings)
        return cls(
            settings,
            catalog,
            population,
            drifted_products(catalog.products, settings),
            drifted_population(population, settings),
        )

    def slices(self) -> list[Slice]:
        """Return the slices of the whole time."""
        return slices_of(self.settings, self.catalog, self.population, self.drifted_population)

    def population_in(self, slice_: Slice) -> Population:
        """Return the users as they are in a slice."""
        return self.drifted_population if slice_.is_drifted else self.population

    def tables_in(self, slice_: Slice) -> MonthTables:
        """Return the tables of a slice."""
        products = self.drifted_products if slice_.is_drifted else self.catalog.products
        return month_tables(self.catalog, products, self.settings, slice_.month)
