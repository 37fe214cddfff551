"""Weights for the types of events that people have, and for the stars that they give."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from streamrec.datasets.detection.vocabulary import folded
from streamrec.domain.events.weights import RETRACT

VIEW, CLICK, CART, CHOICE, RECORDED, DISLIKE = 0.5, 0.5, 0.7, 1.0, 0.0, -1.0

_OTHER = re.compile(r"[\W\d_]+")


def _words(text: str) -> tuple[str, ...]:
    return tuple(folded(text).split())


_WEIGHTS: Mapping[float, tuple[str, ...]] = {
RECORDED: _words(
        """
        impression impressions shown exposure search removefromcart remove uncart login logout return
        refund refunded scroll session sessionstart retract undo unlike cancelled canceled failed returned
        storniert annule cancelado anulowane
        """
    ),
VIEW: _words(
        """
        view pageview pv detail detailview itemview productview viewitem open visit click clicked tap
        select ansicht klick vista ver clic vue read visita visite wyswietlenie visualizzazione bekeken
        visualizacao goruntuleme просмотр 閲覧 浏览 点击 조회 클릭
        """
    ),
CART: _words(
        """
        cart addtocart addcart basket addtobasket wishlist addtowishlist fav favorite favourite bookmark
        save share checkout begincheckout warenkorb carrito panier koszyk carrello winkelwagen carrinho sepet
        корзина カート 加购 收藏 お気に入り 장바구니
        """
    ),
CHOICE: _words(
        """
        purchase buy bought order transaction sale paid like liked love upvote rating rate review play
        listen watch watched complete completed subscribe download enroll kauf gekauft bestellung compra
        achat interaction thumbsup zakup acquisto aankoop satinalma покупка 購入 购买 구매
        """
    ),
DISLIKE: _words(
        """
        dislike disliked hide notinterested downvote thumbsdown block report less
        """
    ),
}  # fmt: skip
_WEIGHT_OF = {word: weight for weight, words in _WEIGHTS.items() for word in words}

_MOST_STARS = 10.0
_MOST_STEPS = 20  # different ratings, halves of ten stars


class WeightsFound(NamedTuple):
    """Weights for the types of a file, with what is said of each of them."""

    weights: dict[str, float]
    words: list[str]


def weights_of(types: Sequence[str]) -> WeightsFound:
    """Return a weight for each type, in the order of how often it is met.

    >>> weights_of(["pageView", "pageView", "Buy", "blink"]).weights
    {'pageView': 0.5, 'Buy': 1.0, 'blink': 1.0}
    >>> weights_of(["retract"])
    WeightsFound(weights={}, words=["'retract' (100.0%) takes back what its user said of the item before"])
    """
    weights, words = {}, []
    for type_, n in Counter(types).most_common(50):
        if type_ == RETRACT:
            words.append(f"{type_!r} ({n / len(types):.1%}) takes back what its user said of the item before")
            continue
        known = _WEIGHT_OF.get(_OTHER.sub("", folded(type_)))
        weights[type_] = CHOICE if known is None else known
        what = f"{type_!r} ({n / len(types):.1%}) weighs {weights[type_]:g}"
        words.append(what + ("" if known is not None else ": not known here, a guess"))
    return WeightsFound(weights, words)


def share_of_known(types: Sequence[str]) -> float:
    """Return which share of texts are types of events that are known here."""
    return sum(_OTHER.sub("", folded(text)) in _WEIGHT_OF for text in types) / len(types) if types else 0.0


def rules_of_ratings(values: Sequence[float], type_: str) -> dict[str, float]:
    """Return rules on values that are stars: the upper ones are choices, the lower ones dislikes.

    >>> rules_of_ratings([1, 5, 4, 3, 2], "rating")
    {'rating<=2': -1.0, 'rating<4': 0.0}
    >>> rules_of_ratings([12.5, 3.99], "purchase")
    {}
    """
    kinds = set(values)
    top = max(kinds, default=0.0)
    is_scale = len(kinds) > 2 and len(kinds) <= _MOST_STEPS and min(kinds) >= 0 and top in (5.0, _MOST_STARS)
    if not is_scale or any(value * 2 % 1 for value in kinds):
        return {}
    low, high = 0.4 * top, 0.8 * top
    return {f"{type_}<={low:g}": DISLIKE, f"{type_}<{high:g}": RECORDED}
