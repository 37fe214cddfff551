"""Payloads that break decoders, for the tests of all who read what others wrote."""

import json
import sqlite3
from pathlib import Path

NESTED = b"[" * 1500 + b"]" * 1500
"""3 KB that no recursive decoder gets through."""

NESTED_MSGPACK = b"\x91" * 5000 + b"\xc0"

RECORDS: dict[str, bytes] = {
    "nested, in an unknown field": b'{"user_id": "u", "item_id": "i", "x": ' + NESTED + b"}",
    "nested, in a known field": b'{"user_id": ' + NESTED + b', "item_id": "i"}',
    "nested, in a command": b'{"name": "item_deleted", "at": 1, "origin": "x", "x": ' + NESTED + b"}",
    "nested MessagePack": NESTED_MSGPACK,
    "nested, in a vector": b"\x94\xa1g\xc0\xcb" + bytes(8) + NESTED_MSGPACK,
    "an integer of 5,000 digits": b'{"user_id": 1' + b"0" * 5000 + b', "item_id": "i"}',
    "a float without end": b'{"user_id": "u", "item_id": "i", "value": 1e999}',
    "a lone surrogate": b'{"user_id": "\\ud800", "item_id": "i"}',
    "no UTF-8": b'{"user_id": "\xff", "item_id": "i"}',
    "a length without end": b"\xdd\xff\xff\xff\xff",
    "nothing": b"",
}


def spoil_log(path: Path, topic: str) -> int:
    """Append rows to a log's file that no sink writes; return how many."""
    values = [
        ("'a'", "'text, and no bytes'", "1"),
        ("'b'", "17", "1"),
        ("'c'", "NULL", "'no time'"),
        ("x'ff'", "x'ff'", "9e999"),
        ("CAST(x'ff41' AS TEXT)", "x'00'", "-1"),
    ]
    with sqlite3.connect(path) as connection:
        for row in values:
            connection.execute(
                f'INSERT INTO "log_{topic}" (key, value, appended_at) VALUES ({",".join(row)})'
            )
    connection.close()
    return len(values)


def event(user_id: str, item_id: str, **fields: object) -> bytes:
    """Return a good event."""
    return json.dumps({"user_id": user_id, "item_id": item_id, "timestamp": 100.0, **fields}).encode()
