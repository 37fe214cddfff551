"""Resources at `/v1/experiments`; each wants an admin key, where there are such."""

from typing import Any, ClassVar

import falcon
import falcon.asgi
import msgspec

from recommender_server.bodies import body_of
from recommender_server.experiments.schemas import (
    ExperimentAnswer,
    ExperimentBody,
    ExperimentsAnswer,
    RampBody,
    StopBody,
    experiment_of,
)
from recommender_server.middleware import ADMIN_ALONE
from streamrec.domain.experiments.definition import MAX_DEFINITION_BYTES
from streamrec.errors import Damaged
from streamrec.payload import decoded
from streamrec.serving.experiments.editor import ExperimentEditor
from streamrec.serving.experiments.running import RunningExperiments
from streamrec.web.bodies import JSON, BodyReader
from streamrec.web.ids import id_in_path

_body_decoder = msgspec.json.Decoder(ExperimentBody)
_ramp_decoder = msgspec.json.Decoder(RampBody)
_stop_decoder = msgspec.json.Decoder(StopBody)
_decode_results = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode

_SHORT_BODY = 10_000
"""Bytes of a reason at most."""


class Experiments:
    """`/v1/experiments`."""

    scopes: ClassVar = ADMIN_ALONE

    def __init__(self, editor: ExperimentEditor, running: RunningExperiments) -> None:
        self._editor, self._running = editor, running

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer with all definitions."""
        found = await self._editor.all()
        _send(resp, ExperimentsAnswer(found.experiments, found.broken, self._running.paused))


class Experiment:
    """`/v1/experiments/{experiment_id}`."""

    scopes: ClassVar = ADMIN_ALONE

    def __init__(self, editor: ExperimentEditor, max_body_bytes: int) -> None:
        self._editor = editor
        self._reader = BodyReader(min(max_body_bytes, MAX_DEFINITION_BYTES // 2))

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, experiment_id: str) -> None:
        """Answer with definition and results."""
        told = await self._editor.read(id_in_path(experiment_id))
        _send(resp, ExperimentAnswer(told.definition, _results_in(told.results)))

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, experiment_id: str) -> None:
        """Create or replace the definition; answer with it as it is stored."""
        wanted = id_in_path(experiment_id)
        body = await body_of(req, self._reader, _body_decoder, ExperimentBody.__struct_fields__)
        _send(resp, await self._editor.put(experiment_of(wanted, body), body.version))

    async def on_delete(
        self, _req: falcon.asgi.Request, resp: falcon.asgi.Response, experiment_id: str
    ) -> None:
        """Delete the experiment with its results."""
        await self._editor.delete(id_in_path(experiment_id))
        resp.status = falcon.HTTP_204


class Ramp:
    """`POST /v1/experiments/{experiment_id}/ramp`."""

    scopes: ClassVar = ADMIN_ALONE

    def __init__(self, editor: ExperimentEditor) -> None:
        self._editor = editor
        self._reader = BodyReader(_SHORT_BODY)

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, experiment_id: str) -> None:
        """Let so many percent take part."""
        body = await body_of(req, self._reader, _ramp_decoder, RampBody.__struct_fields__)
        _send(resp, await self._editor.ramp(id_in_path(experiment_id), body.percent))


class Stop:
    """`POST /v1/experiments/{experiment_id}/stop`."""

    scopes: ClassVar = ADMIN_ALONE

    def __init__(self, editor: ExperimentEditor) -> None:
        self._editor = editor
        self._reader = BodyReader(_SHORT_BODY)

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, experiment_id: str) -> None:
        """Stop the experiment: within a second no server applies it."""
        body = await body_of(req, self._reader, _stop_decoder, StopBody.__struct_fields__)
        _send(resp, await self._editor.stop(id_in_path(experiment_id), body.reason))


def _send(resp: falcon.asgi.Response, answer: object) -> None:
    resp.data = _encode(answer)
    resp.content_type = JSON


def _results_in(written: bytes | None) -> dict[str, Any] | None:
    """Return results as they were written; None where they can't be read: the next ones come soon."""
    try:
        return None if written is None else decoded(_decode_results, written)
    except Damaged:
        return None
