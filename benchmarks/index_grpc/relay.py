"""A relay that counts what passes between a client and a server, both ways."""

import asyncio

_CHUNK_BYTES = 65_536


class Relay:
    """Listens on a port of its own and passes everything on to another; counts bytes of TCP's payload."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.n_sent = 0
        self.n_received = 0

    async def start(self) -> int:
        """Listen; return the port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """Stop listening, and end what is still connected."""
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: asyncio complains of one of its own that is cancelled.
        self._tasks.add(asyncio.create_task(self._relay(reader, writer)))

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, requests = await asyncio.open_connection("127.0.0.1", self._target_port)
        try:
            await asyncio.gather(
                self._pass_on(reader, requests, is_request=True),
                self._pass_on(answers, writer, is_request=False),
            )
        finally:
            requests.close()
            writer.close()

    async def _pass_on(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, is_request: bool
    ) -> None:
        while data := await source.read(_CHUNK_BYTES):
            if is_request:
                self.n_sent += len(data)
            else:
                self.n_received += len(data)
            target.write(data)
        target.close()
