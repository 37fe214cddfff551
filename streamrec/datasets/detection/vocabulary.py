"""Words that people name columns with, in some languages, and the roles that they stand for."""

import re
import unicodedata
from collections.abc import Mapping

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER = re.compile(r"[\W_]+")
_BESIDE_SCRIPT = re.compile(r"(?<=[^\x00-\x7f])(?=[a-z0-9])|(?<=[a-z0-9])(?=[^\x00-\x7f])")
"""Between Latin letters and those of another script, as in "商品ID"."""
_NOT_DECOMPOSED = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})
_RUN_TOGETHER = re.compile(r"(\w{3,}?)(id|ids|nr|no|num|nummer|number|code|key)")
"""A word and what says that it is an id, as in "artikelnr"."""


def folded(text: str) -> str:
    """Return a text in small letters without accents.

    >>> folded("Référence"), folded("Ilość"), folded("Straße")
    ('reference', 'ilosc', 'strasse')
    """
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFKD", text.casefold().translate(_NOT_DECOMPOSED))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _words(text: str) -> tuple[str, ...]:
    """Return words, the most telling ones first, as `plain` writes them."""
    return tuple(folded(text).split())


EVENT_ROLES: Mapping[str, tuple[str, ...]] = {
"user_id": _words(
        """
        user_id user userid uuid uid customer_id customer client_id client visitor_id visitorid visitor
        member_id member account_id account buyer shopper reader subscriber profile_id person_id person
        user_handle kunde kunden_nr kundennummer kunden_id benutzer nutzer usuario cliente utilisateur
        user_pseudo_id domain_userid fullvisitorid reviewer_id reviewer username email e_mail
        klant klantnummer gebruiker klient id_klienta uzytkownik utente acheteur musteri kullanici kund
        utilizador asiakas пользователь клиент покупатель 用户_id 用户 用戶 会员 會員 客户 顾客 买家 会員_id
        会員 ユーザー_id ユーザー 顧客 お客様 고객번호 고객 사용자 회원
        anonymous_id cookie_id device_id session_id session who
        """
    ),
"item_id": _words(
        """
        item_id item itemid product_id product productid sku article_id article articleid asin isbn
        stock_code stockcode movie_id movie movieid film_id film track_id track song_id song book_id
        book video_id video course_id course game_id game content_id contentid offer_id listing_id
        news_id recipe_id hotel_id artist_id sourceprodid prod_id artikel artikel_nr artikelnummer
        artikel_id produkt produkt_id producto articulo produit produto prodotto articolo towar artykul
        urun vare tuote reference_produit codigo_del_producto товар артикул продукт 商品_id 商品番号 商品编号
        商品コード 商品 产品 產品 製品 品番 作品 상품번호 상품 제품 business_id business venue_id place_id
        poi_id restaurant_id what page_url url page_location
        """
    ),
"timestamp": _words(
        """
        timestamp ts event_timestamp event_time eventtime time datetime date_time date occurred_at created_at
        created createdat time_stamp unix_time epoch clicked_epoch event_date order_date invoice_date
        invoicedate view_date visited_at at when zeit zeitpunkt zeitstempel datum fecha hora data
        date_heure horodatage moment unix_review_time review_time collector_tstamp tstamp
        server_timestamp date_added data_zakupu data_e_ora tijdstip tarih zaman tidspunkt aika дата время
        日時 日期 日付 時間 时间 購入日 일시 날짜 시간
        """
    ),
"type": _words(
        """
        type event_type eventtype event event_name action action_type behavior behavior_type behaviour
        interaction interaction_type userevent user_event verb activity ereignis aktion tipo accion
        evento evenement zdarzenie akcja azione actie islem handelse действие событие 行为 行為 行動 イベント
        操作 이벤트 행동
        """
    ),
"value": _words(
        """
        value rating stars score overall price amount quantity qty revenue preis betrag menge bewertung
        precio valor cantidad prix montant importe quantite note dwell_time duration view_time_seconds
        watch_time cena kwota ilosc prezzo importo quantita prijs bedrag aantal fiyat tutar miktar preco
        quantidade pris belopp цена сумма количество 金額 金额 価格 价格 数量 評価 评分 가격 금액 수량 평점
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
        headline intitule libelle designation nazwa tytul titolo nome naam baslik название наименование
        商品名 产品名 标题 標題 名称 名稱 タイトル 상품명 제목 이름
        """
    ),
"text": _words(
        """
        text description summary beschreibung descripcion body plot abstract opis descrizione omschrijving
        aciklama описание 描述 説明 설명
        """
    ),
"categories": _words(
        """
        categories category genres genre kategorien kategorie categoria categorias categorie department
        section topic topics main_category warengruppe category_code kategoria kategorier kategori rubrique
        rayon famille категория 类别 分类 分類 类目 カテゴリー カテゴリ ジャンル 카테고리 분류
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

    >>> plain("UserID"), plain("clickedEpoch"), plain("Kunden-Nr."), plain("Prénom"), plain("商品ID")
    ('user_id', 'clicked_epoch', 'kunden_nr', 'prenom', '商品_id')
    """
    written = folded(_CAMEL.sub("_", name))
    if not written.isascii():
        written = _BESIDE_SCRIPT.sub("_", written)
    return _OTHER.sub("_", written).strip("_")


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
    near = [at for at, word in enumerate(words) if _is_in(word, written, parts)]
    return PARTLY - 0.3 * near[0] / len(words) if near else NOT


def _is_in(word: str, name: str, parts: set[str]) -> bool:
    """Return whether a word, or all parts of one of several, are among those of a name."""
    if not word.isascii():  # there are scripts without blanks between words
        return word in name
    return len(word) > 2 and (word in parts or ("_" in word and set(word.split("_")) <= parts))


def role_of(name: str) -> str | None:
    """Return the role that a column's name speaks of most clearly; None: of none.

    >>> role_of("customer_id"), role_of("Preis"), role_of("x17")
    ('user_id', 'value', None)
    """
    scores = {role: score_of(name, words) for role, words in {**ITEM_ROLES, **EVENT_ROLES}.items()}
    best = max(scores, key=lambda role: scores[role])
    return best if scores[best] > NOT else None
