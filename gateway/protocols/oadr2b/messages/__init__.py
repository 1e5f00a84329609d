"""The messages of OpenADR 2.0b as frozen values; names equal the standard's, in Python case.

Instants are aware UTC, durations ``timedelta`` (zero means open-ended where the standard says so), payload numbers
``Decimal``, repeated elements tuples. The codec owns the exact wire spelling.
"""

from typing import TypeAlias

from gateway.protocols.oadr2b.messages.event import (
    EiActivePeriod,
    EiEvent,
    EiEventBaseline,
    EiEventSignal,
    EventDescriptor,
    EventResponse,
    EventStatus,
    OadrCreatedEvent,
    OadrDistributeEvent,
    OadrEvent,
    OadrRequestEvent,
    OptType,
    QualifiedEventId,
    ResponseRequired,
    SignalInterval,
    SignalType,
    UnreadableEvent,
)
from gateway.protocols.oadr2b.messages.interval import WsCalendarInterval
from gateway.protocols.oadr2b.messages.item_base import ItemBase, PowerAttributes
from gateway.protocols.oadr2b.messages.opt import (
    OadrCanceledOpt,
    OadrCancelOpt,
    OadrCreatedOpt,
    OadrCreateOpt,
)
from gateway.protocols.oadr2b.messages.poll import OadrPoll
from gateway.protocols.oadr2b.messages.registration import (
    OadrCanceledPartyRegistration,
    OadrCancelPartyRegistration,
    OadrCreatedPartyRegistration,
    OadrCreatePartyRegistration,
    OadrExtension,
    OadrInfo,
    OadrProfile,
    OadrQueryRegistration,
    OadrRequestReregistration,
    OadrService,
)
from gateway.protocols.oadr2b.messages.report import (
    OadrCanceledReport,
    OadrCancelReport,
    OadrCreatedReport,
    OadrCreateReport,
    OadrLoadControlState,
    OadrLoadControlStateType,
    OadrPayloadResourceStatus,
    OadrRegisteredReport,
    OadrRegisterReport,
    OadrReport,
    OadrReportDescription,
    OadrReportPayload,
    OadrReportRequest,
    OadrSamplingRate,
    OadrUpdatedReport,
    OadrUpdateReport,
    ReportInterval,
    ReportSpecifier,
    SpecifierPayload,
)
from gateway.protocols.oadr2b.messages.response import OK, EiResponse, OadrResponse
from gateway.protocols.oadr2b.messages.target import EiTarget, RawXml, TransportInterface

Message: TypeAlias = (
    OadrDistributeEvent
    | OadrCreatedEvent
    | OadrRequestEvent
    | OadrResponse
    | OadrCancelOpt
    | OadrCanceledOpt
    | OadrCreateOpt
    | OadrCreatedOpt
    | OadrCancelReport
    | OadrCanceledReport
    | OadrCreateReport
    | OadrCreatedReport
    | OadrRegisterReport
    | OadrRegisteredReport
    | OadrUpdateReport
    | OadrUpdatedReport
    | OadrCancelPartyRegistration
    | OadrCanceledPartyRegistration
    | OadrCreatePartyRegistration
    | OadrCreatedPartyRegistration
    | OadrRequestReregistration
    | OadrQueryRegistration
    | OadrPoll
)
"""Everything that may stand in an oadrSignedObject; closed, so that ``match`` can end in ``assert_never``."""

__all__ = [
    "OK",
    "EiActivePeriod",
    "EiEvent",
    "EiEventBaseline",
    "EiEventSignal",
    "EiResponse",
    "EiTarget",
    "EventDescriptor",
    "EventResponse",
    "EventStatus",
    "ItemBase",
    "Message",
    "OadrCancelOpt",
    "OadrCancelPartyRegistration",
    "OadrCancelReport",
    "OadrCanceledOpt",
    "OadrCanceledPartyRegistration",
    "OadrCanceledReport",
    "OadrCreateOpt",
    "OadrCreatePartyRegistration",
    "OadrCreateReport",
    "OadrCreatedEvent",
    "OadrCreatedOpt",
    "OadrCreatedPartyRegistration",
    "OadrCreatedReport",
    "OadrDistributeEvent",
    "OadrEvent",
    "OadrExtension",
    "OadrInfo",
    "OadrLoadControlState",
    "OadrLoadControlStateType",
    "OadrPayloadResourceStatus",
    "OadrPoll",
    "OadrProfile",
    "OadrQueryRegistration",
    "OadrRegisterReport",
    "OadrRegisteredReport",
    "OadrReport",
    "OadrReportDescription",
    "OadrReportPayload",
    "OadrReportRequest",
    "OadrRequestEvent",
    "OadrRequestReregistration",
    "OadrResponse",
    "OadrSamplingRate",
    "OadrService",
    "OadrUpdateReport",
    "OadrUpdatedReport",
    "OptType",
    "PowerAttributes",
    "QualifiedEventId",
    "RawXml",
    "ReportInterval",
    "ReportSpecifier",
    "ResponseRequired",
    "SignalInterval",
    "SignalType",
    "SpecifierPayload",
    "TransportInterface",
    "UnreadableEvent",
    "WsCalendarInterval",
]
