"""Bodies of sites that would cost more to read than any honest one."""

import json

import pytest

from gateway.domain.answers import Heartbeat, TelemetryBatch
from gateway.domain.errors import GatewayError, WireError
from gateway.southbound.bodies import LARGEST, MOST_MEMBERS, parse

SAMPLE = {
    "meter": "poc",
    "start": "2026-05-03T15:00:00Z",
    "duration": "PT60S",
    "energy_kwh": "1.5",
    "quality": "A",
    "source": "sub_meter",
}


def reason(body: bytes) -> str:
    with pytest.raises(GatewayError) as error:
        parse(body, TelemetryBatch)
    return error.value.reason


def test_the_fullest_honest_batch_is_read() -> None:
    body = json.dumps({"batch_id": "b", "samples": [SAMPLE] * 5000}).encode()
    assert len(body) < LARGEST

    assert len(parse(body, TelemetryBatch).samples) == 5000


def test_the_fullest_honest_heartbeat_is_read() -> None:
    known = {f"0000-{number}": number for number in range(1000)}
    body = json.dumps({"at": "2026-05-03T15:00:00Z", "software": "s", "known": known}).encode()

    assert len(parse(body, Heartbeat).known) == 1000


def test_an_object_of_very_many_members_is_refused_before_each_of_them_is_found_fault_with() -> (
    None
):
    members = ",".join(f'"k{number}":0' for number in range(MOST_MEMBERS + 1))
    with pytest.raises(WireError, match="members"):
        parse(b"{%s}" % members.encode(), TelemetryBatch)


@pytest.mark.parametrize(
    "body", [b"[%s]" % b",".join([b"{}"] * 300_000), b"{%s}" % b",".join([b'"k":0'] * 170_000)]
)
def test_a_document_of_very_many_values_is_refused_unread(body: bytes) -> None:
    assert len(body) < LARGEST + 200_000
    assert reason(body) == "INVALID_BODY"
