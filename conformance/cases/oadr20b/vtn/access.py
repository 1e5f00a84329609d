"""Who may speak to a VTN, and in which message the others are refused (2.0b rules 500, 512 and 517)."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from conformance.kit.case import Case, Start, case
from conformance.kit.checks.vtn import counts, replies
from conformance.kit.oadr20b import build, ven_build
from conformance.kit.oadr20b import registration as party
from conformance.kit.oadr20b.event import simple
from conformance.kit.oadr20b.report import ReportRequest
from conformance.kit.oadr20b.ven_build import EventResponse
from conformance.kit.oadr20b.vtn_acts import settle
from conformance.kit.observations import sent
from conformance.kit.stage import VtnStage
from conformance.kit.xml import Element

_STRANGER = "REQ-OADR20B-R517-52"
_WRONG_ID = "REQ-OADR20B-R517-53"
_OTHER = "REQ-OADR20B-9.2.1.1-51"
_HOUR = timedelta(hours=1)
Make = Callable[[str, str, datetime], Element]
"""requestID, venID, now -> message."""


def _update(request_id: str, ven_id: str, now: datetime) -> Element:
    return ven_build.update_report(
        request_id,
        ven_id,
        report_request="r1",
        specifier="usage",
        name="TELEMETRY_USAGE",
        start=now - _HOUR,
        step=_HOUR,
        values=[("power", Decimal(5))],
        now=now,
    )


def _opt(request_id: str, ven_id: str, now: datetime) -> Element:
    return ven_build.create_opt(
        "opt-1",
        "optOut",
        ven_id=ven_id,
        request_id=request_id,
        now=now,
        windows=((now + _HOUR, _HOUR),),
    )


def _create_report(request_id: str, ven_id: str, _: datetime) -> Element:
    return build.create_report(request_id, [ReportRequest(id="m1", specifier="METADATA")], ven_id)


def _created_event(request_id: str, ven_id: str, _: datetime) -> Element:
    row = EventResponse(event_id="e1", version=0, request_id=request_id)
    return ven_build.created_event(ven_id, [row])


MESSAGES: Mapping[str, tuple[str, Make]] = {
    "oadrPoll": ("oadrResponse", lambda _, ven, __: party.poll(ven)),
    "oadrRequestEvent": ("oadrDistributeEvent", lambda q, ven, _: party.request_event(q, ven)),
    "oadrCreatedEvent": ("oadrResponse", _created_event),
    "oadrRegisterReport": (
        "oadrRegisteredReport",
        lambda q, ven, _: build.register_report(q, (), ven),
    ),
    "oadrUpdateReport": ("oadrUpdatedReport", _update),
    "oadrCreateReport": ("oadrCreatedReport", _create_report),
    "oadrCancelReport": ("oadrCanceledReport", lambda q, v, _: build.cancel_report(q, ["r1"], v)),
    "oadrCreateOpt": ("oadrCreatedOpt", _opt),
    "oadrCancelOpt": (
        "oadrCanceledOpt",
        lambda q, ven, _: ven_build.cancel_opt("opt-1", ven_id=ven, request_id=q),
    ),
}
"""What a VEN may ask, with the message that answers it."""


def _stranger(number: int, name: str) -> Case:
    answer, make = MESSAGES[name]

    @case(
        id=f"OADR20B-VTN-ACC-{number:03}",
        title=f"{name} of an unregistered VEN gets 463 in {answer}",
        purpose=f"Exposes a VTN that serves an unregistered VEN, or refuses {name} by a message of another kind.",
        public=("N1_0080", "N0_5080"),
        requirements=(_STRANGER,),
        checks=(
            replies(name, answer, "463", requirement=_STRANGER),
            counts(
                answer, 0, requirement=_STRANGER, path="oadr:oadrEvent | oadr:oadrReportRequest"
            ),
        ),
        observations=(sent(answer),),
        start=Start.FRESH,
        mutants=(f"vtn-refuses-{name.removeprefix('oadr').lower()}-otherwise",),
    )
    async def ask(stage: VtnStage) -> None:
        """Ask without a registration."""
        element = make(stage.ven.request_id(), "nobody", stage.now)
        await stage.ven.send(element, wrong="not registered")

    return ask


def _wrong_id(number: int, name: str) -> Case:
    answer, make = MESSAGES[name]

    @case(
        id=f"OADR20B-VTN-ACC-{number:03}",
        title=f"{name} with a wrong venID gets 452 in {answer}",
        purpose=f"Exposes a VTN that does not compare the venID of {name} with the registration.",
        public=("A_E3_0780", "A_E2_0780") if name == "oadrCreatedEvent" else (),
        requirements=(_WRONG_ID,),
        checks=(
            replies(name, answer, "452", requirement=_WRONG_ID, after="known"),
            replies("oadrQueryRegistration", _CREATED, "200", requirement=_WRONG_ID),
        ),
        observations=(sent(answer, after_mark="known"), sent(_CREATED)),
        needs=("create_event", "request_report"),
        mutants=("vtn-takes-any-ven-id",),
    )
    async def ask(stage: VtnStage) -> None:
        """Ask with a venID that nobody has for what the VEN itself might ask, then query."""
        await stage.publish(simple("e1", stage.now + _HOUR, _HOUR))
        await stage.request_report(ReportRequest(id="r1", specifier="usage", points=("power",)))
        await settle(stage)
        stage.mark("known")
        element = make(stage.ven.request_id(), "no-such-ven", stage.now)
        await stage.ven.send(element, wrong="an unknown venID")
        await stage.ven.send(party.query_registration(stage.ven.request_id()))

    return ask


_CREATED = "oadrCreatedPartyRegistration"

poll_of_stranger = _stranger(10, "oadrPoll")
request_event_of_stranger = _stranger(11, "oadrRequestEvent")
created_event_of_stranger = _stranger(12, "oadrCreatedEvent")
register_report_of_stranger = _stranger(13, "oadrRegisterReport")
update_report_of_stranger = _stranger(14, "oadrUpdateReport")
create_report_of_stranger = _stranger(15, "oadrCreateReport")
cancel_report_of_stranger = _stranger(16, "oadrCancelReport")
create_opt_of_stranger = _stranger(17, "oadrCreateOpt")
cancel_opt_of_stranger = _stranger(18, "oadrCancelOpt")
poll_with_wrong_id = _wrong_id(30, "oadrPoll")
request_event_with_wrong_id = _wrong_id(31, "oadrRequestEvent")
created_event_with_wrong_id = _wrong_id(32, "oadrCreatedEvent")
update_report_with_wrong_id = _wrong_id(34, "oadrUpdateReport")
create_opt_with_wrong_id = _wrong_id(37, "oadrCreateOpt")


@case(
    id="OADR20B-VTN-ACC-040",
    title="venIDs are compared with regard to case",
    purpose="Exposes a VTN that takes a venID in swapped case for the registered one.",
    public=("E1_1080", "E0_6080"),
    requirements=("REQ-OADR20B-R512-51",),
    checks=(replies("oadrPoll", "oadrResponse", "452", "200", requirement="REQ-OADR20B-R512-51"),),
    observations=(sent("oadrResponse", 2),),
    mutants=("vtn-ignores-case-of-ven-id",),
)
async def swapped_case(stage: VtnStage) -> None:
    """Poll with the id in swapped case, then with the right one."""
    await stage.ven.send(party.poll(stage.ven.ven_id.swapcase()), wrong="the venID's case")
    await stage.ven.poll()


@case(
    id="OADR20B-VTN-ACC-050",
    title="A VEN cannot speak for another one",
    purpose="Exposes a VTN that believes the venID in the body without looking at the certificate.",
    public=("CFX2B-SEC-06",),
    requirements=(_OTHER,),
    checks=(replies("oadrPoll", "oadrResponse", "463", "200", requirement=_OTHER, after="both"),),
    observations=(sent("oadrResponse", 2, after_mark="both"),),
    mutants=("vtn-believes-the-body",),
)
async def in_anothers_name(stage: VtnStage) -> None:
    """Register a second VEN, let it poll in the name of the first, then let the first one poll."""
    other = await stage.another_ven("second-ven")
    await other.register()
    if stage.mode == "pull":
        await other.drain()
    stage.mark("both")
    await other.send(party.poll(stage.ven.ven_id), wrong="the venID of another certificate")
    await stage.ven.poll()


@case(
    id="OADR20B-VTN-ACC-051",
    title="A VEN cannot take another one's id by registering",
    purpose="Exposes a VTN that hands a registration over to whoever names its venID.",
    public=("CFX2B-SEC-06",),
    requirements=(_OTHER,),
    checks=(
        replies("oadrCreatePartyRegistration", _CREATED, "4", requirement=_OTHER),
        replies("oadrPoll", "oadrResponse", "200", requirement=_OTHER),
    ),
    observations=(sent(_CREATED), sent("oadrResponse")),
    mutants=("vtn-hands-registration-over",),
)
async def takes_anothers_id(stage: VtnStage) -> None:
    """Let a second VEN register with the venID of the first, then let the first one poll."""
    other = await stage.another_ven("second-ven")
    element = party.create_registration(
        other.request_id(),
        name="second-ven",
        pull=stage.mode == "pull",
        address=other.address,
        ven_id=stage.ven.ven_id,
    )
    await other.send(element, wrong="the venID of another certificate")
    await stage.ven.poll()


@case(
    id="OADR20B-VTN-ACC-052",
    title="A VEN cannot cancel another one's registration",
    purpose="Exposes a VTN that ends a registration for whoever knows its ids.",
    public=("CFX2B-SEC-06",),
    requirements=(_OTHER,),
    checks=(
        replies(
            "oadrCancelPartyRegistration",
            "oadrCanceledPartyRegistration",
            "4",
            requirement=_OTHER,
        ),
        replies("oadrPoll", "oadrResponse", "200", requirement=_OTHER, after="both"),
    ),
    observations=(
        sent("oadrCanceledPartyRegistration"),
        sent("oadrResponse", after_mark="both"),
    ),
    suspends=("RULE-2B-026",),
    mutants=("vtn-lets-anyone-cancel",),
)
async def cancels_another(stage: VtnStage) -> None:
    """Let a second VEN cancel the first one's registration, then let the first one poll."""
    other = await stage.another_ven("second-ven")
    await other.register()
    if stage.mode == "pull":
        await other.drain()
    stage.mark("both")
    ven = stage.ven
    element = party.cancel_registration(other.request_id(), ven.registration_id, ven.ven_id)
    await other.send(element, wrong="the ids of another certificate")
    await ven.poll()
