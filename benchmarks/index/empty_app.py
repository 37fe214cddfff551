"""A service that reads a body and answers with bytes of a size asked for: what a request costs by itself."""

from typing import Any

import falcon.asgi


class EmptyResource:
    """Does nothing with what it reads."""

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer as many bytes as the parameter `n_bytes` says."""
        await req.stream.read()
        resp.data = bytes(req.get_param_as_int("n_bytes", default=0))


app: falcon.asgi.App[Any, Any] = falcon.asgi.App()
app.add_route("/v1/search", EmptyResource())
