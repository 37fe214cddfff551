"""The page alone, beside a recommender that serves none: ``python -m dashboard --api http://host:8000``.

The recommender has to let pages of this origin in: ``STREAMREC_SERVER_CORS_ORIGINS``.
"""

from urllib.parse import urlsplit

import typer
import uvicorn

from dashboard import PAGES
from streamrec.web import problems
from streamrec.web.paths import RawPathApp
from streamrec.web.static_files import StaticFiles, add_pages


def page_app(api: str) -> RawPathApp:
    """Return the app that serves the page for the API at an address.

    Raises
    ------
    typer.BadParameter
        When it is no address of a server.
    """
    try:
        scheme, host, path, query, fragment = urlsplit(api)
    except ValueError as error:
        raise typer.BadParameter(f"{api} is no URL: {error}") from error
    if scheme not in ("http", "https") or not host or query or fragment or set(host) & set(" ;'\"<>"):
        raise typer.BadParameter(f"{api} is no URL such as http://127.0.0.1:8000")
    app = RawPathApp()
    problems.install(app)
    add_pages(app, StaticFiles(PAGES, origin=f"{scheme}://{host}", api=f"{scheme}://{host}{path}"))
    return app


def serve(
    api: str = typer.Option("http://127.0.0.1:8000", help="Where the recommender answers."),
    host: str = typer.Option("127.0.0.1", help="Address to listen at."),
    port: int = typer.Option(8200, min=0, max=65535, help="Port to listen at."),
) -> None:
    """Serve the page alone; it asks the recommender from the browser."""
    uvicorn.run(page_app(api), host=host, port=port, log_level="warning")


if __name__ == "__main__":
    typer.run(serve)
