"""openleadr reads what we write, and we read what it writes."""

import json
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, TypedDict

import pytest

from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import (
    EiTarget,
    OadrCreatedPartyRegistration,
    OadrCreatePartyRegistration,
    OadrDistributeEvent,
    OadrUpdateReport,
)
from gateway.transport.schemas import load_oadr20b_schema
from tests.oadr2b_samples import SAMPLES

pytestmark = [pytest.mark.peer, pytest.mark.slow]
CODEC: Final = Codec(load_oadr20b_schema())


class Exchange(TypedDict):
    """What the child program answers."""

    written: dict[str, str]
    read: dict[str, str]


@pytest.fixture(scope="module")
def exchange() -> Exchange:
    ours = {name: CODEC.encode(message).decode() for name, message in SAMPLES.items()}
    done = subprocess.run(
        [sys.executable, "-m", "tests.openleadr_messages"],
        input=json.dumps(ours),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answer: Exchange = json.loads(done.stdout)
    return answer


def test_openleadr_reads_what_we_write(exchange: Exchange) -> None:
    assert exchange["read"] == {name: name.partition("_")[0] for name in SAMPLES}


def test_we_read_what_openleadr_writes(exchange: Exchange) -> None:
    for kind, text in exchange["written"].items():
        message = CODEC.decode(text.encode())
        assert type(message).__name__ == kind[0].upper() + kind[1:]
        assert CODEC.decode(CODEC.encode(message)) == message


def test_numbers_and_texts_of_openleadr_arrive_whole(exchange: Exchange) -> None:
    message = CODEC.decode(exchange["written"]["oadrDistributeEvent"].encode())

    assert isinstance(message, OadrDistributeEvent)
    event = message.oadr_events[0].ei_event
    assert event.event_descriptor.event_id == "ev-1"
    assert event.event_descriptor.vtn_comment == "hold"
    assert event.ei_active_period.startafter == timedelta(minutes=5)
    assert event.ei_active_period.x_ei_ramp_up == timedelta(minutes=15)
    assert [step.signal_payload for step in event.ei_event_signals[0].intervals] == [
        Decimal("0.3"),
        Decimal("0.00001"),
    ]
    assert event.ei_target == EiTarget(ven_ids=("ven-1",), resource_ids=("phx-1",))
    report = CODEC.decode(exchange["written"]["oadrUpdateReport"].encode())
    assert isinstance(report, OadrUpdateReport)
    value = report.oadr_reports[0].intervals[0].oadr_report_payloads[0]
    assert value.payload_float == Decimal("224998.12345678901").quantize(Decimal("1e-9"))


def test_the_empty_ids_that_openleadr_writes_read_as_absent(exchange: Exchange) -> None:
    text = exchange["written"]["oadrCreatedPartyRegistration"]
    assert "<ei:venID/>" in text.replace(" ", "")

    answer = CODEC.decode(text.encode())
    request = CODEC.decode(exchange["written"]["oadrCreatePartyRegistration"].encode())

    assert isinstance(answer, OadrCreatedPartyRegistration)
    assert (answer.ven_id, answer.registration_id) == (None, None)
    assert isinstance(request, OadrCreatePartyRegistration)
    assert request.oadr_ven_name == "Phoenix"
