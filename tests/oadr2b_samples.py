"""The values behind the golden documents in ``tests/data/oadr2b``, by file name."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

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

NOW: Final = datetime(2026, 5, 3, 16, 0, tzinfo=UTC)
START: Final = datetime(2026, 5, 3, 23, 30, tzinfo=UTC)
OK_R1: Final = EiResponse(response_code="200", response_description="OK", request_id="r1")
GRID_60: Final = PowerAttributes(hertz=Decimal(60), voltage=Decimal("34500"), ac=True)
KILOWATT: Final = ItemBase(
    name="powerReal",
    item_description="RealPower",
    item_units="W",
    si_scale_code="k",
    power_attributes=GRID_60,
)
_FEED: Final = (
    '<atom:feed xmlns:atom="http://www.w3.org/2005/Atom"><atom:id>urn:uuid:1</atom:id><atom:title>Usage</atom:title>'
    "<atom:updated>2026-05-03T16:00:00Z</atom:updated></atom:feed>"
)


def _area(number: int) -> RawXml:
    return RawXml(
        xml=f'<gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml/3.2" gml:id="area{number}"><gml:location>'
        f'<gml:Polygon gml:id="ring{number}"><gml:exterior><gml:LinearRing><gml:posList>33.4 -112.1 33.5 -112.0'
        "</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:location></gml:FeatureCollection>"
    )


def _step(position: int, value: str, minutes: int = 60) -> SignalInterval:
    return SignalInterval(
        duration=timedelta(minutes=minutes), uid=str(position), signal_payload=Decimal(value)
    )


def dispatch(event_id: str = "ev-300mw", status: EventStatus = EventStatus.FAR) -> OadrEvent:
    """Return a plain event: hold 225 MW for three hours."""
    return OadrEvent(
        ei_event=EiEvent(
            event_descriptor=EventDescriptor(
                event_id=event_id,
                modification_number=0,
                priority=1,
                ei_market_context="http://utility.example/fast-dr",
                created_date_time=NOW,
                event_status=status,
                test_event="false",
                vtn_comment="hold 225 MW",
            ),
            ei_active_period=EiActivePeriod(
                dtstart=START, duration=timedelta(hours=3), x_ei_notification=timedelta(hours=1)
            ),
            ei_event_signals=(
                EiEventSignal(
                    intervals=(_step(0, "225000"), _step(1, "225000"), _step(2, "230000.5")),
                    signal_name="LOAD_DISPATCH",
                    signal_type=SignalType.SETPOINT,
                    signal_id="sig-1",
                    item_base=KILOWATT,
                    current_value=Decimal(0),
                ),
            ),
            ei_target=EiTarget(ven_ids=("ven-1",), resource_ids=("phx-1",)),
        ),
        oadr_response_required=ResponseRequired.ALWAYS,
    )


_EVERYTHING: Final = OadrEvent(
    ei_event=EiEvent(
        event_descriptor=EventDescriptor(
            event_id="ev-full",
            modification_number=3,
            modification_date_time=datetime(2026, 5, 3, 15, 59, 30, 250000, tzinfo=UTC),
            modification_reason="longer",
            priority=0,
            ei_market_context="http://utility.example/cbp",
            created_date_time=NOW,
            event_status=EventStatus.ACTIVE,
            test_event="true",
            vtn_comment='<b>"free" & text</b>',
        ),
        ei_active_period=EiActivePeriod(
            dtstart=START,
            duration=timedelta(0),
            startafter=timedelta(minutes=5),
            x_ei_notification=timedelta(days=1, hours=2),
            x_ei_ramp_up=timedelta(minutes=-15),
            x_ei_recovery=timedelta(minutes=20),
        ),
        ei_event_signals=(
            EiEventSignal(
                intervals=(_step(0, "2", 0),),
                signal_name="SIMPLE",
                signal_type=SignalType.LEVEL,
                signal_id="sig-simple",
                current_value=Decimal(2),
            ),
            EiEventSignal(
                intervals=(_step(0, "-0.125", 0),),
                ei_target=EiTarget(
                    end_device_assets=("Managed_Commercial_and_Industrial_Loads", "EVSE")
                ),
                signal_name="x-carbon",
                signal_type=SignalType.DELTA,
                signal_id="sig-x",
                item_base=ItemBase(
                    name="customUnit",
                    item_description="carbon",
                    item_units="kg",
                    si_scale_code="none",
                ),
            ),
        ),
        ei_event_baseline=EiEventBaseline(
            dtstart=START,
            duration=timedelta(hours=1),
            intervals=(_step(0, "300000", 30), _step(1, "299000", 30)),
            baseline_id="base-1",
            resource_ids=("phx-1", "phx-2"),
            baseline_name="same day",
            item_base=KILOWATT,
        ),
        ei_target=EiTarget(
            aggregated_pnodes=("AZ-1",),
            end_device_assets=("Storage",),
            meter_assets=("meter-1",),
            pnodes=("node-1", "node-2"),
            service_areas=(_area(1),),
            service_delivery_points=("sdp-1",),
            service_locations=(_area(2),),
            transport_interfaces=(
                TransportInterface(point_of_receipt="west", point_of_delivery="east"),
            ),
            group_ids=("g1",),
            group_names=("Group one",),
            resource_ids=("phx-1",),
            ven_ids=("ven-1",),
            party_ids=("party-1",),
        ),
    ),
    oadr_response_required=ResponseRequired.NEVER,
)


def _unit(name: str, description: str, units: str, scale: str | None = "none") -> ItemBase:
    return ItemBase(
        name=name,
        item_description=description,
        item_units=units,
        si_scale_code=scale,
        power_attributes=GRID_60 if name.startswith("power") else None,
        pulse_factor=Decimal("0.01") if name == "pulseCount" else None,
    )


UNITS: Final = (
    _unit("voltage", "Voltage", "V", "k"),
    _unit("energyReal", "RealEnergy", "Wh", "M"),
    _unit("energyReactive", "ReactiveEnergy", "VARh", "k"),
    _unit("energyApparent", "ApparentEnergy", "VAh", "k"),
    _unit("powerReal", "RealPower", "J/s", "M"),
    _unit("powerReactive", "ReactivePower", "VAR", "micro"),
    _unit("powerApparent", "ApparentPower", "VA", "G"),
    _unit("current", "Current", "A"),
    _unit("frequency", "Frequency", "Hz"),
    _unit("currency", "currency", "USD"),
    _unit("currencyPerKW", "currencyPerKW", "USD"),
    _unit("currencyPerKWh", "currencyPerKWh", "EUR"),
    _unit("currencyPerThm", "currency", "USD"),
    _unit("temperature", "temperature", "celsius"),
    _unit("Therm", "Therm", "thm"),
    _unit("pulseCount", "pulse count", "count", None),
    _unit("customUnit", "work", "tokens per second", "k"),
    ItemBase(name="oadrGBDataDescription", atom_feed=RawXml(xml=_FEED)),
)

_METADATA: Final = OadrReport(
    duration=timedelta(hours=2),
    oadr_report_descriptions=(
        OadrReportDescription(
            r_id="power",
            report_subject=EiTarget(end_device_assets=("Managed_Commercial_and_Industrial_Loads",)),
            report_data_source=EiTarget(resource_ids=("phx-1",)),
            report_type="usage",
            item_base=KILOWATT,
            reading_type="Direct Read",
            market_context="http://utility.example/fast-dr",
            oadr_sampling_rate=OadrSamplingRate(
                oadr_min_period=timedelta(seconds=10),
                oadr_max_period=timedelta(minutes=15),
                oadr_on_change=False,
            ),
        ),
        *(
            OadrReportDescription(
                r_id=unit.name, report_type="x-any", item_base=unit, reading_type="x-notApplicable"
            )
            for unit in UNITS
        ),
    ),
    report_request_id="0",
    report_specifier_id="usage-1",
    report_name="METADATA_TELEMETRY_USAGE",
    created_date_time=NOW,
)

_STATUS: Final = OadrPayloadResourceStatus(
    oadr_online=True,
    oadr_manual_override=False,
    oadr_load_control_state=OadrLoadControlState(
        oadr_capacity=OadrLoadControlStateType(
            oadr_min=Decimal(0),
            oadr_max=Decimal(300000),
            oadr_current=Decimal("225000.25"),
            oadr_normal=Decimal(290000),
        ),
        oadr_level_offset=OadrLoadControlStateType(oadr_current=Decimal(2)),
        oadr_percent_offset=OadrLoadControlStateType(oadr_current=Decimal("-12.5")),
        oadr_set_point=OadrLoadControlStateType(oadr_current=Decimal(225)),
    ),
)

_DATA: Final = (
    OadrReport(
        dtstart=START,
        duration=timedelta(minutes=2),
        intervals=(
            ReportInterval(
                dtstart=START,
                duration=timedelta(minutes=1),
                uid="0",
                oadr_report_payloads=(
                    OadrReportPayload(
                        r_id="power",
                        confidence=100,
                        accuracy=Decimal("0.5"),
                        payload_float=Decimal("224998.75"),
                        oadr_data_quality="Quality Good - Non Specific",
                    ),
                    OadrReportPayload(r_id="energy", payload_float=Decimal("3749.979166667")),
                ),
            ),
            ReportInterval(
                dtstart=START + timedelta(minutes=1),
                duration=timedelta(minutes=1),
                uid="1",
                oadr_report_payloads=(
                    OadrReportPayload(
                        r_id="power",
                        payload_float=Decimal(0),
                        oadr_data_quality="Quality Bad - Comm Failure",
                    ),
                ),
            ),
        ),
        ei_report_id="rep-1",
        report_request_id="req-1",
        report_specifier_id="usage-1",
        report_name="TELEMETRY_USAGE",
        created_date_time=NOW,
    ),
    OadrReport(
        dtstart=START,
        intervals=(
            ReportInterval(
                dtstart=START,
                oadr_report_payloads=(
                    OadrReportPayload(r_id="status", oadr_payload_resource_status=_STATUS),
                ),
            ),
            ReportInterval(oadr_gb_payloads=(RawXml(xml=_FEED),)),
        ),
        report_request_id="req-2",
        report_specifier_id="status-1",
        created_date_time=NOW,
    ),
)

_REQUEST: Final = OadrReportRequest(
    report_request_id="req-1",
    report_specifier=ReportSpecifier(
        report_specifier_id="usage-1",
        granularity=timedelta(minutes=1),
        report_back_duration=timedelta(minutes=2),
        report_interval=WsCalendarInterval(dtstart=START, duration=timedelta(hours=3)),
        specifier_payloads=(
            SpecifierPayload(r_id="power"),
            SpecifierPayload(r_id="energy", item_base=UNITS[1], reading_type="Direct Read"),
        ),
    ),
)
_CANCEL_REPORT: Final = OadrCancelReport(
    request_id="r1",
    report_request_ids=("req-1", "req-2"),
    report_to_follow=True,
    ven_id="ven-1",
)

SAMPLES: Final[dict[str, Message]] = {
    "oadrPoll": OadrPoll(ven_id="ven-1"),
    "oadrResponse": OadrResponse(ei_response=OK_R1, ven_id="ven-1"),
    "oadrResponse_empty_queue": OadrResponse(ei_response=EiResponse(request_id="")),
    "oadrQueryRegistration": OadrQueryRegistration(request_id="r1"),
    "oadrCreatePartyRegistration": OadrCreatePartyRegistration(
        request_id="r1",
        registration_id="reg-1",
        ven_id="ven-1",
        oadr_transport_address="https://gateway.example:8443",
        oadr_ven_name="Phoenix <east> & west",
        oadr_xml_signature=True,
        oadr_http_pull_model=False,
    ),
    "oadrCreatedPartyRegistration": OadrCreatedPartyRegistration(
        ei_response=OK_R1,
        registration_id="reg-1",
        ven_id="ven-1",
        vtn_id="vtn-1",
        oadr_profiles=(
            OadrProfile(oadr_profile_name="2.0a", oadr_transports=("simpleHttp",)),
            OadrProfile(oadr_profile_name="2.0b", oadr_transports=("simpleHttp", "xmpp")),
        ),
        oadr_requested_oadr_poll_freq=timedelta(seconds=10),
        oadr_service_specific_info=(
            OadrService(
                oadr_service_name="EiEvent",
                oadr_infos=(OadrInfo(oadr_key="overlap", oadr_value="allowed"),),
            ),
        ),
        oadr_extensions=(
            OadrExtension(
                oadr_extension_name="x-site",
                oadr_infos=(OadrInfo(oadr_key="mw", oadr_value="300"),),
            ),
            OadrExtension(oadr_extension_name="x-bare"),
        ),
    ),
    "oadrCancelPartyRegistration": OadrCancelPartyRegistration(
        request_id="r1", registration_id="reg-1", ven_id="ven-1"
    ),
    "oadrCanceledPartyRegistration": OadrCanceledPartyRegistration(
        ei_response=OK_R1, registration_id="reg-1", ven_id="ven-1"
    ),
    "oadrRequestReregistration": OadrRequestReregistration(ven_id="ven-1"),
    "oadrRequestEvent": OadrRequestEvent(request_id="r1", ven_id="ven-1", reply_limit=5),
    "oadrDistributeEvent": OadrDistributeEvent(
        ei_response=OK_R1, request_id="r2", vtn_id="vtn-1", oadr_events=(dispatch(),)
    ),
    "oadrDistributeEvent_none": OadrDistributeEvent(request_id="r2", vtn_id="vtn-1"),
    "oadrDistributeEvent_everything": OadrDistributeEvent(
        request_id="r2", vtn_id="vtn-1", oadr_events=(_EVERYTHING, dispatch())
    ),
    "oadrCreatedEvent": OadrCreatedEvent(
        ei_response=EiResponse(request_id=""),
        event_responses=(
            EventResponse(
                response_description="OK",
                request_id="r2",
                qualified_event_id=QualifiedEventId(event_id="ev-300mw", modification_number=0),
                opt_type=OptType.OPT_IN,
            ),
            EventResponse(
                response_code="460",
                request_id="r2",
                qualified_event_id=QualifiedEventId(event_id="ev-full", modification_number=3),
                opt_type=OptType.OPT_OUT,
            ),
        ),
        ven_id="ven-1",
    ),
    "oadrRegisterReport": OadrRegisterReport(
        request_id="r1", oadr_reports=(_METADATA,), ven_id="ven-1", report_request_id="meta-1"
    ),
    "oadrRegisteredReport": OadrRegisteredReport(
        ei_response=OK_R1, oadr_report_requests=(_REQUEST,), ven_id="ven-1"
    ),
    "oadrCreateReport": OadrCreateReport(
        request_id="r1", oadr_report_requests=(_REQUEST,), ven_id="ven-1"
    ),
    "oadrCreatedReport": OadrCreatedReport(
        ei_response=OK_R1, oadr_pending_reports=("req-1", "req-2"), ven_id="ven-1"
    ),
    "oadrUpdateReport": OadrUpdateReport(request_id="r1", oadr_reports=_DATA, ven_id="ven-1"),
    "oadrUpdatedReport": OadrUpdatedReport(
        ei_response=OK_R1, oadr_cancel_report=_CANCEL_REPORT, ven_id="ven-1"
    ),
    "oadrCancelReport": _CANCEL_REPORT,
    "oadrCanceledReport": OadrCanceledReport(ei_response=OK_R1, ven_id="ven-1"),
    "oadrCreateOpt_schedule": OadrCreateOpt(
        opt_id="opt-1",
        opt_type=OptType.OPT_OUT,
        opt_reason="x-maintenance",
        market_context="http://utility.example/fast-dr",
        ven_id="ven-1",
        vavailability=(
            WsCalendarInterval(dtstart=START, duration=timedelta(hours=2)),
            WsCalendarInterval(dtstart=START + timedelta(days=1), duration=timedelta(0)),
        ),
        created_date_time=NOW,
        request_id="r1",
        ei_target=EiTarget(resource_ids=("phx-1",)),
        oadr_device_class=EiTarget(end_device_assets=("Storage",)),
    ),
    "oadrCreateOpt_event": OadrCreateOpt(
        opt_id="opt-2",
        opt_type=OptType.OPT_IN,
        opt_reason="economic",
        ven_id="ven-1",
        created_date_time=NOW,
        request_id="r1",
        qualified_event_id=QualifiedEventId(event_id="ev-300mw", modification_number=0),
        ei_target=EiTarget(),
    ),
    "oadrCreatedOpt": OadrCreatedOpt(ei_response=OK_R1, opt_id="opt-1"),
    "oadrCancelOpt": OadrCancelOpt(request_id="r1", opt_id="opt-1", ven_id="ven-1"),
    "oadrCanceledOpt": OadrCanceledOpt(ei_response=OK_R1, opt_id="opt-1"),
}
"""One message of every kind at least."""
