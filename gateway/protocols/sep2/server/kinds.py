"""What the resources of the server take and how their lists are ordered.

Spec: IEEE 2030.5-2018 clause 4.6.2 (lists), 5.5.2 (methods), and the tables of resources of each function set.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from gateway.protocols.sep2._generated import model as sep

Key: TypeAlias = Callable[[Any], Any]
"""Of a member (each list knows its kind), what it is ordered by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One kind of list."""

    field: str
    """Attribute that holds the members."""
    order: Key
    time: Key | None = None
    """What ``a`` looks at; None: the list knows no ``a``."""
    posts: type[sep.Resource] | None = None
    """What a client may add."""


def _start(event: sep.Event) -> int:
    return event.interval.start


def _by_start(event: sep.Event) -> tuple[int, int, int]:
    return event.interval.start, -event.creation_time, -int(event.mrid, 16)


def _newest_first(event: sep.Event) -> tuple[int, int, int]:
    return -event.interval.start, -event.creation_time, -int(event.mrid, 16)


def _by_mrid(one: sep.IdentifiedObject) -> int:
    return -int(one.mrid, 16)


def _by_primacy(one: sep.DERProgram) -> tuple[int, int]:
    return one.primacy, -int(one.mrid, 16)


def _by_href(one: sep.Resource) -> str:
    return one.href or ""


LISTS: Final[Mapping[type[sep.Resource], Listing]] = {
    sep.EndDeviceList: Listing(
        field="end_device", order=lambda d: (d.sfdi, d.href), posts=sep.EndDevice
    ),
    sep.FunctionSetAssignmentsList: Listing(field="function_set_assignments", order=_by_mrid),
    sep.DERList: Listing(field="der", order=_by_href),
    sep.DERProgramList: Listing(field="der_program", order=_by_primacy),
    sep.DERControlList: Listing(field="der_control", order=_by_start, time=_start),
    sep.DERCurveList: Listing(
        field="der_curve", order=lambda c: (-c.creation_time, -int(c.mrid, 16))
    ),
    sep.DemandResponseProgramList: Listing(field="demand_response_program", order=_by_primacy),
    sep.EndDeviceControlList: Listing(field="end_device_control", order=_by_start, time=_start),
    sep.MirrorUsagePointList: Listing(
        field="mirror_usage_point", order=_by_mrid, posts=sep.MirrorUsagePoint
    ),
    sep.UsagePointList: Listing(field="usage_point", order=_by_mrid),
    sep.MeterReadingList: Listing(field="meter_reading", order=_by_mrid),
    sep.ReadingSetList: Listing(
        field="reading_set",
        order=lambda s: (-s.time_period.start, -int(s.mrid, 16)),
        time=lambda s: s.time_period.start,
    ),
    sep.ReadingList: Listing(
        field="reading",
        order=lambda r: (-1 if r.local_id is None else r.local_id, r.time_period.start),
    ),
    sep.ResponseSetList: Listing(field="response_set", order=_by_mrid),
    sep.ResponseList: Listing(
        field="response",
        order=lambda r: (-(r.created_date_time or 0), int(r.end_device_lfdi, 16), r.href),
        time=lambda r: r.created_date_time or 0,
        posts=sep.Response,
    ),
    sep.LogEventList: Listing(
        field="log_event",
        order=lambda e: (e.created_date_time, e.log_event_id, e.href),
        time=lambda e: e.created_date_time,
        posts=sep.LogEvent,
    ),
    sep.LoadShedAvailabilityList: Listing(
        field="load_shed_availability", order=_by_href, posts=sep.LoadShedAvailability
    ),
    sep.SubscriptionList: Listing(field="subscription", order=_by_href, posts=sep.Subscription),
    sep.MessagingProgramList: Listing(field="messaging_program", order=_by_mrid),
    sep.TextMessageList: Listing(field="text_message", order=_newest_first, time=_start),
    sep.TariffProfileList: Listing(field="tariff_profile", order=_by_mrid),
    sep.RateComponentList: Listing(field="rate_component", order=_by_mrid),
    sep.TimeTariffIntervalList: Listing(field="time_tariff_interval", order=_by_start, time=_start),
    sep.ConsumptionTariffIntervalList: Listing(
        field="consumption_tariff_interval", order=lambda c: c.start_value
    ),
    sep.FlowReservationRequestList: Listing(
        field="flow_reservation_request",
        order=lambda r: (r.interval_requested.start, -r.creation_time, -int(r.mrid, 16)),
        time=lambda r: r.interval_requested.start,
        posts=sep.FlowReservationRequest,
    ),
    sep.FlowReservationResponseList: Listing(
        field="flow_reservation_response", order=_by_start, time=_start
    ),
}
"""Kind of list -> what it holds and in which order."""

PUTS: Final[frozenset[type[sep.Resource]]] = frozenset(
    {
        sep.EndDevice,
        sep.DERCapability,
        sep.DERSettings,
        sep.DERStatus,
        sep.DERAvailability,
        sep.DeviceInformation,
        sep.DeviceStatus,
        sep.PowerStatus,
        sep.ConnectionPoint,
        sep.MirrorUsagePoint,
        sep.LoadShedAvailability,
        sep.FlowReservationRequest,
        sep.Subscription,
    }
)
"""What a client may replace."""
DELETES: Final[frozenset[type[sep.Resource]]] = frozenset(
    {
        sep.EndDevice,
        sep.MirrorUsagePoint,
        sep.LogEvent,
        sep.LoadShedAvailability,
        sep.Subscription,
    }
)
"""What a client may remove; an EndDevice only where devices register themselves."""
AGGREGATORS: Final = "aggregators"
"""Name of the list of devices that may register others, which they then manage."""
CLOSED: Final = "closed"
"""Name of the list of kinds that clients may not write at present, though they could."""
EVENTS: Final = (
    sep.DERControl,
    sep.EndDeviceControl,
    sep.TextMessage,
    sep.TimeTariffInterval,
    sep.FlowReservationResponse,
)
"""What has a course in time."""
EVENT_LISTS: Final[frozenset[type[sep.Resource]]] = frozenset(
    {
        sep.DERControlList,
        sep.EndDeviceControlList,
        sep.TextMessageList,
        sep.TimeTariffIntervalList,
        sep.FlowReservationResponseList,
    }
)
"""Where it stands."""


def allowed(kind: type[sep.Resource]) -> str:
    """Return the methods that a kind of resource takes, as in ``Allow``."""
    found = ["GET", "HEAD"]
    listing = LISTS.get(kind)
    if (listing is not None and listing.posts) or kind in {
        sep.MirrorUsagePoint,
        sep.ConnectionPoint,
    }:
        found.append("POST")
    if kind in PUTS:
        found.append("PUT")
    if kind in DELETES:
        found.append("DELETE")
    return ", ".join(found)
