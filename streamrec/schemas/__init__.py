"""JSON Schemas of the topics' records, for senders and readers in other languages.

The files beside this one are written from the types of `streamrec.wire` by ``python -m streamrec.schemas``,
and a test compares them. The rule for a new version: it reads every record of the old one. Fields are only
added, with a default; readers ignore fields that they do not know. A change that can't keep the rule is a
new topic.
"""

import json
from pathlib import Path
from typing import Any

import msgspec

from streamrec.domain.experiments.exposure import Exposure
from streamrec.markers import ErasureMarker
from streamrec.ports import COMMANDS, IMPRESSIONS, INTERACTIONS, ITEM_VECTORS, REJECTED, USER_VECTORS
from streamrec.wire import Command, EventRecord, RejectedRecord, VectorRecord

VERSIONS: dict[str, tuple[int, type]] = {
    INTERACTIONS: (3, EventRecord),
    f"{INTERACTIONS}.marker": (1, ErasureMarker),
    REJECTED: (1, RejectedRecord),
    IMPRESSIONS: (1, Exposure),
    COMMANDS: (1, Command),
    ITEM_VECTORS: (2, VectorRecord),
    USER_VECTORS: (1, VectorRecord),
}
"""Topic -> its current version, and the type that reads it; markers stand in the topic of the events."""


def schema_of(topic: str) -> dict[str, Any]:
    """Return the JSON Schema of a topic's records; vectors are MessagePack of that same shape."""
    version, record_type = VERSIONS[topic]
    schema = msgspec.json.schema(record_type)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{topic}, version {version}",
        **schema,
    }


def path_of(topic: str) -> Path:
    """Return where the schema of a topic's current version stands."""
    return Path(__file__).parent / f"{topic}.v{VERSIONS[topic][0]}.json"


def write_schemas() -> None:
    """Write the schemas of all topics."""
    for topic in VERSIONS:
        path_of(topic).write_text(json.dumps(schema_of(topic), indent=2, ensure_ascii=False) + "\n")
