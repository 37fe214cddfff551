"""Items of the shop in the product's own format, with texts that tell of their subcategory."""

from collections.abc import Iterator

import numpy as np

from lab.configuration.generator_section import GeneratorSection
from lab.generator.catalog import Catalog, category_name, item_ids
from lab.generator.seeds import CATALOG, generator_for
from streamrec.domain.items.item import Item

_N_WORDS = 40
"""Size of a subcategory's vocabulary."""
_N_WORDS_SAID = 12
"""Words of an item's text; a quarter of them is of another subcategory."""
_FOREIGN = 0.25
_SYLLABLES = ("ba", "de", "fi", "go", "ku", "la", "me", "no", "pi", "ra", "so", "tu", "va", "we", "xi", "zo")


def items_of(catalog: Catalog, settings: GeneratorSection) -> Iterator[Item]:
    """Yield products, then editorial items.

    A product has its category and subcategory, brand, price tier and price; an editorial item its topics as
    categories and tags, and the attribute ``editorial``.
    """
    words = generator_for(settings.seed, CATALOG, 1)
    yield from _products(catalog, settings, words)
    yield from _editorial(catalog, settings, words)


def subcategory_name(group: int, settings: GeneratorSection) -> str:
    """Return a subcategory's name, which no other category has.

    >>> subcategory_name(6, GeneratorSection())
    'fashion-2'
    """
    category, number = divmod(group, settings.n_subcategories)
    return f"{category_name(category)}-{number + 1}"


def _products(catalog: Catalog, settings: GeneratorSection, random: np.random.Generator) -> Iterator[Item]:
    products, tiers = catalog.products, list(settings.price_tiers)
    texts = _texts(products.groups, settings, random)
    columns = (products.groups, products.brands, products.tiers, products.prices)
    rows = zip(item_ids("p", len(texts)), texts, *(column.tolist() for column in columns), strict=True)
    for item_id, text, group, brand, tier, price in rows:
        category = category_name(group // settings.n_subcategories)
        subcategory, brand_name = subcategory_name(group, settings), f"brand-{brand + 1}"
        yield Item(
            item_id,
            kind="product",
            title=f"{brand_name} {subcategory} {item_id}",
            text=text,
            categories=(category, subcategory),
            attributes={"brand": brand_name, "price_tier": tiers[tier], "price": price},
        )


def _editorial(catalog: Catalog, settings: GeneratorSection, random: np.random.Generator) -> Iterator[Item]:
    editorial, kinds = catalog.editorial, list(settings.editorial_kinds)
    n = len(editorial.kinds)
    main = editorial.topics.argmax(axis=1) if n else np.empty(0, np.int64)
    groups = main * settings.n_subcategories + random.integers(settings.n_subcategories, size=n)
    texts = _texts(groups, settings, random)
    rows = zip(item_ids("e", n), editorial.kinds.tolist(), editorial.topics, texts, strict=True)
    for item_id, kind, topics, text in rows:
        names = [category_name(category) for category in np.flatnonzero(topics).tolist()]
        yield Item(
            item_id,
            kind=kinds[kind],
            title=f"{kinds[kind].replace('_', ' ')} on {' and '.join(names)}",
            text=text,
            categories=tuple(names),
            attributes={"editorial": True, "tags": names},
        )


def _texts(groups: np.ndarray, settings: GeneratorSection, random: np.random.Generator) -> list[str]:
    """Return a text for an item of each group: words of its vocabulary, some of others'."""
    n_groups = settings.n_categories * settings.n_subcategories
    shape = (len(groups), _N_WORDS_SAID)
    foreign = random.integers(n_groups, size=shape)
    of = np.where(random.random(shape) < _FOREIGN, foreign, groups[:, None])
    numbers = of * _N_WORDS + random.integers(_N_WORDS, size=shape)
    return [" ".join(map(_word, row)) for row in numbers.tolist()]


def _word(number: int) -> str:
    """Return a word that no other number has."""
    word = ""
    for _ in range(4):
        number, syllable = divmod(number, len(_SYLLABLES))
        word += _SYLLABLES[syllable]
    return word if not number else f"{word}{number}"
