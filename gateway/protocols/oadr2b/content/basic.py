"""Content models that several services share: answers, targets, calendar properties."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

from gateway.protocols.oadr2b.content.model import Leaf, Part, Raw, Struct, many, maybe, one
from gateway.protocols.oadr2b.lexical import (
    DURATION,
    GIVEN_ID,
    ID,
    INSTANT,
    TEXT,
    WHOLE,
    read_duration,
)
from gateway.protocols.oadr2b.messages.event import QualifiedEventId
from gateway.protocols.oadr2b.messages.response import EiResponse
from gateway.protocols.oadr2b.messages.target import EiTarget, TransportInterface
from gateway.protocols.oadr2b.names import qualified
from gateway.protocols.xml import Element

T = TypeVar("T")

REQUEST_ID: Final = one("request_id", Leaf(ID, "pyld:requestID"))
VEN_ID: Final = one("ven_id", Leaf(ID, "ei:venID"))
MAYBE_VEN_ID: Final = maybe("ven_id", Leaf(GIVEN_ID, "ei:venID"))
REPORT_REQUEST_ID: Final = Leaf(ID, "ei:reportRequestID")
CREATED: Final = one("created_date_time", Leaf(INSTANT, "ei:createdDateTime"))
DTSTART: Final = Leaf(INSTANT, "xcal:dtstart", "xcal:date-time")
DURATION_PROP: Final = Leaf(DURATION, "xcal:duration", "xcal:duration")
UID: Final = Leaf(ID, "xcal:uid", "xcal:text")
MARKET_CONTEXT: Final = Leaf(ID, "emix:marketContext")

EI_RESPONSE: Final = Struct(
    EiResponse,
    "ei:eiResponse",
    one("response_code", Leaf(ID, "ei:responseCode")),
    maybe("response_description", Leaf(TEXT, "ei:responseDescription")),
    REQUEST_ID,
)
ANSWER: Final = one("ei_response", EI_RESPONSE)

QUALIFIED_EVENT_ID: Final = Struct(
    QualifiedEventId,
    "ei:qualifiedEventID",
    one("event_id", Leaf(ID, "ei:eventID")),
    one("modification_number", Leaf(WHOLE, "ei:modificationNumber")),
)


_TARGET_PARTS: Final = (
    many("aggregated_pnodes", Leaf(ID, "power:aggregatedPnode", "power:node")),
    many("end_device_assets", Leaf(ID, "power:endDeviceAsset", "power:mrid")),
    many("meter_assets", Leaf(ID, "power:meterAsset", "power:mrid")),
    many("pnodes", Leaf(ID, "power:pnode", "power:node")),
    many("service_areas", Raw("emix:serviceArea")),
    many("service_delivery_points", Leaf(ID, "power:serviceDeliveryPoint", "power:node")),
    many("service_locations", Raw("power:serviceLocation")),
    many(
        "transport_interfaces",
        Struct(
            TransportInterface,
            "power:transportInterface",
            one("point_of_receipt", Leaf(ID, "power:pointOfReceipt")),
            one("point_of_delivery", Leaf(ID, "power:pointOfDelivery")),
        ),
    ),
    many("group_ids", Leaf(ID, "ei:groupID")),
    many("group_names", Leaf(ID, "ei:groupName")),
    many("resource_ids", Leaf(ID, "ei:resourceID")),
    many("ven_ids", Leaf(ID, "ei:venID")),
    many("party_ids", Leaf(ID, "ei:partyID")),
)


def target(name: str) -> Struct[EiTarget]:
    """Build the content of an element of type EiTargetType."""
    return Struct(EiTarget, name, *_TARGET_PARTS)


EI_TARGET: Final = target("ei:eiTarget")


class CalendarProperties(Struct[T]):
    """``xcal:properties``; years and months in its durations count from its dtstart."""

    def __init__(self, make: Callable[..., T]) -> None:
        super().__init__(make, "xcal:properties", *_PROPERTIES_PARTS)
        self._make_value: Final = make

    def read(self, element: Element) -> T:
        """Build the value."""
        since: datetime | None = None
        fields: dict[str, object] = {}
        for child in element:
            field = _PROPERTIES_FIELDS.get(str(child.tag))
            if field == "dtstart":
                since = DTSTART.read(child)
                fields[field] = since
            elif field is not None and (text := _innermost_text(child)) is not None:
                fields[field] = read_duration(text, since)
        return self._make_value(**fields)


_PROPERTIES_PARTS: Final[tuple[Part, ...]] = (
    one("dtstart", DTSTART),
    one("duration", DURATION_PROP),
    maybe("startafter", Leaf(DURATION, "xcal:tolerance", "xcal:tolerate", "xcal:startafter")),
    maybe("x_ei_notification", Leaf(DURATION, "ei:x-eiNotification", "xcal:duration")),
    maybe("x_ei_ramp_up", Leaf(DURATION, "ei:x-eiRampUp", "xcal:duration")),
    maybe("x_ei_recovery", Leaf(DURATION, "ei:x-eiRecovery", "xcal:duration")),
)
_PROPERTIES_FIELDS: Final = {part.content.tags[0]: part.field for part in _PROPERTIES_PARTS}
_WRAPPERS: Final = frozenset({qualified("xcal:tolerance"), qualified("xcal:tolerate")})


def _innermost_text(element: Element) -> str | None:
    while len(element):
        element = element[0]
    return None if element.tag in _WRAPPERS else element.text or ""
