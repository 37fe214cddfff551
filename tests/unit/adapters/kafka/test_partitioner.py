from hypothesis import example, given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as reference

from streamrec.adapters.kafka.partitioner import murmur2


@given(st.binary(max_size=300))
@example(b"")
@example(b"\xff\xff\xff\xff\xff")
def test_keys_go_where_other_clients_send_them(key: bytes) -> None:
    assert murmur2(key) == reference(key) & 0x7FFFFFFF
