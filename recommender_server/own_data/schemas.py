"""Schemas of requests and answers at `/v1/own-data`."""

from typing import Annotated

import msgspec
from msgspec import Meta

from streamrec.datasets.workspace import Found, ToldFile, TrainingStatus


class UploadedFile(msgspec.Struct, frozen=True):
    """A file that was uploaded, by the name that it has here."""

    file: str
    n_bytes: int


class LiveModel(msgspec.Struct, frozen=True):
    """The generation that is live, and what it learned from."""

    generation: str
    learned_from: str | None = None
    created_at: float | None = None
    recall_at_10: float | None = None


class OwnDataAnswer(msgspec.Struct, frozen=True):
    """State of the workspace.

    Attributes
    ----------
    max_bytes
        Of all files together.
    missing
        Modules that this installation lacks for looking at files and training; there it can't be done.
    """

    files: list[UploadedFile]
    max_bytes: int
    missing: list[str]
    found: Found | None
    training: TrainingStatus | None
    live: LiveModel | None


class InspectionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words on how files are read; of files that are not named nothing is told."""

    files: Annotated[list[ToldFile], Meta(max_length=20)] = []


class TrainingBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A training: `replaces` names the generation that is live, null where there is none.

    `force` replaces it also where it knows far more events or users.
    """

    replaces: Annotated[str, Meta(max_length=100)] | None
    as_challenger: bool = False
    force: bool = False
