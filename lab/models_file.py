"""File of the models' comparison for the page: judgement, time and memory in one JSON object."""

from pathlib import Path
from typing import Any

import msgspec

from lab.steps.evaluate import RESULT
from lab.steps.manifest import Manifest, read_manifest
from lab.steps.running import Laboratory
from streamrec.durable_files import replace_bytes
from streamrec.errors import CorruptArtifact, Unavailable

FORMAT = "streamrec-models-1"
FILE = "models.json"


class ModelsFile(msgspec.Struct, frozen=True):
    """Contents of the file.

    Attributes
    ----------
    made_at
        Unix seconds at which the models were judged.
    code_version
        Version of the product that judged them.
    data
        Hash of the data that they were trained on and judged by.
    findings
        Guardrails that are broken.
    judgement
        Of `lab.evaluation.judgement.Judgement`.
    training
        Model -> seconds and bytes of its training.
    """

    format: str
    made_at: float
    code_version: str
    data: str
    findings: list[str]
    judgement: dict[str, Any]
    training: dict[str, Any]


def write_models_file(laboratory: Laboratory) -> Path:
    """Write the file beside the laboratory's page, of the evaluation that is there, and return where it is.

    Models that were trained again since, on other data or settings, have no time and memory in it.

    Raises
    ------
    InvalidInput, CorruptArtifact
        When there is no evaluation, or it is damaged; the message names the command that makes it.
    Unavailable
        When the file can't be written.
    """
    judged = _manifest(laboratory, "evaluation")
    path = laboratory.folder_of("evaluation") / RESULT
    try:
        judgement = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CorruptArtifact(f"{path} can't be read: {error}") from error
    trained = _manifest(laboratory, "models")
    is_same = judged.inputs.get("models") == trained.data_hash
    training = trained.metrics.get("models", {}) if is_same else {}
    contents = ModelsFile(
        FORMAT,
        judged.made_at,
        judged.code_version,
        judged.inputs.get("data", ""),
        judged.findings,
        judgement,
        training,
    )
    target = laboratory.folder / "dashboard" / FILE
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(target, msgspec.json.encode(contents))
    except OSError as error:
        raise Unavailable(f"can't write {target}: {error}") from error
    return target


def _manifest(laboratory: Laboratory, output: str) -> Manifest:
    step = laboratory.maker_of(output)
    return read_manifest(laboratory.folder_of(output), laboratory.command(step))
