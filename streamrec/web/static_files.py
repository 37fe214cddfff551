"""Files of a page, read once and answered from memory; a policy lets them talk to the API alone."""

import gzip
import hashlib
import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, NamedTuple

import falcon
import falcon.asgi

_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
"""By the ends of the names; what ends otherwise is not served."""


_SELF = "'self'"

_API = b'<meta name="streamrec-api" content="%s">'
"""Place in a page for the address of the API, if it is not beside the page."""


class _File(NamedTuple):
    content_type: str
    plain: bytes
    packed: bytes
    etag: str


class StaticFiles:
    """Files of a folder that lies in a package, and of folders in it: their names are ``folder/name``.

    Parameters
    ----------
    folder
        Name of the package, or of a package's folder, as ``dashboard.static``.
    origin, api
        Origin and address of the API that the pages talk to; empty: it is where the pages are.
    """

    def __init__(self, folder: str, origin: str = "", api: str = "") -> None:
        self._policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
            f" connect-src {origin or _SELF};"
            " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        package, _, below = folder.partition(".")
        found = files(package).joinpath(*below.split(".")) if below else files(package)
        told = _API % api.encode()
        self._files = {
            name: _file(_TYPES[ending], path.read_bytes().replace(_API % b"", told))
            for name, path in _files_in(found)
            if (ending := name.rpartition(".")[2]) in _TYPES
        }

    def answer(self, name: str, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer with a file, or that it is the one which the browser has.

        Raises
        ------
        falcon.HTTPNotFound
            When there is none of this name.
        """
        if name not in self._files:
            raise falcon.HTTPNotFound(description=f"the page has no file {name[:100]!r}")
        file = self._files[name]
        # A newer release has other files under the same names: browsers ask whether theirs is the one.
        resp.set_header("Cache-Control", "no-cache")
        resp.set_header("Vary", "Accept-Encoding")
        resp.set_header("Content-Security-Policy", self._policy)
        resp.set_header("X-Content-Type-Options", "nosniff")
        resp.set_header("Referrer-Policy", "no-referrer")
        resp.set_header("Cross-Origin-Opener-Policy", "same-origin")
        resp.etag = file.etag
        resp.content_type = file.content_type
        if req.if_none_match and any(tag in ("*", file.etag) for tag in req.if_none_match):
            resp.status = falcon.HTTP_304
        elif _reads_gzip(req.get_header("Accept-Encoding") or ""):
            resp.set_header("Content-Encoding", "gzip")
            resp.data = file.packed
        else:
            resp.data = file.plain


class Page:
    """One file at a fixed path."""

    def __init__(self, static: StaticFiles, name: str) -> None:
        self._static, self._name = static, name

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer with the file."""
        self._static.answer(self._name, req, resp)


class PageFile:
    """`GET /page/{name}` and `GET /page/{name}/{inner}`: what a page is made of."""

    def __init__(self, static: StaticFiles) -> None:
        self._static = static

    async def on_get(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, name: str, inner: str = ""
    ) -> None:
        """Answer with the file of this name, or with that in the folder of this name."""
        self._static.answer(f"{name}/{inner}" if inner else name, req, resp)


def add_pages(app: falcon.asgi.App[Any, Any], static: StaticFiles) -> None:
    """Serve the page at ``/``, that of the API at ``/docs``, and their files below ``/page``."""
    app.add_route("/", Page(static, "index.html"))
    app.add_route("/docs", Page(static, "docs.html"))
    app.add_route("/page/{name}", PageFile(static))
    app.add_route("/page/{name}/{inner}", PageFile(static))


def _reads_gzip(accepted: str) -> bool:
    """Return whether a header Accept-Encoding names gzip with a weight that is not 0 (RFC 9110, 12.5.3).

    >>> [_reads_gzip(one) for one in ("gzip", "br, GZIP;q=0.5", "gzip;q=0", "gzip; q=0.000, br", "xgzip", "")]
    [True, True, False, False, False, False]
    """
    for one in accepted.lower().split(","):
        coding, *parameters = (part.strip() for part in one.split(";"))
        if coding == "gzip":
            return not any(re.fullmatch(r"q=0(\.0*)?", parameter) for parameter in parameters)
    return False


def _files_in(folder: Traversable) -> Iterator[tuple[str, Traversable]]:
    """Yield files by name; those of a folder in it by ``folder/name``."""
    for path in folder.iterdir():
        if path.is_dir():
            yield from ((f"{path.name}/{one.name}", one) for one in path.iterdir())
        else:
            yield path.name, path


def _file(content_type: str, plain: bytes) -> _File:
    packed = gzip.compress(plain, mtime=0)
    return _File(content_type, plain, packed, hashlib.sha256(plain).hexdigest()[:16])
