"""A service that reads a body and answers with bytes of a size asked for: what a request costs by itself."""

import falcon


class EmptyResource:
    """Does nothing with what it reads."""

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer as many bytes as the parameter `n_bytes` says."""
        req.stream.read(req.content_length or 0)
        resp.data = bytes(req.get_param_as_int("n_bytes", default=0))


app = falcon.App()
app.add_route("/v1/search", EmptyResource())
