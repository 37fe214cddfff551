"""Keys of the index: recommenders, trainers and tools have one, and clients of the recommender do not."""

import falcon
import falcon.asgi

from streamrec.web.api_keys import ApiKeys, key_of


class IndexAccess:
    """Lets in who has a key of the index; health is open.

    Parameters
    ----------
    keys
        Keys of the index alone: those of the recommender's clients open nothing here.
    """

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys

    async def process_request(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Refuse a request without a key.

        Raises
        ------
        falcon.HTTPUnauthorized
            When it brings none, or another one.
        """
        if req.path.startswith("/health/") or self._keys.scopes_of(key_of(req)):
            return
        words = "send a key of the index: set STREAMREC_INDEX_KEYS_FILE to a file that holds one"
        raise falcon.HTTPUnauthorized(description=words, challenges=["Bearer"])
