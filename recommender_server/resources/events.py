"""Events on their way into the log."""

import falcon
import falcon.asgi
import msgspec

from recommender_server.bodies import body_of
from recommender_server.schemas import Events as EventsBody
from recommender_server.schemas import EventsAccepted
from streamrec.serving.exposures.counting import Exposures
from streamrec.serving.intake import EventIntake
from streamrec.web.bodies import JSON, BodyReader
from streamrec.wire import EventRecord

_decoder: msgspec.json.Decoder[EventsBody] = msgspec.json.Decoder(EventsBody)
_encode = msgspec.json.Encoder().encode


class Events:
    """`POST /v1/events`."""

    def __init__(self, intake: EventIntake, max_body_bytes: int, exposures: Exposures) -> None:
        self._intake = intake
        self._exposures = exposures
        self._reader = BodyReader(max_body_bytes)

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Take one event or a list of them: all or none, durable once answered."""
        body = await body_of(req, self._reader, _decoder, EventRecord.__struct_fields__)
        events = body if isinstance(body, list) else [body]
        self._exposures.note_events(*await self._intake.accept(events))
        resp.status = falcon.HTTP_202
        resp.data = _encode(EventsAccepted(len(events)))
        resp.content_type = JSON
