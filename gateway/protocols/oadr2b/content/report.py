"""Content models of EiReport."""

from typing import Final

from gateway.protocols.oadr2b.content.basic import (
    ANSWER,
    CREATED,
    DTSTART,
    DURATION_PROP,
    MARKET_CONTEXT,
    MAYBE_VEN_ID,
    REPORT_REQUEST_ID,
    REQUEST_ID,
    UID,
    CalendarProperties,
    target,
)
from gateway.protocols.oadr2b.content.item_base import ITEM_BASE
from gateway.protocols.oadr2b.content.model import (
    Enclosed,
    Leaf,
    Listing,
    Raw,
    Struct,
    many,
    maybe,
    maybe_listing,
    one,
)
from gateway.protocols.oadr2b.content.report_intervals import ReportIntervals
from gateway.protocols.oadr2b.lexical import DURATION, FLAG, GIVEN_ID, ID, NUMBER, TOKEN, WHOLE
from gateway.protocols.oadr2b.messages.interval import WsCalendarInterval
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

_R_ID: Final = one("r_id", Leaf(ID, "ei:rID"))
_READING_TYPE: Final = one("reading_type", Leaf(TOKEN, "ei:readingType"))


def _control(name: str) -> Struct[OadrLoadControlStateType]:
    return Struct(
        OadrLoadControlStateType,
        name,
        maybe("oadr_min", Leaf(NUMBER, "oadr:oadrMin")),
        maybe("oadr_max", Leaf(NUMBER, "oadr:oadrMax")),
        one("oadr_current", Leaf(NUMBER, "oadr:oadrCurrent")),
        maybe("oadr_normal", Leaf(NUMBER, "oadr:oadrNormal")),
    )


_LOAD_CONTROL: Final = Struct(
    OadrLoadControlState,
    "oadr:oadrLoadControlState",
    maybe("oadr_capacity", _control("oadr:oadrCapacity")),
    maybe("oadr_level_offset", _control("oadr:oadrLevelOffset")),
    maybe("oadr_percent_offset", _control("oadr:oadrPercentOffset")),
    maybe("oadr_set_point", _control("oadr:oadrSetPoint")),
)

_STATUS: Final = Struct(
    OadrPayloadResourceStatus,
    "oadr:oadrPayloadResourceStatus",
    one("oadr_online", Leaf(FLAG, "oadr:oadrOnline")),
    one("oadr_manual_override", Leaf(FLAG, "oadr:oadrManualOverride")),
    maybe("oadr_load_control_state", _LOAD_CONTROL),
)

_PAYLOAD: Final = Struct(
    OadrReportPayload,
    "oadr:oadrReportPayload",
    _R_ID,
    maybe("confidence", Leaf(WHOLE, "ei:confidence")),
    maybe("accuracy", Leaf(NUMBER, "ei:accuracy")),
    maybe("payload_float", Leaf(NUMBER, "ei:payloadFloat", "ei:value")),
    maybe("oadr_payload_resource_status", _STATUS),
    maybe("oadr_data_quality", Leaf(TOKEN, "oadr:oadrDataQuality")),
)

_INTERVAL: Final = Struct(
    ReportInterval,
    "ei:interval",
    maybe("dtstart", DTSTART),
    maybe("duration", DURATION_PROP),
    maybe("uid", UID),
    many("oadr_report_payloads", _PAYLOAD),
    many("oadr_gb_payloads", Raw("oadr:oadrGBPayload")),
)

_DESCRIPTION: Final = Struct(
    OadrReportDescription,
    "oadr:oadrReportDescription",
    _R_ID,
    maybe("report_subject", target("ei:reportSubject")),
    maybe("report_data_source", target("ei:reportDataSource")),
    one("report_type", Leaf(TOKEN, "ei:reportType")),
    ITEM_BASE,
    _READING_TYPE,
    maybe("market_context", MARKET_CONTEXT),
    maybe(
        "oadr_sampling_rate",
        Struct(
            OadrSamplingRate,
            "oadr:oadrSamplingRate",
            one("oadr_min_period", Leaf(DURATION, "oadr:oadrMinPeriod")),
            one("oadr_max_period", Leaf(DURATION, "oadr:oadrMaxPeriod")),
            one("oadr_on_change", Leaf(FLAG, "oadr:oadrOnChange")),
        ),
    ),
)

_REPORT: Final = Struct(
    OadrReport,
    "oadr:oadrReport",
    maybe("dtstart", DTSTART),
    maybe("duration", DURATION_PROP),
    maybe_listing("intervals", ReportIntervals("strm:intervals", _INTERVAL)),
    maybe("ei_report_id", Leaf(GIVEN_ID, "ei:eiReportID")),
    many("oadr_report_descriptions", _DESCRIPTION),
    one("report_request_id", REPORT_REQUEST_ID),
    one("report_specifier_id", Leaf(ID, "ei:reportSpecifierID")),
    maybe("report_name", Leaf(TOKEN, "ei:reportName")),
    CREATED,
)

_SPECIFIER: Final = Struct(
    ReportSpecifier,
    "ei:reportSpecifier",
    one("report_specifier_id", Leaf(ID, "ei:reportSpecifierID")),
    one("granularity", Leaf(DURATION, "xcal:granularity", "xcal:duration")),
    one("report_back_duration", Leaf(DURATION, "ei:reportBackDuration", "xcal:duration")),
    maybe("report_interval", Enclosed("ei:reportInterval", CalendarProperties(WsCalendarInterval))),
    many(
        "specifier_payloads",
        Struct(SpecifierPayload, "ei:specifierPayload", _R_ID, ITEM_BASE, _READING_TYPE),
    ),
)

_REQUESTS: Final = many(
    "oadr_report_requests",
    Struct(
        OadrReportRequest,
        "oadr:oadrReportRequest",
        one("report_request_id", REPORT_REQUEST_ID),
        one("report_specifier", _SPECIFIER),
    ),
)
_REPORTS: Final = many("oadr_reports", _REPORT)
_PENDING: Final = one("oadr_pending_reports", Listing("oadr:oadrPendingReports", REPORT_REQUEST_ID))

REGISTER_REPORT: Final = Struct(
    OadrRegisterReport,
    "oadr:oadrRegisterReport",
    REQUEST_ID,
    _REPORTS,
    MAYBE_VEN_ID,
    maybe("report_request_id", Leaf(GIVEN_ID, "ei:reportRequestID")),
)

REGISTERED_REPORT: Final = Struct(
    OadrRegisteredReport, "oadr:oadrRegisteredReport", ANSWER, _REQUESTS, MAYBE_VEN_ID
)

CREATE_REPORT: Final = Struct(
    OadrCreateReport, "oadr:oadrCreateReport", REQUEST_ID, _REQUESTS, MAYBE_VEN_ID
)

CREATED_REPORT: Final = Struct(
    OadrCreatedReport, "oadr:oadrCreatedReport", ANSWER, _PENDING, MAYBE_VEN_ID
)

UPDATE_REPORT: Final = Struct(
    OadrUpdateReport, "oadr:oadrUpdateReport", REQUEST_ID, _REPORTS, MAYBE_VEN_ID
)

CANCEL_REPORT: Final = Struct(
    OadrCancelReport,
    "oadr:oadrCancelReport",
    REQUEST_ID,
    many("report_request_ids", REPORT_REQUEST_ID),
    one("report_to_follow", Leaf(FLAG, "pyld:reportToFollow")),
    MAYBE_VEN_ID,
)

UPDATED_REPORT: Final = Struct(
    OadrUpdatedReport,
    "oadr:oadrUpdatedReport",
    ANSWER,
    maybe("oadr_cancel_report", CANCEL_REPORT),
    MAYBE_VEN_ID,
)

CANCELED_REPORT: Final = Struct(
    OadrCanceledReport, "oadr:oadrCanceledReport", ANSWER, _PENDING, MAYBE_VEN_ID
)
