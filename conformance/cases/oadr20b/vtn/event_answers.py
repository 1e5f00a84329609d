"""What VENs say of events, a VTN under test: several, late, changed, refused and wrong answers."""

from datetime import timedelta
from typing import Final

from conformance.kit.case import case
from conformance.kit.checks.ordered import order, records
from conformance.kit.checks.vtn import lists, replies
from conformance.kit.oadr20b import build, ven_build
from conformance.kit.oadr20b.event import Target, simple
from conformance.kit.oadr20b.ven_build import EventResponse
from conformance.kit.oadr20b.vtn_acts import look, say, settle, version_of
from conformance.kit.observations import mark_set, reached, sent
from conformance.kit.stage import VtnStage

_HOUR: Final = timedelta(hours=1)
_CREATED: Final = "oadrCreatedEvent"
_RESPONSE: Final = "oadrResponse"
_TAKES: Final = "REQ-OADR20B-R48-61"
_RECORDS: Final = "REQ-OADR20B-8.2.2-61"
_SEVERAL: Final = "REQ-OADR20B-R12-63"
_CHANGED: Final = "REQ-OADR20B-8.2.2-62"
_UNKNOWN: Final = "REQ-OADR20B-R48-62"
_OTHER_VERSION: Final = "REQ-OADR20B-R48-63"
_TOLERATES: Final = "REQ-OADR20B-T0750-61"
_ERROR: Final = "REQ-OADR20B-T0710-61"
_SILENCE: Final = "REQ-OADR20B-T6065-61"
_OPTIONAL: Final = "REQ-OADR20B-R1-61"
_SAID: Final = "said"


async def _begin(stage: VtnStage, *event_ids: str) -> None:
    """Have events ordered and let a silent VEN get them."""
    stage.ven.opt = ""
    for place, name in enumerate(event_ids, 1):
        await order(stage, simple(name, stage.now + 2 * place * _HOUR, _HOUR))
    await settle(stage)
    stage.mark(_SAID)


@case(
    id="OADR20B-VTN-EVT-430",
    title="An answer with a responseDescription is taken",
    purpose="Exposes a VTN that trips over the optional elements of an answer.",
    public=("A_E3_0430", "A_E2_0430"),
    requirements=(_OPTIONAL, _RECORDS),
    needs=("create_event", "state"),
    checks=(
        replies(_CREATED, _RESPONSE, "200", requirement=_OPTIONAL),
        records("e1", "optIn", requirement=_RECORDS),
    ),
    observations=(reached(_CREATED), sent(_RESPONSE)),
    mutants=("vtn-trips-over-descriptions",),
)
async def described(stage: VtnStage) -> None:
    """Answer with a description of the response."""
    await _begin(stage, "e1")
    row = EventResponse(event_id="e1", version=version_of(stage, "e1"), request_id="said")
    made = ven_build.created_event(stage.ven.ven_id, [row])
    for code in made.iterfind(f".//{build.tag('ei:eventResponse')}/{build.tag('ei:responseCode')}"):
        code.addnext(build.make("ei:responseDescription", "with pleasure"))
    await stage.ven.send(made)
    await stage.driver.state()


@case(
    id="OADR20B-VTN-EVT-440",
    title="optOut and optIn in one message are both taken",
    purpose="Exposes a VTN that reads the first eventResponse of a message only.",
    public=("A_E3_0440", "A_E2_0440"),
    requirements=(_SEVERAL, _TAKES),
    needs=("create_event", "state"),
    checks=(
        replies(_CREATED, _RESPONSE, "200", requirement=_TAKES),
        records("e1", "optOut", requirement=_SEVERAL),
        records("e2", "optIn", requirement=_SEVERAL),
    ),
    observations=(reached(_CREATED), sent(_RESPONSE)),
    mutants=("vtn-reads-the-first-answer-only",),
)
async def both_in_one(stage: VtnStage) -> None:
    """Leave one event and join another in one message."""
    await _begin(stage, "e1", "e2")
    await say(stage, ("e1", "optOut"), ("e2", "optIn"))
    await stage.driver.state()


@case(
    id="OADR20B-VTN-EVT-450",
    title="optOut and optIn in two messages are both taken",
    purpose="Exposes a VTN that waits for one message only.",
    public=("A_E3_0450", "A_E2_0450"),
    requirements=(_SEVERAL, _TAKES),
    needs=("create_event", "state"),
    checks=(
        replies(_CREATED, _RESPONSE, "200", requirement=_TAKES),
        records("e1", "optOut", requirement=_SEVERAL),
        records("e2", "optIn", requirement=_SEVERAL),
    ),
    observations=(reached(_CREATED, 2), sent(_RESPONSE, 2)),
    mutants=("vtn-takes-one-message-only",),
)
async def both_in_two(stage: VtnStage) -> None:
    """Leave one event, then join another."""
    await _begin(stage, "e1", "e2")
    await say(stage, ("e1", "optOut"))
    await say(stage, ("e2", "optIn"))
    await stage.driver.state()


@case(
    id="OADR20B-VTN-EVT-500",
    title="A change of mind is taken",
    purpose="Exposes a VTN that keeps the first answer of a VEN.",
    public=("A_E3_0500", "A_E2_0500"),
    requirements=(_CHANGED, _TAKES),
    needs=("create_event", "state"),
    checks=(
        replies(_CREATED, _RESPONSE, "200", requirement=_TAKES),
        records("e1", "optOut", requirement=_CHANGED),
    ),
    observations=(reached(_CREATED, 2), sent(_RESPONSE, 2)),
    mutants=("vtn-keeps-the-first-answer",),
)
async def changed(stage: VtnStage) -> None:
    """Join an event, and leave it ten minutes later without being asked."""
    await _begin(stage, "e1")
    await say(stage, ("e1", "optIn"))
    await stage.sleep(timedelta(minutes=10))
    await say(stage, ("e1", "optOut"))
    await stage.driver.state()


@case(
    id="OADR20B-VTN-EVT-065",
    title="An opt is taken although the VEN never answered the event",
    purpose="Exposes a VTN that cannot go on without an oadrCreatedEvent.",
    public=("E1_1065", "E0_6065"),
    requirements=(_SILENCE,),
    needs=("create_event", "state"),
    checks=(
        replies("oadrCreateOpt", "oadrCreatedOpt", "200", requirement=_SILENCE),
        records("e1", "optOut", requirement=_SILENCE),
    ),
    observations=(reached("oadrCreateOpt"), sent("oadrCreatedOpt")),
    mutants=("vtn-wants-an-answer-before-an-opt",),
)
async def silent_then_opt(stage: VtnStage) -> None:
    """Say nothing to an event, and leave it by oadrCreateOpt."""
    await _begin(stage, "e1")
    await stage.ven.send(
        ven_build.create_opt(
            "opt-1",
            "optOut",
            ven_id=stage.ven.ven_id,
            request_id=stage.ven.request_id(),
            now=stage.now,
            event=("e1", version_of(stage, "e1")),
            to=Target(ven_ids=(stage.ven.ven_id,)),
        )
    )
    await stage.driver.state()


@case(
    id="OADR20B-VTN-EVT-710",
    title="An application error of the VEN stops nothing",
    purpose="Exposes a VTN that gives up a VEN which reports an error.",
    public=("A_E3_0710", "A_E2_0710"),
    requirements=(_ERROR,),
    needs=("create_event",),
    checks=(
        replies(_CREATED, _RESPONSE, "200", requirement=_ERROR),
        lists("after", "e1", requirement=_ERROR),
    ),
    observations=(reached(_CREATED), mark_set("after"), sent("oadrDistributeEvent", 2)),
    mutants=("vtn-returns-errors",),
)
async def application_error(stage: VtnStage) -> None:
    """Refuse a whole distribution by 459, and ask again."""
    await _begin(stage, "e1")
    await stage.ven.send(ven_build.created_event(stage.ven.ven_id, [], code="459"))
    await look(stage, "after")


@case(
    id="OADR20B-VTN-EVT-750",
    title="A refused event stops nothing",
    purpose="Exposes a VTN that refuses the refusal of an event, or drops the event.",
    public=("A_E3_0750", "A_E2_0750"),
    requirements=(_TOLERATES, _RECORDS),
    needs=("create_event", "state"),
    checks=(
        replies(_CREATED, _RESPONSE, "200", requirement=_TOLERATES),
        records("e1", "optOut", requirement=_RECORDS),
        lists("after", "e1", requirement=_TOLERATES),
    ),
    observations=(reached(_CREATED), mark_set("after"), sent("oadrDistributeEvent", 2)),
    mutants=("vtn-refuses-refusals",),
)
async def refused(stage: VtnStage) -> None:
    """Refuse an event by 462 and optOut, and ask again."""
    await _begin(stage, "e1")
    await say(stage, ("e1", "optOut"), code="462")
    await stage.driver.state()
    await look(stage, "after")


@case(
    id="OADR20B-VTN-EVT-720",
    title="An answer to an unknown event is refused by 452",
    purpose="Exposes a VTN that takes answers to events which it never had.",
    public=("A_E3_0720", "A_E2_0720"),
    requirements=(_UNKNOWN,),
    needs=("create_event", "state"),
    checks=(
        replies(_CREATED, _RESPONSE, "452", requirement=_UNKNOWN),
        records("no-such-event", "", requirement=_UNKNOWN),
    ),
    observations=(reached(_CREATED), sent(_RESPONSE)),
    mutants=("vtn-knows-no-452-for-events",),
)
async def unknown_event(stage: VtnStage) -> None:
    """Answer an event that nobody has ordered."""
    await _begin(stage, "e1")
    await say(stage, ("no-such-event", "optIn"), wrong="an unknown eventID")
    await stage.driver.state()


@case(
    id="OADR20B-VTN-EVT-730",
    title="An answer to another version is refused by 450",
    purpose="Exposes a VTN that does not compare modificationNumbers.",
    public=("A_E3_0730", "A_E2_0730"),
    requirements=(_OTHER_VERSION,),
    needs=("create_event", "state"),
    checks=(
        replies(_CREATED, _RESPONSE, "450", requirement=_OTHER_VERSION),
        records("e1", "", requirement=_OTHER_VERSION),
    ),
    observations=(reached(_CREATED), sent(_RESPONSE)),
    mutants=("vtn-takes-answers-to-any-version",),
)
async def other_version(stage: VtnStage) -> None:
    """Answer an event seven versions ahead."""
    await _begin(stage, "e1")
    await say(
        stage, ("e1", "optIn"), later=7, wrong="a modificationNumber that was never distributed"
    )
    await stage.driver.state()
