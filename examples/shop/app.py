"""The shop's own service: alternatives to a product, suggestions for a customer, and clicks that come in."""

from typing import Any, Literal

import falcon
import msgspec

from examples.product_api import ProductApi, ProductError, path_of
from examples.requests import answer_as_product, body_of
from examples.shop.mapping import event

N_SHOWN = 10


class Click(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of `POST /clicks`."""

    uuid: str
    sourceprodid: str
    userevent: Literal["pageView", "addToCart", "buy"]


_decoder = msgspec.json.Decoder(Click)


def create_app(product: ProductApi) -> falcon.App[Any, Any]:
    """Return the app over a running product."""
    app = falcon.App()
    app.add_route("/products/{sourceprodid}/alternatives", _Alternatives(product))
    app.add_route("/customers/{uuid}/suggestions", _Suggestions(product))
    app.add_route("/clicks", _Clicks(product))
    app.add_error_handler(ProductError, answer_as_product)
    return app


class _Alternatives:
    """`GET /products/<id>/alternatives`."""

    def __init__(self, product: ProductApi) -> None:
        self._product = product

    def on_get(self, _req: falcon.Request, resp: falcon.Response, sourceprodid: str) -> None:
        """Answer with what is like a product: of its own category and the nearest price first."""
        # The order is a setting of the product, see `__main__`.
        answer = self._product.get(path_of("v1", "items", sourceprodid, "similar"), k=N_SHOWN)
        resp.media = {"sourceprodid": sourceprodid, "alternatives": [_shown(i) for i in answer["items"]]}


class _Suggestions:
    """`GET /customers/<id>/suggestions?looking_at=<product>`."""

    def __init__(self, product: ProductApi) -> None:
        self._product = product

    def on_get(self, req: falcon.Request, resp: falcon.Response, uuid: str) -> None:
        """Answer with what a customer may want; for an unknown user, by the product that they look at."""
        looking_at = req.get_param("looking_at")
        seen = {} if looking_at is None else {"item_id": looking_at}
        answer = self._product.get("/v1/recommendations", user_id=uuid, k=N_SHOWN, **seen)
        resp.media = {"uuid": uuid, "suggestions": [_shown(item) for item in answer["items"]]}


class _Clicks:
    """`POST /clicks`."""

    def __init__(self, product: ProductApi) -> None:
        self._product = product

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Take in what a customer did now, with a product of ours."""
        click = body_of(req, _decoder)
        item = self._product.get(path_of("v1", "items", click.sourceprodid))
        price = _shown(item)["price"]
        done = event(click.uuid, click.sourceprodid, click.userevent, price)
        self._product.call("POST", "/v1/events", done)
        resp.status = falcon.HTTP_201
        resp.media = msgspec.to_builtins(click) | {"price": price}


def _shown(item: dict[str, Any]) -> dict[str, Any]:
    # Of a product that was clicked before anybody described it, nothing is known but its id.
    return {
        "sourceprodid": item["item_id"],
        "name": item.get("title"),
        "ontology": next(iter(item.get("categories") or ()), None),
        "price": (item.get("attributes") or {}).get("price"),
    }
