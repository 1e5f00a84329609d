"""Hypothesis strategies for every OpenADR 2.0b message that the schema and our bounds allow."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from hypothesis import strategies as st

from gateway.domain.quantity import plain
from gateway.protocols.oadr2b.messages import (
    EiActivePeriod,
    EiEvent,
    EiEventBaseline,
    EiEventSignal,
    EiResponse,
    EiTarget,
    EventDescriptor,
    EventResponse,
    EventStatus,
    ItemBase,
    Message,
    OadrCanceledOpt,
    OadrCanceledPartyRegistration,
    OadrCanceledReport,
    OadrCancelOpt,
    OadrCancelPartyRegistration,
    OadrCancelReport,
    OadrCreatedEvent,
    OadrCreatedOpt,
    OadrCreatedPartyRegistration,
    OadrCreatedReport,
    OadrCreateOpt,
    OadrCreatePartyRegistration,
    OadrCreateReport,
    OadrDistributeEvent,
    OadrEvent,
    OadrExtension,
    OadrInfo,
    OadrLoadControlState,
    OadrLoadControlStateType,
    OadrPayloadResourceStatus,
    OadrPoll,
    OadrProfile,
    OadrQueryRegistration,
    OadrRegisteredReport,
    OadrRegisterReport,
    OadrReport,
    OadrReportDescription,
    OadrReportPayload,
    OadrReportRequest,
    OadrRequestEvent,
    OadrRequestReregistration,
    OadrResponse,
    OadrSamplingRate,
    OadrService,
    OadrUpdatedReport,
    OadrUpdateReport,
    OptType,
    PowerAttributes,
    QualifiedEventId,
    RawXml,
    ReportInterval,
    ReportSpecifier,
    ResponseRequired,
    SignalInterval,
    SignalType,
    SpecifierPayload,
    TransportInterface,
    WsCalendarInterval,
)
from gateway.protocols.oadr2b.messages.item_base import FIXED

MANY: Final = 3
"""Most repetitions of a repeated element; enough to tell one from several."""


def _maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | strategy


def _some(
    strategy: st.SearchStrategy[object], least: int = 0
) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(strategy, min_size=least, max_size=MANY).map(tuple)


_letters = st.characters(
    exclude_categories=["Cs"],
    exclude_characters=[chr(c) for c in (*range(9), 11, 12, *range(14, 32), 127, 0xFFFE, 0xFFFF)],
)
texts = st.text(_letters, max_size=12) | st.sampled_from(
    ["", "<b>&amp;</b>", "]]>", "<!--x-->", " two  blanks ", "\r\n\t", "é𝔘\u00a0", "\"quoted'"]
)
ids = texts
given_ids = ids.filter(bool)
"""Optional ids: an empty one reads as absent."""
extensions = st.text("abcXYZ019_.-", min_size=1, max_size=8).map("x-{}".format)
uris = st.from_regex(r"https?://[a-z]{1,8}\.example(/[A-Za-z0-9._~-]{0,8}){0,2}", fullmatch=True)
instants = st.integers(0, int(timedelta(days=199 * 365).total_seconds() * 1e6)).map(
    lambda us: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
) | st.just(datetime(2026, 5, 3, 16, 30, tzinfo=UTC))
durations = st.integers(-400 * 86400, 400 * 86400).map(
    lambda s: timedelta(seconds=s)
) | st.sampled_from(
    [
        timedelta(0),
        timedelta(minutes=5),
        timedelta(hours=3),
        timedelta(days=1),
        timedelta(minutes=-5),
    ]
)
whole = st.integers(0, 2**32 - 1)
codes = st.integers(0, 999).map("{:03d}".format)


def _in_bounds(number: Decimal) -> bool:
    return len(plain(abs(number)).replace(".", "").strip("0")) <= 18


numbers = (
    st.builds(
        lambda digits, exponent: Decimal(digits).scaleb(exponent),
        st.integers(-(10**9), 10**9),
        st.integers(-9, 0),
    )
    | st.decimals(-(10**8), 10**8, places=9, allow_nan=False)
    | st.sampled_from([Decimal(0), Decimal(300000), Decimal("-0.5"), Decimal(123456789012345678)])
).filter(_in_bounds)

answers = st.builds(
    EiResponse, response_code=codes, response_description=_maybe(texts), request_id=ids
)
qualified_event_ids = st.builds(QualifiedEventId, event_id=ids, modification_number=whole)

_AREA: Final = (
    '<gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml/3.2"><gml:location><gml:Polygon>'
    "<gml:exterior><gml:LinearRing><gml:posList>{}</gml:posList></gml:LinearRing></gml:exterior>"
    "</gml:Polygon></gml:location></gml:FeatureCollection>"
)
"""Without gml:id: a document may use an id once only."""
areas = st.sampled_from(["33.4 -112.1 33.5 -112.0", "0 0 0 1 1 1 0 0"]).map(
    lambda ring: RawXml(xml=_AREA.format(ring))
)
feeds = st.sampled_from(["one", "a &amp; b"]).map(
    lambda title: RawXml(
        xml=f'<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:x:1</id><title>{title}</title>'
        "<updated>2026-05-03T16:30:00Z</updated></feed>"
    )
)
targets = st.builds(
    EiTarget,
    aggregated_pnodes=_some(ids),
    end_device_assets=_some(ids),
    meter_assets=_some(ids),
    pnodes=_some(ids),
    service_areas=_some(areas),
    service_delivery_points=_some(ids),
    service_locations=_some(areas),
    transport_interfaces=_some(
        st.builds(TransportInterface, point_of_receipt=ids, point_of_delivery=ids)
    ),
    group_ids=_some(ids),
    group_names=_some(ids),
    resource_ids=_some(ids),
    ven_ids=_some(ids),
    party_ids=_some(ids),
) | st.just(EiTarget())

scales = st.sampled_from(["p", "n", "micro", "m", "c", "d", "k", "M", "G", "T", "none"])
attributes = st.builds(PowerAttributes, hertz=numbers, voltage=numbers, ac=st.booleans())


@st.composite
def item_bases(draw: st.DrawFn) -> ItemBase:
    """Draw any unit of the substitution group."""
    name = draw(
        st.sampled_from(
            [
                *FIXED,
                "currency",
                "currencyPerKW",
                "currencyPerKWh",
                "currencyPerThm",
                "customUnit",
                "oadrGBDataDescription",
            ]
        )
    )
    if name == "oadrGBDataDescription":
        return ItemBase(name=name, atom_feed=draw(feeds))
    if name.startswith("currency"):
        return ItemBase(
            name=name,
            item_description=draw(st.sampled_from(["currency", "currencyPerKW", "currencyPerKWh"])),
            item_units=draw(st.sampled_from(["USD", "EUR"])),
            si_scale_code=draw(scales),
        )
    choices = {
        "powerReal": ["W", "J/s"],
        "temperature": ["celsius", "fahrenheit"],
        "customUnit": ["flops", "jobs per hour"],
    }
    description, units = FIXED.get(name, ("custom", None))
    return ItemBase(
        name=name,
        item_description=description,
        item_units=units or draw(st.sampled_from(choices[name])),
        si_scale_code=None if name == "pulseCount" else draw(scales),
        power_attributes=draw(attributes) if name.startswith("power") else None,
        pulse_factor=draw(numbers) if name == "pulseCount" else None,
    )


signal_intervals = st.builds(
    SignalInterval,
    dtstart=_maybe(instants),
    duration=_maybe(durations),
    uid=_maybe(ids),
    signal_payload=numbers,
)
signals = st.builds(
    EiEventSignal,
    intervals=_some(signal_intervals, least=1),
    ei_target=_maybe(targets),
    signal_name=st.sampled_from(["SIMPLE", "simple", "LOAD_DISPATCH", "ELECTRICITY_PRICE"])
    | extensions,
    signal_type=st.sampled_from(SignalType),
    signal_id=ids,
    item_base=_maybe(item_bases()),
    current_value=_maybe(numbers),
)
baselines = st.builds(
    EiEventBaseline,
    dtstart=instants,
    duration=durations,
    intervals=_some(signal_intervals, least=1),
    baseline_id=ids,
    resource_ids=_some(ids),
    baseline_name=texts,
    item_base=_maybe(item_bases()),
)
descriptors = st.builds(
    EventDescriptor,
    event_id=ids,
    modification_number=whole,
    modification_date_time=_maybe(instants),
    modification_reason=_maybe(texts),
    priority=_maybe(whole),
    ei_market_context=uris,
    created_date_time=instants,
    event_status=st.sampled_from(EventStatus),
    test_event=_maybe(texts),
    vtn_comment=_maybe(texts),
)
_calendar = {
    "dtstart": instants,
    "duration": durations,
    "startafter": _maybe(durations),
    "x_ei_notification": _maybe(durations),
    "x_ei_ramp_up": _maybe(durations),
    "x_ei_recovery": _maybe(durations),
}
active_periods = st.builds(EiActivePeriod, **_calendar)
windows = st.builds(WsCalendarInterval, **_calendar)
events = st.builds(
    OadrEvent,
    ei_event=st.builds(
        EiEvent,
        event_descriptor=descriptors,
        ei_active_period=active_periods,
        ei_event_signals=_some(signals, least=1),
        ei_event_baseline=_maybe(baselines),
        ei_target=targets,
    ),
    oadr_response_required=st.sampled_from(ResponseRequired),
)

reading_types = st.sampled_from(["Direct Read", "Net", "Mean", "x-notApplicable"]) | extensions
_control = st.builds(
    OadrLoadControlStateType,
    oadr_min=_maybe(numbers),
    oadr_max=_maybe(numbers),
    oadr_current=numbers,
    oadr_normal=_maybe(numbers),
)
statuses = st.builds(
    OadrPayloadResourceStatus,
    oadr_online=st.booleans(),
    oadr_manual_override=st.booleans(),
    oadr_load_control_state=_maybe(
        st.builds(
            OadrLoadControlState,
            oadr_capacity=_maybe(_control),
            oadr_level_offset=_maybe(_control),
            oadr_percent_offset=_maybe(_control),
            oadr_set_point=_maybe(_control),
        )
    ),
)
_payload_head = {
    "r_id": ids,
    "confidence": _maybe(st.integers(0, 100)),
    "accuracy": _maybe(numbers),
    "oadr_data_quality": _maybe(
        st.sampled_from(
            ["No Quality - No Value", "Quality Good - Non Specific", "Quality Limit - Field/Not"]
        )
        | extensions
    ),
}
payloads = st.builds(OadrReportPayload, payload_float=numbers, **_payload_head) | st.builds(
    OadrReportPayload, oadr_payload_resource_status=statuses, **_payload_head
)
report_intervals = st.builds(
    ReportInterval,
    dtstart=_maybe(instants),
    duration=_maybe(durations),
    uid=_maybe(ids),
    oadr_report_payloads=_some(payloads, least=1),
    oadr_gb_payloads=_some(feeds),
)
descriptions = st.builds(
    OadrReportDescription,
    r_id=ids,
    report_subject=_maybe(targets),
    report_data_source=_maybe(targets),
    report_type=st.sampled_from(["usage", "demand", "x-resourceStatus"]) | extensions,
    item_base=_maybe(item_bases()),
    reading_type=reading_types,
    market_context=_maybe(uris),
    oadr_sampling_rate=_maybe(
        st.builds(
            OadrSamplingRate,
            oadr_min_period=durations,
            oadr_max_period=durations,
            oadr_on_change=st.booleans(),
        )
    ),
)
reports = st.builds(
    OadrReport,
    dtstart=_maybe(instants),
    duration=_maybe(durations),
    intervals=_some(report_intervals),
    ei_report_id=_maybe(given_ids),
    oadr_report_descriptions=_some(descriptions),
    report_request_id=ids,
    report_specifier_id=ids,
    report_name=_maybe(
        st.sampled_from(["TELEMETRY_USAGE", "METADATA_TELEMETRY_STATUS"]) | extensions
    ),
    created_date_time=instants,
)
report_requests = st.builds(
    OadrReportRequest,
    report_request_id=ids,
    report_specifier=st.builds(
        ReportSpecifier,
        report_specifier_id=ids,
        granularity=durations,
        report_back_duration=durations,
        report_interval=_maybe(windows),
        specifier_payloads=_some(
            st.builds(
                SpecifierPayload,
                r_id=ids,
                item_base=_maybe(item_bases()),
                reading_type=reading_types,
            ),
            least=1,
        ),
    ),
)

profiles = st.builds(
    OadrProfile,
    oadr_profile_name=st.sampled_from(["2.0a", "2.0b"]),
    oadr_transports=_some(st.sampled_from(["simpleHttp", "xmpp"]), least=1),
)
_infos = st.builds(OadrInfo, oadr_key=texts, oadr_value=texts)
_ven = _maybe(given_ids)
_cancel_reports = st.builds(
    OadrCancelReport,
    request_id=ids,
    report_request_ids=_some(ids, least=1),
    report_to_follow=st.booleans(),
    ven_id=_ven,
)

BY_KIND: Final[dict[type[Message], st.SearchStrategy[Message]]] = {
    OadrDistributeEvent: st.builds(
        OadrDistributeEvent,
        ei_response=_maybe(answers),
        request_id=ids,
        vtn_id=ids,
        oadr_events=_some(events),
    ),
    OadrCreatedEvent: st.builds(
        OadrCreatedEvent,
        ei_response=answers,
        event_responses=_some(
            st.builds(
                EventResponse,
                response_code=codes,
                response_description=_maybe(texts),
                request_id=ids,
                qualified_event_id=qualified_event_ids,
                opt_type=st.sampled_from(OptType),
            )
        ),
        ven_id=ids,
    ),
    OadrRequestEvent: st.builds(
        OadrRequestEvent, request_id=ids, ven_id=ids, reply_limit=_maybe(whole)
    ),
    OadrResponse: st.builds(OadrResponse, ei_response=answers, ven_id=_ven),
    OadrCancelOpt: st.builds(OadrCancelOpt, request_id=ids, opt_id=ids, ven_id=ids),
    OadrCanceledOpt: st.builds(OadrCanceledOpt, ei_response=answers, opt_id=_maybe(given_ids)),
    OadrCreateOpt: st.builds(
        OadrCreateOpt,
        opt_id=ids,
        opt_type=st.sampled_from(OptType),
        opt_reason=st.sampled_from(["economic", "x-schedule"]) | extensions,
        market_context=_maybe(uris),
        ven_id=ids,
        vavailability=_maybe(_some(windows)),
        created_date_time=instants,
        request_id=ids,
        qualified_event_id=_maybe(qualified_event_ids),
        ei_target=targets,
        oadr_device_class=_maybe(targets),
    ),
    OadrCreatedOpt: st.builds(OadrCreatedOpt, ei_response=answers, opt_id=ids),
    OadrCancelReport: _cancel_reports,
    OadrCanceledReport: st.builds(
        OadrCanceledReport, ei_response=answers, oadr_pending_reports=_some(ids), ven_id=_ven
    ),
    OadrCreateReport: st.builds(
        OadrCreateReport,
        request_id=ids,
        oadr_report_requests=_some(report_requests, least=1),
        ven_id=_ven,
    ),
    OadrCreatedReport: st.builds(
        OadrCreatedReport, ei_response=answers, oadr_pending_reports=_some(ids), ven_id=_ven
    ),
    OadrRegisterReport: st.builds(
        OadrRegisterReport,
        request_id=ids,
        oadr_reports=_some(reports),
        ven_id=_ven,
        report_request_id=_maybe(given_ids),
    ),
    OadrRegisteredReport: st.builds(
        OadrRegisteredReport,
        ei_response=answers,
        oadr_report_requests=_some(report_requests),
        ven_id=_ven,
    ),
    OadrUpdateReport: st.builds(
        OadrUpdateReport, request_id=ids, oadr_reports=_some(reports), ven_id=_ven
    ),
    OadrUpdatedReport: st.builds(
        OadrUpdatedReport,
        ei_response=answers,
        oadr_cancel_report=_maybe(_cancel_reports),
        ven_id=_ven,
    ),
    OadrCancelPartyRegistration: st.builds(
        OadrCancelPartyRegistration, request_id=ids, registration_id=ids, ven_id=_ven
    ),
    OadrCanceledPartyRegistration: st.builds(
        OadrCanceledPartyRegistration,
        ei_response=answers,
        registration_id=_maybe(given_ids),
        ven_id=_ven,
    ),
    OadrCreatePartyRegistration: st.builds(
        OadrCreatePartyRegistration,
        request_id=ids,
        registration_id=_maybe(given_ids),
        ven_id=_ven,
        oadr_profile_name=st.sampled_from(["2.0a", "2.0b"]),
        oadr_transport_name=st.sampled_from(["simpleHttp", "xmpp"]),
        oadr_transport_address=_maybe(texts),
        oadr_report_only=st.booleans(),
        oadr_xml_signature=st.booleans(),
        oadr_ven_name=_maybe(texts),
        oadr_http_pull_model=_maybe(st.booleans()),
    ),
    OadrCreatedPartyRegistration: st.builds(
        OadrCreatedPartyRegistration,
        ei_response=answers,
        registration_id=_maybe(given_ids),
        ven_id=_ven,
        vtn_id=ids,
        oadr_profiles=_some(profiles, least=1),
        oadr_requested_oadr_poll_freq=_maybe(durations),
        oadr_service_specific_info=_some(
            st.builds(
                OadrService,
                oadr_service_name=st.sampled_from(
                    ["EiEvent", "EiOpt", "EiReport", "EiRegisterParty", "OadrPoll"]
                ),
                oadr_infos=_some(_infos, least=1),
            )
        ),
        oadr_extensions=_some(
            st.builds(OadrExtension, oadr_extension_name=texts, oadr_infos=_some(_infos))
        ),
    ),
    OadrRequestReregistration: st.builds(OadrRequestReregistration, ven_id=ids),
    OadrQueryRegistration: st.builds(OadrQueryRegistration, request_id=ids),
    OadrPoll: st.builds(OadrPoll, ven_id=ids),
}
"""One strategy per message."""

messages: st.SearchStrategy[Message] = st.sampled_from(list(BY_KIND)).flatmap(BY_KIND.__getitem__)
