"""Routes of own files: `/v1/own-data`, for who may change the whole."""

import asyncio
from typing import ClassVar

import falcon
import falcon.asgi
import msgspec

from recommender_server.bodies import body_of
from recommender_server.middleware import ADMIN_ALONE, demand_presence
from recommender_server.own_data.own_files import OwnFiles, Tools
from recommender_server.own_data.schemas import InspectionBody, OwnDataAnswer, TrainingBody, UploadedFile
from recommender_server.own_data.uploads import Uploads, name_of
from streamrec.datasets.workspace import TrainingJob
from streamrec.errors import InvalidInput, UnknownId
from streamrec.web.api_keys import key_of
from streamrec.web.bodies import JSON, BodyReader
from streamrec.web.ids import id_in_path

_encode = msgspec.json.Encoder().encode
_inspection_decoder = msgspec.json.Decoder(InspectionBody)
_training_decoder = msgspec.json.Decoder(TrainingBody)


class OwnData:
    """Means of all routes of own files; without tools each of them says that there are none."""

    def __init__(self, tools: Tools | None, max_body_bytes: int) -> None:
        self.tools = tools if tools is not None and tools.max_bytes else None
        self.reader = BodyReader(max_body_bytes)
        if self.tools is not None:
            self.files = OwnFiles(self.tools)
            self.uploads = Uploads(self.files.workspace, self.tools.max_bytes)

    def open_to(self, req: falcon.asgi.Request) -> Tools:
        """Return the tools to who may use them.

        Raises
        ------
        falcon.HTTPError
            403 for others.
        UnknownId
            Where nothing is taken.
        """
        demand_presence(req)
        if self.tools is None:
            raise UnknownId("this recommender takes no files (STREAMREC_SERVER_MAX_UPLOAD_BYTES is 0)")
        return self.tools

    def complete(self, req: falcon.asgi.Request) -> None:
        """Return where files can be looked at and trained on.

        Raises
        ------
        falcon.HTTPError, UnknownId
            As `open_to`.
        InvalidInput
            When the installation lacks what that needs.
        """
        tools = self.open_to(req)
        if tools.missing:
            raise InvalidInput(
                f"this installation has no {', '.join(tools.missing)}: install requirements.txt"
            )

    async def aclose(self) -> None:
        """End what runs."""
        if self.tools is not None:
            await self.files.aclose()


class State:
    """`GET /v1/own-data`."""

    scopes: ClassVar = ADMIN_ALONE

    def __init__(self, own: OwnData) -> None:
        self._own = own

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer with the files, what was found in them, how a training goes, and what is live."""
        tools = self._own.open_to(req)
        resp.data = _encode(await asyncio.to_thread(self._state, tools))
        resp.content_type = JSON

    def _state(self, tools: Tools) -> OwnDataAnswer:
        workspace = self._own.files.workspace
        return OwnDataAnswer(
            [UploadedFile(name, size) for name, size in self._own.uploads.sizes().items()],
            tools.max_bytes,
            missing=list(tools.missing),
            found=workspace.found(),
            training=workspace.training(),
            live=tools.read_live(),
        )


class File:
    """`/v1/own-data/files/{file}`."""

    scopes: ClassVar = ADMIN_ALONE

    def __init__(self, own: OwnData) -> None:
        self._own = own

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, file: str) -> None:
        """Take the body as the file of this name, whatever media type it has."""
        self._own.open_to(req)
        here = name_of(id_in_path(file))
        await asyncio.to_thread(self._own.files.refuse_while_training)
        resp.data = _encode(UploadedFile(here, await self._own.uploads.take(here, req)))
        resp.status, resp.content_type = falcon.HTTP_201, JSON

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, file: str) -> None:
        """Remove the file."""
        self._own.open_to(req)
        wanted = id_in_path(file)
        await asyncio.to_thread(self._own.files.refuse_while_training)
        if not await asyncio.to_thread(self._own.uploads.remove, wanted):
            raise UnknownId(f"there is no file {wanted!r}")
        resp.status = falcon.HTTP_204


class Inspection:
    """`POST /v1/own-data/inspection`."""

    scopes: ClassVar = ADMIN_ALONE

    def __init__(self, own: OwnData) -> None:
        self._own = own

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Look at all files, and answer with what was found."""
        self._own.complete(req)
        body = await body_of(req, self._own.reader, _inspection_decoder, InspectionBody.__struct_fields__)
        resp.data = _encode(await self._own.files.inspect(body.files))
        resp.content_type = JSON


class Training:
    """`/v1/own-data/training`."""

    scopes: ClassVar = ADMIN_ALONE

    def __init__(self, own: OwnData) -> None:
        self._own = own

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Start a training."""
        self._own.complete(req)
        body = await body_of(req, self._own.reader, _training_decoder, TrainingBody.__struct_fields__)
        host, port = req.scope.get("server") or ("127.0.0.1", None)
        if port is None:
            raise InvalidInput("the recommender listens on no port to which items could be sent")
        url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        job = TrainingJob(body.replaces, body.as_challenger, body.force, url, key_of(req))
        resp.data = _encode(await self._own.files.train(job))
        resp.status, resp.content_type = falcon.HTTP_202, JSON

    async def on_delete(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Cancel the training that runs."""
        self._own.open_to(req)
        if not await self._own.files.cancel():
            raise UnknownId("no training runs")
        resp.status = falcon.HTTP_204
