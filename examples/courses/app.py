"""The school's own service: customers like one, and what they watch."""

from typing import Any

import falcon
import msgspec

from examples.requests import answer_as_product, body_of
from streamrec.client import Client, RecommenderError
from streamrec.client.answers.users import SimilarUserView

N_CUSTOMERS = 10
_MOST_TAGS = 5

_ABOUT = {
    "what": "customers of a school of courses who are like one, and what they watch",
    "how": 'POST /predict {"user_handle": 1}',
}


class Question(msgspec.Struct, frozen=True):
    """Body of `POST /predict`."""

    user_handle: int


_decoder = msgspec.json.Decoder(Question)


def create_app(product: Client) -> falcon.App[Any, Any]:
    """Return the app over a running product."""
    app = falcon.App()
    app.add_route("/", _About())
    app.add_route("/predict", _Predictions(product))
    app.add_error_handler(RecommenderError, answer_as_product)
    return app


class _About:
    """`GET /`."""

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Say what this is, and how it is asked."""
        resp.media = _ABOUT


class _Predictions:
    """`POST /predict`."""

    def __init__(self, product: Client) -> None:
        self._product = product

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer with customers like the one asked for, most similar first."""
        handle = body_of(req, _decoder).user_handle
        answer = self._product.similar_users(handle, k=N_CUSTOMERS)
        resp.media = {
            "user_handle": handle,
            "similar_customers": [_customer(user) for user in answer.users],
            "reason": answer.reason,
        }


def _customer(user: SimilarUserView) -> dict[str, Any]:
    name = user.user_id
    return {
        # The product takes any text for an id; who is no customer of the school may be in it too.
        "user_handle": int(name) if name.isdecimal() else name,
        "score": user.score,
        "watches": [
            {"tag": tag.tag, "n_views": tag.n_events, "mean_view_seconds": tag.mean_value}
            for tag in user.profile.tags[:_MOST_TAGS]
        ],
    }
