"""Opts of this VEN: schedules of availability, and opts that qualify one event.

Spec: OpenADR 2.0b section 8.5 and rules 201 to 211.
"""

from collections.abc import Sequence
from datetime import datetime

from lxml.etree import _Element as Element

from conformance.reference.ven2b.state import Known
from conformance.reference.wire2b import lasting, make, message, stamp, starting
from gateway.domain.timespan import Span


def schedule(
    opt: str,
    windows: Sequence[Span],
    *,
    opt_id: str,
    request_id: str,
    ven_id: str,
    resource: str,
    now: datetime,
) -> Element:
    """Make an oadrCreateOpt with windows of availability; a window without length is open-ended."""
    available = (
        make(
            "xcal:available",
            make(
                "xcal:properties",
                starting(window.start),
                lasting("xcal:duration", window.duration),
            ),
        )
        for window in windows
    )
    return _create(
        opt,
        [make("xcal:vavailability", make("xcal:components", *available))],
        [],
        opt_id,
        request_id,
        ven_id,
        resource,
        now,
    )


def of_event(
    opt: str,
    event: Known,
    *,
    opt_id: str,
    request_id: str,
    ven_id: str,
    resource: str,
    now: datetime,
) -> Element:
    """Make an oadrCreateOpt that qualifies one event: no windows and no market context with it."""
    qualified = make(
        "ei:qualifiedEventID",
        make("ei:eventID", event.event_id),
        make("ei:modificationNumber", str(event.version)),
    )
    return _create(opt, [], [qualified], opt_id, request_id, ven_id, resource, now)


def cancelling(opt_id: str, request_id: str, ven_id: str) -> Element:
    """Make an oadrCancelOpt."""
    return message(
        "oadr:oadrCancelOpt",
        make("pyld:requestID", request_id),
        make("ei:optID", opt_id),
        make("ei:venID", ven_id),
    )


def _create(  # noqa: PLR0913 - the elements of one message in their order
    opt: str,
    windows: list[Element],
    event: list[Element],
    opt_id: str,
    request_id: str,
    ven_id: str,
    resource: str,
    now: datetime,
) -> Element:
    return message(
        "oadr:oadrCreateOpt",
        make("ei:optID", opt_id),
        make("ei:optType", opt),
        make("ei:optReason", "economic"),
        make("ei:venID", ven_id),
        *windows,
        stamp(now),
        make("pyld:requestID", request_id),
        *event,
        make("ei:eiTarget", make("ei:resourceID", resource)),
    )
