"""Schemas of requests and answers at `/v1/experiments`."""

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from streamrec.domain.experiments.definition import (
    NAME_PATTERN,
    Alpha,
    Audience,
    Design,
    Experiment,
    Guardrails,
    Metric,
    Name,
    Percent,
    PlannedUsers,
    Seconds,
    Slice,
    State,
    Text,
    Variants,
)
from streamrec.errors import InvalidInput


class ExperimentBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A definition, as an editor wants it; what is left out has its default.

    `version` is that of the definition that was read, and is being replaced; 0 creates one.
    """

    variants: Variants
    control: Name
    primary: Metric
    version: Annotated[int, Meta(ge=0, le=2**53)] = 0
    layer: Name = "default"
    slice: Slice = (0.0, 100.0)
    state: State = "draft"
    ramp: Percent = 100.0
    audience: Audience = {}
    design: Design = "ab"
    guardrails: Guardrails = ()
    window_s: Seconds = 1800.0
    outcome_s: Seconds = 86400.0
    alpha: Alpha = 0.05
    planned_users: PlannedUsers | None = None


class RampBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Percent of the slice's users that take part from now on."""

    percent: Percent


class StopBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Reason for a stop, for those who read of it later."""

    reason: Text = ""


class ExperimentAnswer(msgspec.Struct, frozen=True):
    """An experiment: its definition, and its results; null before the first."""

    definition: Experiment
    results: dict[str, Any] | None


class ExperimentsAnswer(msgspec.Struct, frozen=True):
    """All definitions in the order of their ids; of others, which can't be read, why; why some are paused."""

    experiments: list[Experiment]
    broken: dict[str, str]
    paused: dict[str, str] = {}


def experiment_of(experiment_id: str, body: ExperimentBody) -> Experiment:
    """Return the experiment that a body describes.

    Raises
    ------
    InvalidInput
        When the id is none.
    """
    if not re.fullmatch(NAME_PATTERN, experiment_id):
        raise InvalidInput(
            f"{experiment_id[:100]!r} is no id of an experiment: 1 to 64 of a to z, 0 to 9 and hyphens"
        )
    fields = msgspec.structs.asdict(body)
    version = fields.pop("version")
    return Experiment(experiment_id, max(version, 1), **fields)
