import json
from typing import Any

import pytest
from jsonschema_rs import validator_for

from streamrec.domain.experiments.exposure import (
    MAX_EXPOSURE_BYTES,
    Exposure,
    decode_exposure,
    encode_exposure,
)
from streamrec.errors import InvalidEvent
from streamrec.ports import IMPRESSIONS
from streamrec.schemas import schema_of

SHOWN = Exposure(
    "r1", "a/b", 1.7e9, ["i1", "ü"], ["gmf", "new"], generation="g", experiments=[("x", 3, "interleaved")],
    teams=[0, 1], interleaved="x", propensities=[1.0, 0.02],
)  # fmt: skip


def test_an_exposure_survives_being_written_and_fits_its_schema() -> None:
    written = encode_exposure(SHOWN)
    assert decode_exposure(written) == SHOWN
    assert validator_for(schema_of(IMPRESSIONS)).is_valid(json.loads(written))


@pytest.mark.parametrize(
    "change",
    [
        {"user_id": ""}, {"user_id": "ü" * 200}, {"at": -1}, {"at": 1e18}, {"items": None}, {"teams": [0]},
        {"sources": ["gmf"]}, {"propensities": [0.0, 1.0]}, {"propensities": [1.0]}, {"interleaved": None},
        {"request_id": "r" * 129}, {"experiments": [["x", 0, "a"]]}, {"v": 0},
    ],
)  # fmt: skip
def test_what_can_not_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent):
        decode_exposure(json.dumps(json.loads(encode_exposure(SHOWN)) | change).encode())


@pytest.mark.parametrize("payload", [None, b"", b"[]", b"{", b" " * (MAX_EXPOSURE_BYTES + 1)])
def test_what_is_no_exposure_is_refused(payload: bytes | None) -> None:
    with pytest.raises(InvalidEvent):
        decode_exposure(payload)


def test_a_record_of_a_later_version_is_read() -> None:
    later = json.loads(encode_exposure(SHOWN)) | {"v": 2, "device": "phone"}
    assert decode_exposure(json.dumps(later).encode()).items == ["i1", "ü"]
