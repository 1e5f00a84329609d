"""EiRegisterParty, a VEN under test: query, bootstrap, agreed ids, registration again (2.0b section 8.4)."""

from datetime import timedelta

from conformance.kit.case import Start, Timing, case
from conformance.kit.checks.flow import answers, field, never, on_right_path, sends
from conformance.kit.checks.polling import polls_on_time
from conformance.kit.checks.registration import (
    CREATE,
    CREATED,
    FIRST,
    PERSISTENT,
    bootstraps,
    given_registration,
    given_ven,
    keeps_ids,
    registers_without_ids,
    silent_unregistered,
)
from conformance.kit.oadr20b.build import tag
from conformance.kit.oadr20b.conditions import delivered, exchanged, received
from conformance.kit.oadr20b.registration import request_reregistration
from conformance.kit.observations import exchanges, mark_set, reached, sent
from conformance.kit.stage import VenStage, edits
from conformance.kit.xml import Element

PATIENCE = timedelta(minutes=2)
_REPORTS = "oadrRegisterReport"
_QUERY = "oadrQueryRegistration"


async def _settled(stage: VenStage) -> None:
    """Wait until a fresh device has registered itself and its reports and asked for its events."""
    await stage.until(received(CREATE), PATIENCE, "register")
    await stage.until(received("oadrRequestEvent"), PATIENCE, "ask for its events")
    await stage.until(received(_REPORTS), PATIENCE, "register its reports")
    await stage.sleep(timedelta(seconds=65))
    stage.mark("settled")


@case(
    id="OADR20B-VEN-REG-010",
    title="A query before registration registers nothing",
    purpose="Exposes a VEN that takes the answer to a query for a registration.",
    public=("N1_0010", "N0_5010"),
    applies_if="VEN-REG-QUERY",
    requirements=("REQ-OADR20B-8.4-1", "REQ-OADR20B-R517-1"),
    checks=(
        silent_unregistered(),
        sends(CREATE, requirement="REQ-OADR20B-8.4-1", after="queried"),
    ),
    observations=(sent(_QUERY), reached(CREATED), mark_set("queried")),
    start=Start.FRESH,
    mutants=("query-registers", "query-forgets-to-register"),
)
async def query_first(stage: VenStage) -> None:
    """Let the device ask, answer without ids, and see it register."""
    await stage.until(received(_QUERY), PATIENCE, "query the registration")
    stage.mark("queried")
    await stage.maybe(received(CREATE), PATIENCE, "register")
    await stage.sleep(timedelta(seconds=35))


@case(
    id="OADR20B-VEN-REG-015",
    title="A query while registered changes nothing",
    purpose="Exposes a VEN that registers again, or loses its ids, after a query.",
    public=("N1_0015", "N0_5015"),
    applies_if="VEN-REG-QUERY",
    requirements=("REQ-OADR20B-8.4-1", "REQ-OADR20B-8.4.1-1"),
    checks=(
        sends(_QUERY, requirement="REQ-OADR20B-8.4-1", after="case.prepared"),
        never((CREATE,), requirement="REQ-OADR20B-8.4-1", after="case.prepared"),
        keeps_ids(),
    ),
    observations=(sent(_QUERY), reached(CREATED), mark_set("answered")),
    needs=("query",),
    mutants=("query-registers-again",),
)
async def query_registered(stage: VenStage) -> None:
    """Have the device ask, answer with its ids, and watch two periods."""
    await stage.driver.call("query")
    await stage.until(received(_QUERY), PATIENCE, "query the registration")
    stage.mark("answered")
    await stage.sleep(timedelta(seconds=31))


@case(
    id="OADR20B-VEN-REG-016",
    title="The requested poll period is kept",
    purpose="Exposes a VEN that polls by a period of its own.",
    public=("N1_0015",),
    requirements=("REQ-OADR20B-T0015-1", "REQ-OADR20B-R500-1"),
    checks=(polls_on_time(),),
    observations=(sent("oadrPoll", 5),),
    modes=("pull",),
    timing=Timing(poll=timedelta(seconds=17), lasts=timedelta(minutes=2)),
    mutants=("polls-at-own-period", "polls-twice-as-often"),
)
async def poll_period(stage: VenStage) -> None:
    """Watch seven periods of 17 seconds."""
    await stage.sleep(timedelta(seconds=119))


@case(
    id="OADR20B-VEN-REG-020",
    title="The bootstrap is whole and in order",
    purpose="Exposes a VEN that forgets its metadata or its events, or does not acknowledge the VTN's.",
    public=("N1_0020", "N0_5020"),
    requirements=(
        "REQ-OADR20B-8.4-2",
        "REQ-OADR20B-R309-1",
        "REQ-OADR20B-R405-1",
        "REQ-OADR20B-T0020-1",
        "REQ-OADR20B-8-1",
        "REQ-OADR20B-R517-1",
    ),
    checks=(
        registers_without_ids(),
        bootstraps(),
        silent_unregistered(),
        answers(_REPORTS, "oadrRegisteredReport", requirement="REQ-OADR20B-T0020-1"),
        sends(CREATE, requirement=FIRST),
        on_right_path(),
    ),
    observations=(sent(CREATE), sent(_REPORTS), reached(_REPORTS), mark_set("settled")),
    start=Start.FRESH,
    mutants=(
        "no-metadata",
        "no-event-request",
        "asks-before-metadata",
        "ignores-vtn-metadata",
        "registers-by-invented-id",
        "registers-on-wrong-path",
    ),
)
async def bootstrap(stage: VenStage) -> None:
    """Start the device and watch."""
    await _settled(stage)


@case(
    id="OADR20B-VEN-REG-025",
    title="A venID agreed beforehand is used",
    purpose="Exposes a VEN that does not send its agreed venID, or uses another afterwards.",
    public=("N1_0025", "N0_5025"),
    applies_if="VEN-REG-PREALLOCATED",
    requirements=("REQ-OADR20B-8.4-2", "REQ-OADR20B-8.4.1-1"),
    checks=(registers_without_ids(ven_id="agreed-ven-7"), keeps_ids()),
    observations=(sent(CREATE), exchanges(3), mark_set("settled")),
    start=Start.FRESH,
    facts=(("ven_id", "agreed-ven-7"),),
    mutants=("no-agreed-id", "polls-by-name"),
)
async def agreed_id(stage: VenStage) -> None:
    """Start the device with an agreed venID."""
    stage.utility.expect_ven_id("agreed-ven-7")
    await _settled(stage)


@case(
    id="OADR20B-VEN-REG-050",
    title="A VTN may ask for registration again",
    purpose="Exposes a VEN that ignores oadrRequestReregistration, or registers afresh on it.",
    public=("N1_0050", "N0_5050"),
    requirements=("REQ-OADR20B-8.4.1-2", "REQ-OADR20B-8.4.1-1"),
    checks=(
        sends("oadrResponse", requirement="REQ-OADR20B-8.4.1-2", after="case.prepared"),
        field("oadrResponse", ".//ei:responseCode", "200", requirement="REQ-OADR20B-8.4.1-2"),
        sends(CREATE, requirement="REQ-OADR20B-8.4.1-2", after="case.prepared"),
        field(
            CREATE,
            "ei:registrationID",
            given_registration,
            requirement=PERSISTENT,
            after="case.prepared",
        ),
        field(CREATE, "ei:venID", given_ven, requirement=PERSISTENT, after="case.prepared"),
    ),
    observations=(reached("oadrRequestReregistration"), sent(CREATE), sent("oadrResponse")),
    mutants=("ignores-reregistration", "reregisters-afresh", "no-answer-to-reregistration"),
)
async def reregistration(stage: VenStage) -> None:
    """Ask for registration and wait for both answers."""
    stage.utility.request_reregistration()
    await stage.until(delivered("oadrRequestReregistration"), PATIENCE, "take the request")
    await stage.maybe(received("oadrResponse"), PATIENCE, "answer oadrResponse")
    here = stage.transcript.mark("case.prepared")
    await stage.maybe(
        received(CREATE, after=here.number if here else 0), PATIENCE, "register again"
    )
    await stage.sleep(timedelta(seconds=15))


@case(
    id="OADR20B-VEN-REG-052",
    title="A request for registration with another venID is refused",
    purpose="Exposes a VEN that does not compare the venID of oadrRequestReregistration.",
    requirements=("REQ-OADR20B-R512-5",),
    checks=(
        never((CREATE,), requirement="REQ-OADR20B-R512-5", after="case.prepared"),
        field("oadrResponse", ".//ei:responseCode", "452", requirement="REQ-OADR20B-R512-5"),
    ),
    observations=(
        reached("oadrRequestReregistration"),
        sent("oadrResponse", after_mark="asked"),
        exchanges(1, after_mark="asked"),
    ),
    mutants=("reregisters-for-anybody",),
)
async def reregistration_of_another(stage: VenStage) -> None:
    """Ask another VEN, whose id differs by case alone, to register again."""
    mistaken = stage.utility.ven_id.upper()
    stage.mark("asked")
    stage.utility.send(request_reregistration(mistaken), wrong="the venID in other case")
    await stage.until(delivered("oadrRequestReregistration"), PATIENCE, "take the request")
    await stage.sleep(timedelta(seconds=31))


@case(
    id="OADR20B-VEN-REG-060",
    title="A new registration replaces the present one",
    purpose="Exposes a VEN that keeps its old ids, or does not register its reports again.",
    public=("N1_0060", "N0_5060"),
    applies_if="VEN-REG-AFRESH",
    requirements=(
        "REQ-OADR20B-R406-1",
        "REQ-OADR20B-8.4.1-1",
        "REQ-OADR20B-R309-1",
        "REQ-OADR20B-R405-1",
    ),
    checks=(
        field(CREATE, "ei:registrationID", "", requirement="REQ-OADR20B-R406-1", after="afresh"),
        bootstraps(),
        keeps_ids(after="afresh"),
    ),
    observations=(sent(CREATE), exchanges(2, after_mark="registered")),
    needs=("register",),
    mutants=("afresh-keeps-ids", "afresh-without-metadata", "afresh-old-ven-id"),
)
async def afresh(stage: VenStage) -> None:
    """Have the device register without its ids and give it new ones."""
    stage.mark("afresh")
    await stage.driver.call("register", afresh="yes")
    here = stage.transcript.all_marks("afresh")[-1].number
    await stage.until(received(CREATE, after=here), PATIENCE, "register afresh")
    stage.mark("registered")
    await stage.sleep(timedelta(seconds=65))


@case(
    id="OADR20B-VEN-REG-065",
    title="A registration again carries the ids in force",
    purpose="Exposes a VEN that registers again as if it were new.",
    public=("N1_0065", "N0_5065"),
    requirements=("REQ-OADR20B-8.4.1-1",),
    checks=(
        field(
            CREATE,
            "ei:registrationID",
            given_registration,
            requirement=PERSISTENT,
            after="case.prepared",
        ),
        field(CREATE, "ei:venID", given_ven, requirement=PERSISTENT, after="case.prepared"),
        keeps_ids(),
    ),
    observations=(sent(CREATE), reached(CREATED)),
    needs=("register",),
    mutants=("reregisters-afresh", "reregisters-without-ven-id"),
)
async def again(stage: VenStage) -> None:
    """Have the device register again."""
    await stage.driver.call("register", afresh="no")
    here = stage.transcript.mark("case.prepared")
    await stage.until(
        received(CREATE, after=here.number if here else 0), PATIENCE, "register again"
    )
    await stage.sleep(timedelta(seconds=31))


@case(
    id="OADR20B-VEN-REG-066",
    title="A new poll period takes effect",
    purpose="Exposes a VEN that keeps the poll period of its first registration.",
    requirements=("REQ-OADR20B-T0015-1", "REQ-OADR20B-R500-1"),
    checks=(polls_on_time(timedelta(seconds=20), after="faster"),),
    observations=(sent("oadrPoll", 5, after_mark="faster"),),
    modes=("pull",),
    timing=Timing(poll=timedelta(seconds=12), lasts=timedelta(minutes=3)),
    mutants=("keeps-first-period",),
)
async def new_period(stage: VenStage) -> None:
    """Ask for registration and answer it with a period of 20 in place of 10 seconds."""

    def slower(message: Element) -> None:
        found = message.find(f"{tag('oadr:oadrRequestedOadrPollFreq')}/{tag('xcal:duration')}")
        if found is not None:
            found.text = "P0DT0H0M20S"

    stage.utility.answer_next(CREATE, edits(slower, wrong=""))
    stage.utility.request_reregistration()
    here = stage.transcript.mark("case.prepared")
    await stage.until(
        received(CREATE, after=here.number if here else 0), PATIENCE, "register again"
    )
    await stage.until(exchanged(2, after=_last(stage)), PATIENCE, "poll")
    stage.mark("faster")
    await stage.sleep(timedelta(seconds=125))


def _last(stage: VenStage) -> int:
    return stage.transcript.messages[-1].number
