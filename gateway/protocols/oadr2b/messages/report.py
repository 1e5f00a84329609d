"""EiReport: offer, ask for, deliver and cancel measured values."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from gateway.protocols.oadr2b.messages.interval import WsCalendarInterval
from gateway.protocols.oadr2b.messages.item_base import ItemBase
from gateway.protocols.oadr2b.messages.response import EiResponse
from gateway.protocols.oadr2b.messages.target import EiTarget, RawXml


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrSamplingRate:
    """How often a data point can be recorded."""

    oadr_min_period: timedelta
    oadr_max_period: timedelta
    oadr_on_change: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrReportDescription:
    """One data point that a metadata report offers."""

    r_id: str
    report_subject: EiTarget | None = None
    report_data_source: EiTarget | None = None
    report_type: str
    item_base: ItemBase | None = None
    reading_type: str
    market_context: str | None = None
    oadr_sampling_rate: OadrSamplingRate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrLoadControlStateType:
    """One control quantity, with its bounds."""

    oadr_min: Decimal | None = None
    oadr_max: Decimal | None = None
    oadr_current: Decimal
    oadr_normal: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrLoadControlState:
    """What the load control of a resource is set to."""

    oadr_capacity: OadrLoadControlStateType | None = None
    oadr_level_offset: OadrLoadControlStateType | None = None
    oadr_percent_offset: OadrLoadControlStateType | None = None
    oadr_set_point: OadrLoadControlStateType | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrPayloadResourceStatus:
    """Whether a resource is there and whether somebody took it over by hand."""

    oadr_online: bool
    oadr_manual_override: bool
    oadr_load_control_state: OadrLoadControlState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrReportPayload:
    """The value of one data point: a number or a status, never both."""

    r_id: str
    confidence: int | None = None
    """Per cent, 0-100."""
    accuracy: Decimal | None = None
    """In the unit of the value, plus or minus."""
    payload_float: Decimal | None = None
    oadr_payload_resource_status: OadrPayloadResourceStatus | None = None
    oadr_data_quality: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportInterval:
    """The values of one point or stretch of time (``ei:interval`` of a report)."""

    dtstart: datetime | None = None
    duration: timedelta | None = None
    uid: str | None = None
    oadr_report_payloads: tuple[OadrReportPayload, ...] = ()
    oadr_gb_payloads: tuple[RawXml, ...] = ()
    """Green Button ``atom:feed`` elements, uninterpreted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrReport:
    """A report: metadata (descriptions) or data (intervals)."""

    dtstart: datetime | None = None
    duration: timedelta | None = None
    intervals: tuple[ReportInterval, ...] = ()
    ei_report_id: str | None = None
    oadr_report_descriptions: tuple[OadrReportDescription, ...] = ()
    report_request_id: str
    report_specifier_id: str
    report_name: str | None = None
    created_date_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecifierPayload:
    """One data point asked for."""

    r_id: str
    item_base: ItemBase | None = None
    reading_type: str = "x-notApplicable"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSpecifier:
    """What is asked for, how finely and how often."""

    report_specifier_id: str
    granularity: timedelta
    report_back_duration: timedelta
    report_interval: WsCalendarInterval | None = None
    specifier_payloads: tuple[SpecifierPayload, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrReportRequest:
    """One request, under an id that its reports will repeat."""

    report_request_id: str
    report_specifier: ReportSpecifier


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrRegisterReport:
    """Offer reports; replaces all that this party offered before (OpenADR 2.0b rule 306)."""

    request_id: str
    oadr_reports: tuple[OadrReport, ...] = ()
    ven_id: str | None = None
    report_request_id: str | None = None
    """Of the request for metadata that this answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrRegisteredReport:
    """Take note of offered reports, and perhaps ask for some at once."""

    ei_response: EiResponse
    oadr_report_requests: tuple[OadrReportRequest, ...] = ()
    ven_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrCreateReport:
    """Ask for reports; at least one request."""

    request_id: str
    oadr_report_requests: tuple[OadrReportRequest, ...]
    ven_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrCreatedReport:
    """Promise reports; lists all requests still pending for the requester."""

    ei_response: EiResponse
    oadr_pending_reports: tuple[str, ...] = ()
    """reportRequestIDs."""
    ven_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrUpdateReport:
    """Deliver report data."""

    request_id: str
    oadr_reports: tuple[OadrReport, ...] = ()
    ven_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrCancelReport:
    """End reports; at least one reportRequestID."""

    request_id: str
    report_request_ids: tuple[str, ...]
    report_to_follow: bool
    """Whether one last report is wanted."""
    ven_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrUpdatedReport:
    """Take delivery of report data, and perhaps cancel its request at once."""

    ei_response: EiResponse
    oadr_cancel_report: OadrCancelReport | None = None
    ven_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrCanceledReport:
    """Confirm a cancellation; lists what is still pending."""

    ei_response: EiResponse
    oadr_pending_reports: tuple[str, ...] = ()
    """reportRequestIDs."""
    ven_id: str | None = None
