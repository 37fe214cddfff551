"""Requests about own files: upload them, look at them, train on them. They want an admin key."""

from collections.abc import Iterable

import msgspec

from streamrec.client.answers.own_data import Found, OwnDataAnswer, TrainingStatus, UploadedFile
from streamrec.client.call import OCTETS, Call, encoded, id_text, question


class ToldFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file and what is told of how it is read, as in `streamrec.toml`; the rest is found out.

    In `map` an empty column means that there is none of this field.
    """

    file: str
    delimiter: str | None = None
    encoding: str | None = None
    decimal: str = "."
    time_format: str | None = None
    header: bool = True
    map: dict[str, str] = {}
    lists: dict[str, str] = {}


def own_data() -> Call[OwnDataAnswer]:
    """Ask for the files, what was found in them, and how a training goes: `GET /v1/own-data`."""
    return question("/v1/own-data", OwnDataAnswer)


def upload_file(file: str, content: bytes) -> Call[UploadedFile]:
    """Upload a file of events or of items: `PUT /v1/own-data/files/{file}`.

    A large one takes its time: `client.within(600.0).upload_file(...)`.
    """
    return Call(
        method="PUT",
        path="/v1/own-data/files/{file}",
        answer=UploadedFile,
        ids={"file": id_text("file", file)},
        body=content,
        content_type=OCTETS,
    )


def remove_file(file: str) -> Call[None]:
    """Remove a file: `DELETE /v1/own-data/files/{file}`."""
    return Call(method="DELETE", path="/v1/own-data/files/{file}", ids={"file": id_text("file", file)})


def inspect_files(files: Iterable[ToldFile] = ()) -> Call[Found]:
    """Look at all files, told how some are read: `POST /v1/own-data/inspection`."""
    body = encoded({"files": list(files)})
    return Call(method="POST", path="/v1/own-data/inspection", answer=Found, body=body)


def train_on_files(
    replaces: str | None, *, as_challenger: bool = False, force: bool = False
) -> Call[TrainingStatus]:
    """Train on the files: `POST /v1/own-data/training`. It is not sent again where no answer comes.

    Parameters
    ----------
    replaces
        The generation that is live; None: there is none.
    force
        Replace it also where it knows far more events or users.
    """
    body = encoded({"replaces": replaces, "as_challenger": as_challenger, "force": force})
    return Call(
        method="POST",
        path="/v1/own-data/training",
        answer=TrainingStatus,
        body=body,
        is_repeatable=False,
    )


def cancel_training() -> Call[None]:
    """Cancel the training that runs: `DELETE /v1/own-data/training`."""
    return Call(method="DELETE", path="/v1/own-data/training")
