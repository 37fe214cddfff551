"""Serves an example's app on this machine, beside whatever else its process does."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import WSGIApplication

from examples.running import ExampleFailed


class _Server(ThreadingMixIn, WSGIServer):
    """A thread a request; enough for an example."""

    daemon_threads = True
    request_queue_size = 128


class _Handler(WSGIRequestHandler):
    """Gives up on a client that says nothing."""

    timeout = 10.0

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        """Say nothing: the terminal is for what there is to try."""


@contextmanager
def serving(app: WSGIApplication, port: int) -> Iterator[str]:
    """Serve on 127.0.0.1 while the block runs, and give the URL.

    Parameters
    ----------
    port
        0: a free one.

    Raises
    ------
    ExampleFailed
        When the port can't be had.
    """
    try:
        server = make_server("127.0.0.1", port, app, server_class=_Server, handler_class=_Handler)
    except (OSError, OverflowError) as error:
        raise ExampleFailed(f"port {port}: {error}; choose another one with --port") from error
    with server:
        thread = threading.Thread(target=server.serve_forever, name="app", daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
