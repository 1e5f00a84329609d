"""OpenADR 2.0b: an oadrUpdateReport of 6,000 values, from bytes to typed values, beside openleadr.

Ours is schema-validated and typed to the last value, in decimals; openleadr's is validated and goes to its dict.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from conformance.bench.decode2b import openleadr_ms
from conformance.bench.machine import best_ms, machine
from gateway.domain.errors import MisuseError
from gateway.protocols.oadr2b.codec import Codec
from gateway.protocols.oadr2b.messages import (
    OadrReport,
    OadrReportPayload,
    OadrUpdateReport,
    ReportInterval,
)
from gateway.transport.schemas import load_oadr20b_schema

VALUES: Final = 6_000
_NOW: Final = datetime(2026, 5, 3, 16, tzinfo=UTC)


def measure(share: int = 1) -> dict[str, object]:
    """Run the bench.

    Args:
        share: Part of the time, for a trial: 10 takes a tenth.

    Returns:
        ``ours_ms``, ``openleadr_ms``, ``ratio``, ``values``, ``bytes`` and ``machine.{cpu, load, python}``.
    """
    codec = Codec(load_oadr20b_schema())
    body = codec.encode(document(VALUES))
    if values(codec, body) != VALUES:
        raise MisuseError("BENCH", "a report of the bench must yield all its values")
    theirs = openleadr_ms({"report": body}, share)["report"]
    ours = best_ms(partial(codec.decode, body), share)
    return {
        "ours_ms": round(ours, 3),
        "openleadr_ms": round(theirs, 3),
        "ratio": round(theirs / ours, 2),
        "values": VALUES,
        "bytes": len(body),
        "machine": machine(),
    }


def values(codec: Codec, body: bytes) -> int:
    """Return how many values a report brings."""
    message = codec.decode(body)
    if not isinstance(message, OadrUpdateReport):
        raise MisuseError("BENCH", "a document of the bench must be an oadrUpdateReport")
    return sum(
        len(interval.oadr_report_payloads)
        for report in message.oadr_reports
        for interval in report.intervals
    )


def document(count: int) -> OadrUpdateReport:
    """Build a report of so many values, all different, each in an interval of one second of its own."""
    second = timedelta(seconds=1)
    return OadrUpdateReport(
        request_id="bench",
        ven_id="ven-1",
        oadr_reports=(
            OadrReport(
                dtstart=_NOW,
                duration=second * count,
                intervals=tuple(_interval(at, second) for at in range(count)),
                report_request_id="q1",
                report_specifier_id="telemetry-usage",
                report_name="TELEMETRY_USAGE",
                created_date_time=_NOW,
            ),
        ),
    )


def _interval(at: int, length: timedelta) -> ReportInterval:
    value = Decimal(300000) - Decimal("12.5") * at
    return ReportInterval(
        dtstart=_NOW + length * at,
        duration=length,
        oadr_report_payloads=(OadrReportPayload(r_id="phx-1.power", payload_float=value),),
    )
