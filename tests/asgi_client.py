"""Calls an ASGI app as a server would: the path goes in as it was sent."""

import asyncio
import json as json_module
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import falcon.asgi


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json_module.loads(self.body)


class Client:
    def __init__(self, app: falcon.asgi.App[Any, Any]) -> None:
        self._app = app

    async def call(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        http_version: str = "1.1",
    ) -> Answer:
        if json is not None:
            body = json_module.dumps(json).encode()
            headers = {"Content-Type": "application/json", **(headers or {})}
        path, _, query = target.partition("?")
        sent: list[dict[str, Any]] = []
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": http_version,
            "method": method,
            "scheme": "http",
            "path": "/the/raw/path/counts",
            "raw_path": path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
        }
        if body is not None:
            scope["headers"].append((b"content-length", str(len(body)).encode()))
        messages = [{"type": "http.request", "body": body or b"", "more_body": False}]

        async def receive() -> dict[str, Any]:
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        answer_headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        whole = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(sent[0]["status"], answer_headers, whole)

    async def shut_down(self) -> None:
        """Go through the app's lifespan, as a server does when it stops."""
        async with self.running():
            pass

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Client"]:
        """Start the app as a server does, and stop it in the end."""
        started, ending = asyncio.Event(), asyncio.Event()
        steps = iter(("startup", "shutdown"))

        async def receive() -> dict[str, Any]:
            step = next(steps)
            if step == "shutdown":
                await ending.wait()
            return {"type": f"lifespan.{step}"}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "lifespan.startup.complete":
                started.set()

        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}}
        life = asyncio.create_task(self._app(scope, receive, send))
        waiting = asyncio.create_task(started.wait())
        await asyncio.wait((life, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        try:
            yield self
        finally:
            ending.set()
            await life
