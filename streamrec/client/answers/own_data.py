"""Own files that were uploaded, what was found in them, and trainings on them."""

import msgspec


class UploadedFile(msgspec.Struct, frozen=True):
    """A file that was uploaded, by the name that it has there."""

    file: str
    n_bytes: int


class FoundRole(msgspec.Struct, frozen=True):
    """A column that has a field; `share` of the rows fit it."""

    field: str
    column: str
    share: float
    reason: str
    is_guess: bool


class FoundFile(msgspec.Struct, frozen=True):
    """A file that was looked at; `kind` is None where that could not be told, and `problem` says why."""

    file: str
    kind: str | None = None
    n_rows: int = 0
    columns: list[str] = []
    rows: list[list[str]] = []
    roles: list[FoundRole] = []
    notes: list[str] = []
    weights: dict[str, float] = {}
    problem: str | None = None


class Found(msgspec.Struct, frozen=True):
    """Findings about all files, and the `streamrec.toml` that they make; None while one has a problem."""

    files: list[FoundFile]
    config: str | None = None


class TrainingStatus(msgspec.Struct, frozen=True):
    """Course of a training: `state` is ``running``, ``done``, ``failed`` or ``cancelled``.

    Times are Unix seconds; `done` of `total` of the step, None where nobody can say.
    """

    state: str
    step: str
    started_at: float
    pid: int
    replaces: str | None
    as_challenger: bool
    done: int | None = None
    total: int | None = None
    messages: list[str] = []
    ended_at: float | None = None
    generation: str | None = None
    error: str | None = None


class LiveModel(msgspec.Struct, frozen=True):
    """The generation that is live, and what it learned from."""

    generation: str
    learned_from: str | None = None
    created_at: float | None = None
    recall_at_10: float | None = None


class OwnDataAnswer(msgspec.Struct, frozen=True):
    """State of the own files; `missing`: modules without which they are neither looked at nor trained on."""

    files: list[UploadedFile]
    max_bytes: int
    missing: list[str]
    found: Found | None
    training: TrainingStatus | None
    live: LiveModel | None
