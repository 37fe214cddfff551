"""Requests about live experiments, for which an admin key is needed where there are such."""

from collections.abc import Mapping
from typing import Any

import msgspec

from streamrec.client.answers.experiments import Experiment, ExperimentAnswer, ExperimentsAnswer
from streamrec.client.call import Call, encoded, id_text, question

_SET_BY_SERVER = (
    "id", "era", "created_at", "changed_at", "stopped_at", "stopped_by", "reason", "verdict",
)  # fmt: skip


def list_experiments() -> Call[ExperimentsAnswer]:
    """Ask for all experiments: `GET /v1/experiments`."""
    return question("/v1/experiments", ExperimentsAnswer)


def get_experiment(experiment_id: str) -> Call[ExperimentAnswer]:
    """Ask for an experiment and its results: `GET /v1/experiments/{experiment_id}`."""
    return question("/v1/experiments/{experiment_id}", ExperimentAnswer, ids=_ids(experiment_id))


def put_experiment(experiment_id: str, definition: Experiment | Mapping[str, Any]) -> Call[Experiment]:
    """Create an experiment, or replace one: `PUT /v1/experiments/{experiment_id}`.

    Parameters
    ----------
    definition
        With the `version` that was read: one that somebody else changed meanwhile is refused with a
        `Conflict`. Without a version, or with 0, it is created.
    """
    given = msgspec.to_builtins(definition) if isinstance(definition, Experiment) else definition
    body = {name: value for name, value in given.items() if name not in _SET_BY_SERVER}
    return Call(
        method="PUT", path="/v1/experiments/{experiment_id}", answer=Experiment, ids=_ids(experiment_id),
        body=encoded(body), is_repeatable=False,
    )  # fmt: skip


def delete_experiment(experiment_id: str) -> Call[None]:
    """Delete an experiment that does not run: `DELETE /v1/experiments/{experiment_id}`."""
    return Call(method="DELETE", path="/v1/experiments/{experiment_id}", ids=_ids(experiment_id))


def ramp_experiment(experiment_id: str, percent: float) -> Call[Experiment]:
    """Let so many percent of its users take part: `POST /v1/experiments/{experiment_id}/ramp`."""
    return Call(
        method="POST", path="/v1/experiments/{experiment_id}/ramp", answer=Experiment,
        ids=_ids(experiment_id), body=encoded({"percent": percent}),
    )  # fmt: skip


def stop_experiment(experiment_id: str, reason: str = "") -> Call[Experiment]:
    """Stop an experiment, within a second: `POST /v1/experiments/{experiment_id}/stop`."""
    return Call(
        method="POST", path="/v1/experiments/{experiment_id}/stop", answer=Experiment,
        ids=_ids(experiment_id), body=encoded({"reason": reason}),
    )  # fmt: skip


def _ids(experiment_id: str) -> dict[str, str]:
    return {"experiment_id": id_text("experiment_id", experiment_id)}
