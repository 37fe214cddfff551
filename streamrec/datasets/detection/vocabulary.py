"""Words that people name columns with, in some languages, and the roles that they stand for."""

import re
from collections.abc import Mapping

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER = re.compile(r"[^a-z0-9]+")
_RUN_TOGETHER = re.compile(r"(\w{3,}?)(id|ids|nr|no|num|nummer|number|code|key)")
"""A word and what says that it is an id, as in "artikelnr"."""


def _words(text: str) -> tuple[str, ...]:
    """Return words, the most telling ones first."""
    return tuple(text.split())


EVENT_ROLES: Mapping[str, tuple[str, ...]] = {
"user_id": _words(
        """
        user_id user userid uuid uid customer_id customer client_id client visitor_id visitorid visitor
        member_id member account_id account buyer shopper reader subscriber profile_id person_id person
        user_handle kunde kunden_nr kundennummer kunden_id benutzer nutzer usuario cliente utilisateur
        anonymous_id device_id session_id session who
        """
    ),
"item_id": _words(
        """
        item_id item itemid product_id product productid sku article_id article articleid asin isbn
        stock_code stockcode movie_id movie movieid film_id film track_id track song_id song book_id
        book video_id video course_id course game_id game content_id contentid offer_id listing_id
        news_id recipe_id hotel_id artist_id sourceprodid prod_id artikel artikel_nr artikelnummer
        artikel_id produkt produkt_id producto articulo produit what
        """
    ),
"timestamp": _words(
        """
        timestamp ts event_time eventtime time datetime date_time date occurred_at created_at created
        createdat time_stamp unix_time epoch clicked_epoch event_date order_date invoice_date
        invoicedate view_date visited_at at when zeit zeitpunkt zeitstempel datum fecha hora data
        date_heure horodatage moment reviewtime unixreviewtime
        """
    ),
"type": _words(
        """
        type event_type eventtype event event_name action action_type behavior behavior_type behaviour
        interaction interaction_type userevent user_event verb activity ereignis aktion tipo accion
        evento evenement
        """
    ),
"value": _words(
        """
        value rating stars score overall price amount quantity qty revenue preis betrag menge bewertung
        precio valor cantidad prix note dwell_time duration view_time_seconds watch_time
        """
    ),
"event_id": _words(
        """
        event_id eventid event_uuid insert_id message_id
        """
    ),
}  # fmt: skip

ITEM_ROLES: Mapping[str, tuple[str, ...]] = {
    "item_id": (*EVENT_ROLES["item_id"], "id", "code", "key", "nr", "nummer"),
"title": _words(
        """
        title name product_name item_name titel bezeichnung titulo nombre titre nom label movie_title
        headline
        """
    ),
"text": _words(
        """
        text description summary beschreibung descripcion body plot abstract
        """
    ),
"categories": _words(
        """
        categories category genres genre kategorien kategorie categoria categorias categorie department
        section topic topics main_category warengruppe category_code
        """
    ),
"kind": _words(
        """
        kind item_type content_type media_type
        """
    ),
"is_hidden": _words(
        """
        is_hidden hidden inactive disabled deleted archived discontinued
        """
    ),
}  # fmt: skip

LIST_WORDS = frozenset(
    (
        "tags",
        "keywords",
        "labels",
        "colors",
        "colours",
        "sizes",
        "actors",
        "authors",
        "topics",
        "genres",
        "brands",
    )
)

EXACT, PARTLY, NOT = 1.0, 0.6, 0.0


def plain(name: str) -> str:
    """Return a column's name in small letters, its words apart.

    >>> plain("UserID"), plain("clickedEpoch"), plain("Kunden-Nr.")
    ('user_id', 'clicked_epoch', 'kunden_nr')
    """
    return _OTHER.sub("_", _CAMEL.sub("_", name).lower()).strip("_")


def score_of(name: str, words: tuple[str, ...]) -> float:
    """Return how well a column's name fits a role: 0 not at all, 1 it is the first of the role's words.

    >>> score_of("user_id", ("user_id", "uid")), score_of("session", ("user_id", "uid"))
    (1.0, 0.0)
    >>> score_of("Artikelnr", ("artikel",))
    0.6
    """
    written = plain(name)
    if written in words:
        return EXACT - 0.3 * words.index(written) / len(words)
    parts = set(written.split("_"))
    for part in list(parts):
        if run_together := _RUN_TOGETHER.fullmatch(part):
            parts.update(run_together.groups())
    near = [at for at, word in enumerate(words) if len(word) > 2 and (word in parts or _is_in(word, parts))]
    return PARTLY - 0.3 * near[0] / len(words) if near else NOT


def _is_in(word: str, parts: set[str]) -> bool:
    """Return whether all parts of a word of several are among those of a name."""
    return "_" in word and set(word.split("_")) <= parts


def role_of(name: str) -> str | None:
    """Return the role that a column's name speaks of most clearly; None: of none.

    >>> role_of("customer_id"), role_of("Preis"), role_of("x17")
    ('user_id', 'value', None)
    """
    scores = {role: score_of(name, words) for role, words in {**ITEM_ROLES, **EVENT_ROLES}.items()}
    best = max(scores, key=lambda role: scores[role])
    return best if scores[best] > NOT else None
