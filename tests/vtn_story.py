"""A VTN core and VENs that talk to it without any wire, for tests."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from conformance.peers.event_spec import EventSpec, SignalSpec, Step
from gateway.protocols.oadr2b.messages import (
    EiResponse,
    EiTarget,
    EventResponse,
    Message,
    OadrCreatedEvent,
    OadrCreatedPartyRegistration,
    OadrCreatedReport,
    OadrCreateOpt,
    OadrCreatePartyRegistration,
    OadrCreateReport,
    OadrDistributeEvent,
    OadrPoll,
    OadrRegisteredReport,
    OadrRegisterReport,
    OadrReport,
    OadrReportDescription,
    OadrReportPayload,
    OadrResponse,
    OadrSamplingRate,
    OadrUpdateReport,
    OptType,
    QualifiedEventId,
    ReportInterval,
    SignalType,
)
from gateway.protocols.oadr2b.server import Vtn
from gateway.protocols.oadr2b.vtn_book import Turn, VtnOptions
from gateway.protocols.oadr2b.vtn_facts import Fact
from gateway.protocols.oadr2b.vtn_records import WantRecord
from tests.fakes import CountedIds

T0 = datetime(2026, 5, 3, 16, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
POLL = timedelta(seconds=10)
CONTEXT = "http://utility.example/fast-dr"
ONE = "59:4D:D8:CD:35:8E:E7:F7:86:94"
TWO = "00:11:22:33:44:55:66:77:88:99"
M = TypeVar("M")


def event(event_id: str = "e1", **changes: Any) -> EventSpec:
    """An hour at 500 kW, one hour from T0."""
    base = EventSpec(
        event_id=event_id,
        market_context=CONTEXT,
        start=T0 + HOUR,
        signals=(dispatch((HOUR, "500")),),
    )
    return replace(base, **changes)


def dispatch(*steps: tuple[timedelta, str]) -> SignalSpec:
    return SignalSpec(
        name="LOAD_DISPATCH",
        type=SignalType.SETPOINT,
        unit="kW",
        steps=tuple(Step(lasts=lasts, value=Decimal(value)) for lasts, value in steps),
    )


def simple(*steps: tuple[timedelta, str]) -> SignalSpec:
    return replace(dispatch(*steps), name="SIMPLE", type=SignalType.LEVEL, unit="")


def wish(want_id: str = "w1", **changes: Any) -> WantRecord:
    base = WantRecord(
        want_id=want_id,
        report_name="TELEMETRY_USAGE",
        granularity=MINUTE,
        report_back=MINUTE,
        lasts=timedelta(0),
    )
    return replace(base, **changes)


def usage_metadata(specifier: str = "usage", r_ids: tuple[str, ...] = ("power",)) -> OadrReport:
    return OadrReport(
        duration=HOUR,
        report_request_id="0",
        report_specifier_id=specifier,
        report_name="METADATA_TELEMETRY_USAGE",
        created_date_time=T0,
        oadr_report_descriptions=tuple(
            OadrReportDescription(
                r_id=r_id,
                report_type="usage",
                reading_type="Direct Read",
                oadr_sampling_rate=OadrSamplingRate(
                    oadr_min_period=MINUTE, oadr_max_period=MINUTE, oadr_on_change=False
                ),
            )
            for r_id in r_ids
        ),
    )


def only(kind: type[M], found: object) -> M:
    assert isinstance(found, kind), found
    return found


@dataclass
class Story:
    """One VTN; its clock is ``now``."""

    options: VtnOptions = field(default_factory=lambda: VtnOptions(vtn_id="utility"))
    now: datetime = T0
    facts: list[Fact] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ids = CountedIds()
        self.vtn = Vtn(self.options, self.ids)

    def later(self, by: timedelta = POLL) -> None:
        self.now += by

    def do(self, turn: Turn) -> Message | None:
        self.vtn.take(turn)
        self.facts.extend(turn.facts)
        return turn.reply

    def say(self, service: str, message: Message, peer: str = ONE) -> Message | None:
        return self.do(self.vtn.on_message(service, message, peer, self.now))

    def told(self, kind: type[M]) -> list[M]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def publish(self, spec: EventSpec) -> None:
        self.do(self.vtn.publish(spec.message(), spec.vens, self.now))

    def modify(self, spec: EventSpec) -> None:
        self.do(self.vtn.modify(spec.message(), self.now))

    def cancel(self, event_id: str) -> None:
        self.do(self.vtn.cancel(event_id, self.now))

    def want(self, record: WantRecord) -> None:
        self.do(self.vtn.want(record, self.now))


@dataclass
class Ven:
    """One VEN that has registered, and answered the VTN's metadata unless told otherwise."""

    story: Story
    peer: str = ONE
    ven_id: str = ""
    registration_id: str = ""

    def register(self, *, settle: bool = True, name: str = "ven") -> "Ven":
        created = only(
            OadrCreatedPartyRegistration,
            self.story.say(
                "EiRegisterParty",
                OadrCreatePartyRegistration(
                    request_id="r1", oadr_ven_name=name, oadr_http_pull_model=True
                ),
                self.peer,
            ),
        )
        assert created.ei_response.response_code == "200", created
        self.ven_id = created.ven_id or ""
        self.registration_id = created.registration_id or ""
        if settle:
            waiting = only(OadrRegisterReport, self.poll())
            self.say(
                "EiReport",
                OadrRegisteredReport(
                    ei_response=EiResponse(request_id=waiting.request_id), ven_id=self.ven_id
                ),
            )
        return self

    def say(self, service: str, message: Message) -> Message | None:
        return self.story.say(service, message, self.peer)

    def poll(self) -> Message | None:
        return self.say("OadrPoll", OadrPoll(ven_id=self.ven_id))

    def polled_events(self) -> OadrDistributeEvent:
        return only(OadrDistributeEvent, self.poll())

    def finds_nothing(self) -> bool:
        reply = only(OadrResponse, self.poll())
        return reply.ei_response == EiResponse(request_id="")

    def answer(
        self,
        event_id: str,
        version: int = 0,
        opt: OptType = OptType.OPT_IN,
        *,
        code: str = "200",
    ) -> str:
        """Answer one event; return the code that the VTN gives."""
        reply = self.say(
            "EiEvent",
            OadrCreatedEvent(
                ei_response=EiResponse(request_id=""),
                event_responses=(response(event_id, version, opt, code),),
                ven_id=self.ven_id,
            ),
        )
        return only(OadrResponse, reply).ei_response.response_code

    def offer(self, *reports: OadrReport) -> OadrRegisteredReport:
        message = OadrRegisterReport(request_id="offer", oadr_reports=reports, ven_id=self.ven_id)
        return only(OadrRegisteredReport, self.say("EiReport", message))

    def promise(self, request: OadrCreateReport) -> None:
        self.say(
            "EiReport",
            OadrCreatedReport(
                ei_response=EiResponse(request_id=request.request_id),
                oadr_pending_reports=tuple(
                    one.report_request_id for one in request.oadr_report_requests
                ),
                ven_id=self.ven_id,
            ),
        )

    def report(
        self, report_request_id: str, *values: str, start: datetime = T0, r_id: str = "power"
    ) -> Message | None:
        message = usage_update(self.ven_id, report_request_id, values, start=start, r_id=r_id)
        return self.say("EiReport", message)

    def opt_for(
        self, event_id: str, version: int, opt: OptType, target: EiTarget | None = None
    ) -> Message | None:
        return self.say(
            "EiOpt",
            OadrCreateOpt(
                opt_id="o1",
                opt_type=opt,
                opt_reason="economic",
                ven_id=self.ven_id,
                created_date_time=self.story.now,
                request_id="c1",
                qualified_event_id=QualifiedEventId(event_id=event_id, modification_number=version),
                ei_target=target or EiTarget(),
            ),
        )


def response(event_id: str, version: int, opt: OptType, code: str = "200") -> EventResponse:
    return EventResponse(
        response_code=code,
        request_id="any",
        qualified_event_id=QualifiedEventId(event_id=event_id, modification_number=version),
        opt_type=opt,
    )


def usage_update(
    ven_id: str,
    report_request_id: str,
    values: tuple[str, ...],
    *,
    start: datetime = T0,
    r_id: str = "power",
) -> OadrUpdateReport:
    """One value a minute, from ``start``."""
    report = OadrReport(
        dtstart=start,
        intervals=tuple(
            ReportInterval(
                duration=MINUTE,
                uid=str(uid),
                oadr_report_payloads=(
                    OadrReportPayload(
                        r_id=r_id,
                        payload_float=Decimal(value),
                        oadr_data_quality="Quality Good - Non Specific",
                    ),
                ),
            )
            for uid, value in enumerate(values)
        ),
        report_request_id=report_request_id,
        report_specifier_id="usage",
        report_name="TELEMETRY_USAGE",
        created_date_time=start,
    )
    return OadrUpdateReport(request_id="u1", oadr_reports=(report,), ven_id=ven_id)
