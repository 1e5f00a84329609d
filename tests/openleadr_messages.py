"""Child program: lets openleadr write messages, and read ours; run it with ``python -m tests.openleadr_messages``.

Standard input: a JSON object of name to document (text) to read. Standard output: a JSON object with ``written`` (name
to document) and ``read`` (name to the message type that openleadr found, after it validated the document). What it
writes holds no markup characters: it does not escape them.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Final

from openleadr import objects
from openleadr.messaging import create_message, parse_message, validate_xml_schema

START: Final = datetime(2026, 5, 3, 23, 30, tzinfo=UTC)
ANSWER: Final = {"response_code": 200, "response_description": "OK", "request_id": "r1"}
EVENT: Final = {
    "event_descriptor": {
        "event_id": "ev-1",
        "modification_number": 2,
        "modification_date_time": START,
        "priority": 1,
        "market_context": "http://utility.example/fast-dr",
        "created_date_time": START,
        "event_status": "far",
        "test_event": False,
        "vtn_comment": "hold",
    },
    "active_period": {
        "dtstart": START,
        "duration": timedelta(minutes=10),
        "tolerance": {"startafter": timedelta(minutes=5)},
        "notification_period": timedelta(minutes=30),
        "ramp_up_period": timedelta(minutes=15),
    },
    "event_signals": [
        {
            "intervals": [
                {"duration": timedelta(minutes=5), "uid": 0, "signal_payload": 0.1 + 0.2},
                {"duration": timedelta(minutes=5), "uid": 1, "signal_payload": 1e-05},
            ],
            "signal_name": "LOAD_DISPATCH",
            "signal_type": "delta",
            "signal_id": "s1",
            "current_value": 0.0,
            "measurement": {
                "name": "powerReal",
                "description": "RealPower",
                "unit": "W",
                "scale": "k",
                "power_attributes": {"hertz": 50, "voltage": 230, "ac": True},
                "ns": "power",
            },
        }
    ],
    "response_required": "always",
    "targets": [{"ven_id": "ven-1"}, {"resource_id": "phx-1"}],
    "targets_by_type": {"ven_id": ["ven-1"], "resource_id": ["phx-1"]},
}
REPORT: Final = objects.Report(
    report_specifier_id="spec-1",
    report_name="METADATA_TELEMETRY_USAGE",
    duration=timedelta(hours=1),
    report_descriptions=[
        objects.ReportDescription(
            r_id="power",
            market_context="http://utility.example/fast-dr",
            reading_type="Direct Read",
            report_subject=None,
            report_data_source={"resource_id": "phx-1"},
            report_type="usage",
            sampling_rate=objects.SamplingRate(timedelta(seconds=10), timedelta(minutes=1), True),
            measurement=objects.Measurement(
                name="energyReal", description="RealEnergy", unit="Wh", scale="k"
            ),
        )
    ],
    created_date_time=START,
)
UPDATE: Final = objects.Report(
    report_specifier_id="spec-1",
    report_name="TELEMETRY_USAGE",
    report_request_id="req-1",
    dtstart=START,
    created_date_time=START,
    intervals=[
        objects.ReportInterval(
            dtstart=START,
            duration=timedelta(minutes=1),
            report_payload=objects.ReportPayload(
                r_id="power", value=224998.123456789012, accuracy=0.5, confidence=99
            ),
        )
    ],
)
MESSAGES: Final[dict[str, dict[str, object]]] = {
    "oadrPoll": {"ven_id": "ven-1"},
    "oadrResponse": {"response": ANSWER, "ven_id": "ven-1"},
    "oadrQueryRegistration": {"request_id": "r1"},
    "oadrCreatePartyRegistration": {
        "request_id": "r1",
        "profile_name": "2.0b",
        "transport_name": "simpleHttp",
        "transport_address": None,
        "report_only": False,
        "xml_signature": False,
        "ven_name": "Phoenix",
        "http_pull_model": True,
    },
    "oadrCreatedPartyRegistration": {
        "response": ANSWER,
        "vtn_id": "vtn-1",
        "profiles": [{"profile_name": "2.0b", "transports": [{"transport_name": "simpleHttp"}]}],
        "requested_oadr_poll_freq": timedelta(seconds=10),
    },
    "oadrCancelPartyRegistration": {
        "request_id": "r1",
        "registration_id": "reg-1",
        "ven_id": "ven-1",
    },
    "oadrCanceledPartyRegistration": {
        "response": ANSWER,
        "registration_id": "reg-1",
        "ven_id": "ven-1",
    },
    "oadrRequestReregistration": {"ven_id": "ven-1"},
    "oadrRequestEvent": {"request_id": "r1", "ven_id": "ven-1", "reply_limit": 3},
    "oadrDistributeEvent": {
        "response": ANSWER,
        "request_id": "r2",
        "vtn_id": "vtn-1",
        "events": [EVENT],
    },
    "oadrCreatedEvent": {
        "response": ANSWER,
        "event_responses": [
            {
                "response_code": 200,
                "response_description": "OK",
                "request_id": "r2",
                "event_id": "ev1",
                "modification_number": 0,
                "opt_type": "optIn",
            }
        ],
        "ven_id": "ven-1",
    },
    "oadrRegisterReport": {"request_id": "r1", "reports": [REPORT], "ven_id": "ven-1"},
    "oadrRegisteredReport": {"response": ANSWER, "report_requests": [], "ven_id": "ven-1"},
    "oadrCreatedReport": {
        "response": ANSWER,
        "pending_reports": [{"report_request_id": "req-1"}],
        "ven_id": "ven-1",
    },
    "oadrUpdateReport": {"request_id": "r1", "reports": [UPDATE], "ven_id": "ven-1"},
    "oadrUpdatedReport": {"response": ANSWER, "ven_id": "ven-1"},
    "oadrCancelOpt": {"request_id": "r1", "opt_id": "opt-1", "ven_id": "ven-1"},
    "oadrCreatedOpt": {"response": ANSWER, "opt_id": "opt-1"},
    "oadrCanceledOpt": {"response": ANSWER, "opt_id": "opt-1"},
}


def read(text: str) -> str:
    """Return the message type that openleadr finds in a document."""
    validate_xml_schema(text.encode())
    kind, _ = parse_message(text.encode())
    return str(kind)


def main() -> None:
    """Write every message and read every document handed in."""
    given = json.load(sys.stdin)
    json.dump(
        {
            "written": {
                kind: create_message(kind, **payload) for kind, payload in MESSAGES.items()
            },
            "read": {name: read(text) for name, text in given.items()},
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
