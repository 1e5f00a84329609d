"""EiRegisterParty, a VTN under test: bootstrap, ids, re-registration, cancellation (2.0b section 8.4)."""

from datetime import timedelta

from conformance.kit.case import Start, case
from conformance.kit.checks.vtn import echoes, keeps, replies, sends_after, shows
from conformance.kit.oadr20b import registration as party
from conformance.kit.oadr20b.vtn_acts import alive, settle
from conformance.kit.observations import mark_set, sent
from conformance.kit.stage import VtnStage

_CREATED = "oadrCreatedPartyRegistration"
_CANCELED = "oadrCanceledPartyRegistration"
_CREATE = "oadrCreatePartyRegistration"
_CANCEL = "oadrCancelPartyRegistration"
_QUERY = "oadrQueryRegistration"
_POLL_FREQ = "oadr:oadrRequestedOadrPollFreq/xcal:duration"


async def _create(
    stage: VtnStage, registration_id: str = "", ven_id: str = "", wrong: str = ""
) -> None:
    """Send one oadrCreatePartyRegistration with these ids and keep what comes back."""
    ven = stage.ven
    found = await ven.send(
        party.create_registration(
            ven.request_id(),
            name=stage.value("ven_name"),
            pull=stage.mode == "pull",
            address=ven.address,
            registration_id=registration_id or None,
            ven_id=ven_id or None,
        ),
        wrong=wrong,
    )
    if found.text("ei:registrationID"):
        ven.ven_id = found.text("ei:venID")
        ven.registration_id = found.text("ei:registrationID")
        ven.vtn_id = found.text("ei:vtnID")


@case(
    id="OADR20B-VTN-REG-010",
    title="A query before registration gives no ids",
    purpose="Exposes a VTN that registers on a query, or shows ids of nobody.",
    public=("N1_0010", "N0_5010"),
    requirements=("REQ-OADR20B-8.4-51", "REQ-OADR20B-8.4-52"),
    checks=(
        replies(_QUERY, _CREATED, "200", requirement="REQ-OADR20B-8.4-51"),
        shows(
            "query", "ei:registrationID | ei:venID", requirement="REQ-OADR20B-8.4-52", name=_CREATED
        ),
    ),
    observations=(sent(_CREATED, 2),),
    start=Start.FRESH,
    mutants=("vtn-query-shows-ids",),
)
async def query_before(stage: VtnStage) -> None:
    """Query twice: the first query must have registered nothing."""
    await stage.ven.send(party.query_registration(stage.ven.request_id()))
    stage.mark("query")
    await stage.ven.send(party.query_registration(stage.ven.request_id()))


@case(
    id="OADR20B-VTN-REG-015",
    title="A query while registered gives the ids in force",
    purpose="Exposes a VTN that forgets, or changes, the registration when it is asked.",
    public=("N1_0015", "N0_5015"),
    requirements=("REQ-OADR20B-8.4-53",),
    checks=(
        replies(_QUERY, _CREATED, "200", requirement="REQ-OADR20B-8.4-53"),
        keeps(
            "query",
            _CREATED,
            "ei:registrationID",
            "ei:venID",
            "ei:vtnID",
            requirement="REQ-OADR20B-8.4-53",
        ),
    ),
    observations=(sent(_CREATED),),
    mutants=("vtn-query-hides-ids",),
)
async def query_after(stage: VtnStage) -> None:
    """Query."""
    stage.mark("query")
    await stage.ven.send(party.query_registration(stage.ven.request_id()))


@case(
    id="OADR20B-VTN-REG-020",
    title="Bootstrap",
    purpose="Exposes a VTN that registers no reports of its own, gives no poll period, or leaves a message unanswered.",
    public=("N1_0020", "N0_5020"),
    requirements=("REQ-OADR20B-8.4-54", "REQ-OADR20B-8.3.2-51", "REQ-OADR20B-R50-51"),
    checks=(
        replies(_CREATE, _CREATED, "200", requirement="REQ-OADR20B-8.4-54"),
        replies(
            "oadrRegisterReport", "oadrRegisteredReport", "200", requirement="REQ-OADR20B-8.3.2-51"
        ),
        replies("oadrRequestEvent", "oadrDistributeEvent", "200", requirement="REQ-OADR20B-R50-51"),
        sends_after("begin", "oadrRegisterReport", requirement="REQ-OADR20B-8.3.2-51"),
    ),
    observations=(
        sent(_CREATED),
        sent("oadrRegisteredReport"),
        sent("oadrDistributeEvent"),
        mark_set("done"),
    ),
    start=Start.FRESH,
    mutants=("vtn-offers-no-reports",),
)
async def bootstrap(stage: VtnStage) -> None:
    """Register, offer reports, ask for events, take what the VTN has to say."""
    stage.mark("begin")
    await stage.ven.register()
    await settle(stage)
    stage.mark("done")


@case(
    id="OADR20B-VTN-REG-022",
    title="A pull VEN is told how often to poll",
    purpose="Exposes a VTN that leaves oadrRequestedOadrPollFreq out.",
    public=("N1_0020",),
    requirements=("REQ-OADR20B-8.4-54",),
    checks=(replies(_CREATE, _CREATED, "200", requirement="REQ-OADR20B-8.4-54"),),
    observations=(sent(_CREATED),),
    start=Start.FRESH,
    modes=("pull",),
    mutants=("vtn-gives-no-poll-period",),
)
async def poll_period(stage: VtnStage) -> None:
    """Register."""
    await _create(stage)


@case(
    id="OADR20B-VTN-REG-025",
    title="A venID agreed beforehand is kept",
    purpose="Exposes a VTN that gives a venID of its own although one was agreed.",
    public=("N1_0025", "N0_5025"),
    requirements=("REQ-OADR20B-T0025-51",),
    checks=(
        replies(_CREATE, _CREATED, "200", requirement="REQ-OADR20B-T0025-51"),
        echoes(_CREATE, _CREATED, "ei:venID", requirement="REQ-OADR20B-T0025-51"),
    ),
    observations=(sent(_CREATED),),
    applies_if="VTN-PREALLOCATED",
    start=Start.FRESH,
    mutants=("vtn-ignores-agreed-id",),
)
async def agreed_id(stage: VtnStage) -> None:
    """Register with the venID that was agreed."""
    await _create(stage, ven_id=stage.value("preallocated_ven_id"))


@case(
    id="OADR20B-VTN-REG-030",
    title="A VEN cancels its registration",
    purpose="Exposes a VTN that does not give the ids back, or goes on serving the VEN.",
    public=("N1_0030", "N0_5030"),
    requirements=("REQ-OADR20B-8.4-55", "REQ-OADR20B-R407-51"),
    checks=(
        replies(_CANCEL, _CANCELED, "200", requirement="REQ-OADR20B-8.4-55"),
        echoes(
            _CANCEL,
            _CANCELED,
            "ei:registrationID",
            "ei:venID",
            requirement="REQ-OADR20B-8.4-55",
        ),
        replies("oadrPoll", "oadrResponse", "463", requirement="REQ-OADR20B-R407-51", after="gone"),
    ),
    observations=(sent(_CANCELED), sent("oadrResponse", after_mark="gone")),
    mutants=("vtn-cancel-keeps-registration", "vtn-cancel-without-ids"),
)
async def ven_cancels(stage: VtnStage) -> None:
    """Cancel, then poll."""
    ven = stage.ven
    await ven.send(party.cancel_registration(ven.request_id(), ven.registration_id, ven.ven_id))
    stage.mark("gone")
    await ven.send(party.poll(ven.ven_id), wrong="not registered any more")


@case(
    id="OADR20B-VTN-REG-040",
    title="The VTN cancels a registration",
    purpose="Exposes a VTN that cannot end a registration, or serves the VEN afterwards.",
    public=("N1_0040", "N0_5040"),
    requirements=("REQ-OADR20B-8.4-56", "REQ-OADR20B-R407-51"),
    checks=(
        sends_after("ask", _CANCEL, requirement="REQ-OADR20B-8.4-56"),
        replies("oadrPoll", "oadrResponse", "463", requirement="REQ-OADR20B-R407-51", after="gone"),
    ),
    observations=(sent(_CANCEL), sent("oadrResponse", after_mark="gone")),
    needs=("cancel_registration",),
    mutants=("vtn-ends-without-forgetting", "vtn-cancels-other-registration"),
)
async def vtn_cancels(stage: VtnStage) -> None:
    """Have the operator cancel, answer, then poll."""
    stage.mark("ask")
    await stage.cancel_registration()
    if stage.mode == "pull":
        await stage.ven.answer(await stage.ven.poll())
    else:
        await settle(stage)
    stage.mark("gone")
    await stage.ven.send(party.poll(stage.ven.ven_id), wrong="not registered any more")


@case(
    id="OADR20B-VTN-REG-050",
    title="The VTN asks for re-registration",
    purpose="Exposes a VTN that cannot ask, or that changes the ids when the VEN complies.",
    public=("N1_0050", "N0_5050"),
    requirements=("REQ-OADR20B-8.4.1-51", "REQ-OADR20B-8.4.1-52"),
    checks=(
        sends_after("ask", "oadrRequestReregistration", requirement="REQ-OADR20B-8.4.1-51"),
        replies(_CREATE, _CREATED, "200", requirement="REQ-OADR20B-8.4.1-52"),
        echoes(
            _CREATE, _CREATED, "ei:registrationID", "ei:venID", requirement="REQ-OADR20B-8.4.1-52"
        ),
    ),
    observations=(sent("oadrRequestReregistration"), sent(_CREATED)),
    needs=("request_reregistration",),
    mutants=("vtn-reregistration-to-nobody",),
)
async def reregistration_asked(stage: VtnStage) -> None:
    """Have the operator ask; the VEN registers with its ids."""
    stage.mark("ask")
    await stage.request_reregistration()
    await settle(stage)
    await alive(stage)


@case(
    id="OADR20B-VTN-REG-060",
    title="A new registration while registered starts afresh",
    purpose="Exposes a VTN that refuses a VEN which lost its ids, or does not register its reports again.",
    public=("N1_0060", "N0_5060"),
    requirements=("REQ-OADR20B-R406-51",),
    checks=(
        replies(_CREATE, _CREATED, "200", requirement="REQ-OADR20B-R406-51"),
        sends_after("afresh", "oadrRegisterReport", requirement="REQ-OADR20B-R406-51"),
        replies(
            "oadrPoll", "oadrResponse", "200", requirement="REQ-OADR20B-R406-51", after="settled"
        ),
    ),
    observations=(sent(_CREATED), sent("oadrResponse", after_mark="settled")),
    mutants=("vtn-refuses-second-registration",),
)
async def afresh(stage: VtnStage) -> None:
    """Register without ids once more and go on with what comes back."""
    stage.ven.registration_id = stage.ven.ven_id = ""
    stage.mark("afresh")
    await stage.ven.register()
    await settle(stage)
    stage.mark("settled")
    await stage.ven.poll()


@case(
    id="OADR20B-VTN-REG-065",
    title="Re-registration with the ids keeps them",
    purpose="Exposes a VTN that gives new ids although the VEN named its own.",
    public=("N1_0065", "N0_5065"),
    requirements=("REQ-OADR20B-8.4.1-52",),
    checks=(
        replies(_CREATE, _CREATED, "200", requirement="REQ-OADR20B-8.4.1-52"),
        echoes(
            _CREATE, _CREATED, "ei:registrationID", "ei:venID", requirement="REQ-OADR20B-8.4.1-52"
        ),
    ),
    observations=(sent(_CREATED, 2),),
    mutants=("vtn-reregistration-new-ids",),
)
async def same_ids(stage: VtnStage) -> None:
    """Register twice more with the ids in force."""
    for _ in range(2):
        await _create(stage, stage.ven.registration_id, stage.ven.ven_id)
        await stage.sleep(timedelta(seconds=1))


@case(
    id="OADR20B-VTN-REG-067",
    title="A registration with an unknown registrationID is refused",
    purpose="Exposes a VTN that takes any registrationID.",
    requirements=("REQ-OADR20B-R517-51",),
    checks=(
        replies(_CREATE, _CREATED, "452", "200", requirement="REQ-OADR20B-R517-51"),
        replies("oadrPoll", "oadrResponse", "200", requirement="REQ-OADR20B-R517-51"),
    ),
    observations=(sent(_CREATED, 2), sent("oadrResponse")),
    mutants=("vtn-takes-any-registration-id",),
)
async def unknown_registration(stage: VtnStage) -> None:
    """Register with an invented registrationID, then with the right one, then poll."""
    registration, ven_id = stage.ven.registration_id, stage.ven.ven_id
    await _create(stage, "no-such-registration", ven_id, "an unknown registrationID")
    await _create(stage, registration, ven_id)
    await stage.ven.poll()


@case(
    id="OADR20B-VTN-REG-070",
    title="A cancellation with wrong ids is refused and changes nothing",
    purpose="Exposes a VTN that ends a registration without looking at the ids.",
    public=("N1_0070", "N0_5070"),
    requirements=("REQ-OADR20B-T0070-51",),
    checks=(
        replies(_CANCEL, _CANCELED, "452", "452", "200", requirement="REQ-OADR20B-T0070-51"),
        replies("oadrPoll", "oadrResponse", "200", requirement="REQ-OADR20B-T0070-51"),
    ),
    observations=(sent(_CANCELED, 3), sent("oadrResponse")),
    suspends=("RULE-2B-026",),
    mutants=("vtn-cancels-any-registration",),
)
async def wrong_cancel(stage: VtnStage) -> None:
    """Cancel with a wrong registrationID, with a wrong venID, poll, then cancel with the right ones."""
    ven = stage.ven
    tries = (("no-such-registration", ven.ven_id), (ven.registration_id, "no-such-ven"))
    for registration_id, ven_id in tries:
        element = party.cancel_registration(ven.request_id(), registration_id, ven_id)
        await ven.send(element, wrong="an unknown id")
    await ven.poll()
    await ven.send(party.cancel_registration(ven.request_id(), ven.registration_id, ven.ven_id))
