"""Processes of our own, as parts that a supervisor runs.

Stages: whoever takes events in ends first; then those who learn, so that they learn the tail while all that
they write to is there; then the index servers, and the servers below last.
"""

import sys

from streamrec.cli.supervision.part import Part

_BELOW, _INDEX, _LEARNING, _SERVING = range(4)

_GUNICORN = (sys.executable, "-m", "gunicorn", "-c")


def index_server(port: int, name: str = "index") -> Part:
    """Return an index server, which this machine alone reaches."""
    bind = f"127.0.0.1:{port}"
    command = (*_GUNICORN, "python:faiss_server.gunicorn_settings", "--bind", bind)
    return Part(name, command, stage=_INDEX)


def recommender(port: int, bind: str = "127.0.0.1", n_workers: int = 1) -> Part:
    """Return the recommender, of so many worker processes."""
    how = ("--bind", f"{bind}:{port}", "--workers", str(n_workers))
    return Part(
        "recommender", (*_GUNICORN, "python:recommender_server.gunicorn_settings", *how), stage=_SERVING
    )


def trainer(name: str = "trainer", *options: str, index_url: str | None = None) -> Part:
    """Return a trainer; it may ask another index how well lists are than the one that serves."""
    command = (sys.executable, "-m", "incremental_training", *options)
    environment = {} if index_url is None else {"STREAMREC_INDEX_URL": index_url}
    # The tail takes 10 s at most, and a store that is away is waited for 20 s.
    return Part(name, command, environment, stage=_LEARNING, stop_patience_s=45.0)


def history() -> Part:
    """Return what keeps items' histories."""
    command = (sys.executable, "-m", "streamrec", "history")
    return Part("history", command, stage=_LEARNING, stop_patience_s=30.0)


def attribution() -> Part:
    """Return what attributes events to lists, and keeps the results of experiments."""
    command = (sys.executable, "-m", "streamrec", "attribution")
    return Part("attribution", command, stage=_LEARNING, stop_patience_s=30.0)


def first_model() -> Part:
    """Return what makes a model that has learned nothing where there is none, and is over then."""
    command = (sys.executable, "-m", "streamrec.cli.training.first_model")
    return Part("first-model", command, stage=_LEARNING, is_once=True)


def server_below(name: str, port: int, folder: str, stop_patience_s: float) -> Part:
    """Return a server that is not ours, out of a wheel."""
    command = (sys.executable, "-m", "streamrec.cli.launch.local_servers", name)
    where = ("--port", str(port), "--folder", folder)
    return Part(name, (*command, *where), stage=_BELOW, stop_patience_s=stop_patience_s)
