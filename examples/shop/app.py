"""The shop's own service: alternatives to a product, suggestions for a customer, and clicks that come in."""

from typing import Any, Literal

import falcon
import msgspec

from examples.requests import answer_as_product, body_of
from examples.shop.mapping import event
from streamrec.client import Client, Item, RecommenderError
from streamrec.client.answers.lists import RecommendedItem, SimilarItem

N_SHOWN = 10


class Click(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /clicks`."""

    uuid: str
    sourceprodid: str
    userevent: Literal["pageView", "addToCart", "buy"]


_decoder = msgspec.json.Decoder(Click)


def create_app(product: Client) -> falcon.App[Any, Any]:
    """Return the app over a running product."""
    app = falcon.App()
    app.add_route("/products/{sourceprodid}/alternatives", _Alternatives(product))
    app.add_route("/customers/{uuid}/suggestions", _Suggestions(product))
    app.add_route("/clicks", _Clicks(product))
    app.add_error_handler(RecommenderError, answer_as_product)
    return app


class _Alternatives:
    """`GET /products/<id>/alternatives`."""

    def __init__(self, product: Client) -> None:
        self._product = product

    def on_get(self, _req: falcon.Request, resp: falcon.Response, sourceprodid: str) -> None:
        """Answer with what is like a product: of its own category and the nearest price first."""
        # The order is a setting of the product, see `__main__`.
        answer = self._product.similar_items(sourceprodid, k=N_SHOWN)
        resp.media = {"sourceprodid": sourceprodid, "alternatives": [_shown(i) for i in answer.items]}


class _Suggestions:
    """`GET /customers/<id>/suggestions?looking_at=<product>`."""

    def __init__(self, product: Client) -> None:
        self._product = product

    def on_get(self, req: falcon.Request, resp: falcon.Response, uuid: str) -> None:
        """Answer with what a customer may want; for an unknown user, by the product that they look at."""
        looking_at = req.get_param("looking_at")
        answer = self._product.recommendations(user_id=uuid, item_id=looking_at, k=N_SHOWN)
        resp.media = {"uuid": uuid, "suggestions": [_shown(item) for item in answer.items]}


class _Clicks:
    """`POST /clicks`."""

    def __init__(self, product: Client) -> None:
        self._product = product

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Take in what a customer did now, with a product of ours."""
        click = body_of(req, _decoder)
        item = self._product.get_item(click.sourceprodid)
        price = _shown(item)["price"]
        done = event(click.uuid, click.sourceprodid, click.userevent, price)
        self._product.post_events(done)
        resp.status = falcon.HTTP_201
        resp.media = msgspec.to_builtins(click) | {"price": price}


def _shown(item: Item | RecommendedItem | SimilarItem) -> dict[str, Any]:
    # Of a product that was clicked before anybody described it, nothing is known but its id.
    return {
        "sourceprodid": item.item_id,
        "name": item.title,
        "ontology": next(iter(item.categories), None),
        "price": item.attributes.get("price"),
    }
