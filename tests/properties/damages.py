"""Ways to spoil bytes: blindly, and where a value of JSON or MessagePack stands."""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st

from tests.damage import NESTED, NESTED_MSGPACK

_MARK = "@@here@@"

JSON_VALUES = (
    NESTED, b"1e999", b"-1e308", b"9" * 400, b"9" * 5000, b"NaN", b"Infinity", b'"\\ud800"', b'"\xff"', b'""',
    b"null", b"true", b"-1", b"0", b"1.5", b"{}", b"[]", b'{"a":{}}', b"[[1]]", b'"' + b"x" * 300 + b'"',
    b'"12"', b"{\"user_id\":1,\"user_id\":2}", b"18446744073709551616", b"",
)  # fmt: skip

MSGPACK_VALUES = (
    NESTED_MSGPACK, b"\xcb\x7f\xf8" + bytes(6), b"\xcb\x7f\xf0" + bytes(6), b"\xc0", b"\xc3",
    b"\xff", b"\xcf" + b"\xff" * 8, b"\xd3\x80" + bytes(7), b"\xa1\xff", b"\xa3\xed\xa0\x80",
    b"\xa0", b"\x90", b"\x80",
    b"\x81\x80\x01", b"\x81\x91\x01\x01", b"\xc4\x03abc", b"\xd4\x05a", b"\xd7\xff" + b"\xff" * 8,
    b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc1", b"",
    b"\xd9\xff" + b"x" * 255,
)  # fmt: skip


class Form(NamedTuple):
    """A format that values can be exchanged in."""

    decode: Callable[[bytes], Any]
    encode: Callable[[Any], bytes]
    values: tuple[bytes, ...]


JSON = Form(msgspec.json.decode, msgspec.json.encode, JSON_VALUES)
MSGPACK = Form(msgspec.msgpack.decode, msgspec.msgpack.encode, MSGPACK_VALUES)


@st.composite
def spoiled(draw: st.DrawFn, examples: tuple[bytes, ...], form: Form | None) -> bytes:
    """Return an example with some damage; sometimes as it is."""
    payload = draw(st.sampled_from(examples))
    if form is not None and draw(st.booleans()):
        for _ in range(draw(st.integers(1, 3))):
            payload = _confused(draw, payload, form)
    for _ in range(draw(st.integers(0, 3))):
        payload = _cut_and_patched(draw, payload)
    return payload


def _cut_and_patched(draw: st.DrawFn, payload: bytes) -> bytes:
    start = draw(st.integers(0, len(payload)))
    end = min(len(payload), start + draw(st.integers(0, 12)))
    part = payload[start:end]
    flipped = bytes(byte ^ (1 << draw(st.integers(0, 7))) for byte in part[:1]) + part[1:]
    patch = draw(
        st.one_of(
            st.just(b""),
            st.just(flipped),
            st.just(part * 3),
            st.binary(max_size=8),
            st.sampled_from((b"[" * 2000, b'{"a":' * 2000, b"\x91" * 5000, b"\x00" * 9, b"\xff" * 9)),
        )
    )
    if draw(st.integers(0, 9)) == 0:
        return payload[:start] + patch
    return payload[:start] + patch + payload[end:]


def _confused(draw: st.DrawFn, payload: bytes, form: Form) -> bytes:
    """Return a payload with another value, of another type, in place of one of its own."""
    try:
        tree = form.decode(payload)
        places = _places(tree)
        container, key = places[draw(st.integers(0, len(places) - 1))] if places else (None, None)
        if container is None:
            return draw(st.sampled_from(form.values))
        if draw(st.integers(0, 5)) == 0:
            del container[key]
            return form.encode(tree)
        container[key] = _MARK
        encoded = form.encode(tree)
    except (ValueError, RecursionError, TypeError, OverflowError):
        return payload
    return encoded.replace(form.encode(_MARK), draw(st.sampled_from(form.values)))


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Return container and key of all values inside a tree."""
    found: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting:
        container = waiting.pop()
        if isinstance(container, dict):
            pairs = list(container.items())
        elif isinstance(container, list):
            pairs = list(enumerate(container))
        else:
            continue
        found += [(container, key) for key, _ in pairs]
        waiting += [value for _, value in pairs]
    return found
