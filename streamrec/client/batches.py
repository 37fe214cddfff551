"""Many records become requests of a bounded size."""

from collections.abc import Iterable, Iterator

MAX_BODY_BYTES = 900_000
"""Bytes of a request; a server takes 1,000,000 by default."""


def split(records: Iterable[bytes], max_n: int, max_bytes: int = MAX_BODY_BYTES) -> Iterator[list[bytes]]:
    """Yield records in their order, in parts of up to `max_n` that are `max_bytes` as a JSON list at most.

    A record that is longer by itself comes alone: the server may take more.

    >>> list(split([b"1", b"22", b"333", b"4"], max_n=3, max_bytes=7))
    [[b'1', b'22'], [b'333', b'4']]
    """
    part: list[bytes] = []
    n_bytes = 2
    for record in records:
        longer = n_bytes + len(record) + bool(part)
        if part and (len(part) == max_n or longer > max_bytes):
            yield part
            part, longer = [], 2 + len(record)
        part.append(record)
        n_bytes = longer
    if part:
        yield part
