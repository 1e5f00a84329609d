"""The OpenADR 2.0b codec loses nothing, writes only what the schema allows, and has one form per value."""

from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.domain.errors import WireError
from gateway.protocols import xml
from gateway.protocols.oadr2b.codec import CONTENTS, Codec
from gateway.protocols.oadr2b.messages import Message
from gateway.transport.schemas import load_oadr20b_schema
from tests.oadr2b_strategies import BY_KIND, messages

SCHEMA = load_oadr20b_schema()
CODEC = Codec(SCHEMA)


def test_every_message_has_a_content_model_and_a_strategy() -> None:
    kinds = set(get_args(Message))

    assert set(CONTENTS) == kinds
    assert set(BY_KIND) == kinds
    assert len(kinds) == 23


@pytest.mark.spec("OpenADR 2.0b sections 3.1, 3.2, 3.4 and 9.1.9")
@pytest.mark.spec("OpenADR 2.0b schema")
@pytest.mark.parametrize("kind", list(BY_KIND), ids=lambda kind: kind.__name__)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_written_is_valid_and_reads_back_equal(
    kind: type[Message], data: st.DataObject
) -> None:
    message = data.draw(BY_KIND[kind])

    body = CODEC.encode(message)

    assert SCHEMA.validate(xml.parse(body)), SCHEMA.error_log
    assert CODEC.decode(body) == message
    assert CODEC.encode(CODEC.decode(body)) == body


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    message=messages,
    at=st.floats(0, 1, exclude_max=True),
    cut=st.integers(0, 12),
    noise=st.binary(max_size=12),
)
def test_damaged_bytes_are_a_message_or_a_wire_error_and_nothing_else(
    message: Message, at: float, cut: int, noise: bytes
) -> None:
    body = CODEC.encode(message)
    position = int(at * len(body))
    damaged = body[:position] + noise + body[position + cut :]

    try:
        found = CODEC.decode(damaged)
    except WireError as error:
        assert error.reason.isupper()
        assert len(error.detail) < 300
    else:
        assert isinstance(found, Message)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(message=messages)
def test_every_leaf_has_a_path_of_its_own(message: Message) -> None:
    found = xml.leaves(CODEC.encode(message))

    paths = [leaf.path for leaf in found]
    assert len(set(paths)) == len(paths)
    assert all(path.startswith("oadrPayload/oadrSignedObject/") for path in paths)
