"""Lists and links: pages, changes in mid-walk, moved resources, unknown content, poll rates (clauses 4.5 to 4.7)."""

from datetime import timedelta

from lxml import etree

from conformance.kit.case import Start
from conformance.kit.replies import edits, status
from conformance.kit.sep2.acts import ASSIGNMENT, MINUTE, announce, run_through
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.events import responds, timely
from conformance.kit.sep2.checks.walk import follows, polls, reads_all, reads_every
from conformance.kit.sep2.conditions import read
from conformance.kit.sep2.observations import control_seen, read_seen, response_seen
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import Program, limit
from conformance.kit.xml import Element

ONE_DEVICE = ("der", "csipaus")
_PAGES = "REQ-SEP2-4.6-1"
_LENIENT = "REQ-SEP2-5.1-1"
_AGAIN = "REQ-SEP2-4.5-1"
_POLL = "REQ-SEP2-10.2.2-1"
_SOON = "REQ-SEP2-10.2.2-2"
_RATE = "REQ-SEP2-10.2.2-3"
_REDIRECT = "REQ-SEP2-5.5-1"
_RSP = "REQ-SEP2-8.8-1"


@case(
    id="SEP2-CLI-LST-001",
    title="A server that shows one member at a time",
    purpose="Exposes a client that takes the first page for the whole list.",
    requirements=(_PAGES, _RSP),
    checks=(
        responds("three", 1, 2, 3, requirement=_PAGES),
        timely("three", 1, "published", requirement=_PAGES, late=timedelta(seconds=90)),
        responds("one", 1, 2, 3, requirement=_RSP),
    ),
    observations=(control_seen("one"), response_seen("one", 3)),
    modes=ONE_DEVICE,
    facts=(("page", "1"), ("strangers", "0")),
    mutants=("reads-first-page-alone",),
)
async def one_at_a_time(stage: ClientStage) -> None:
    """Publish three controls."""
    stage.mark("published", at=stage.now)
    rows = [
        announce(stage, name, limit(60), ahead=(2 + 2 * place) * MINUTE)
        for place, name in enumerate(("one", "two", "three"))
    ]
    await run_through(stage, rows[-1])


@case(
    id="SEP2-CLI-LST-002",
    title="Forty programs, ten at a time",
    purpose="Exposes a client that reads no more than two pages, or the same one again.",
    requirements=(_PAGES,),
    checks=(reads_every("DERControlList", 40, requirement=_PAGES),),
    observations=(read_seen("DERProgramList", 4),),
    modes=ONE_DEVICE,
    facts=(("page", "10"),),
    mutants=("reads-two-pages",),
)
async def forty(stage: ClientStage) -> None:
    """Add programs without defaults."""
    for n in range(40):
        stage.utility.put_program(
            Program(id=f"p{n}", primacy=20 + n, default=None), assigned=ASSIGNMENT
        )
    await stage.sleep(2 * MINUTE)


@case(
    id="SEP2-CLI-LST-003",
    title="Its own EndDevice is the last of three, one at a time",
    purpose="Exposes a client that takes the first EndDevice of the list for its own.",
    public=("CORE-009",),
    requirements=(_PAGES,),
    checks=(reads_all("FunctionSetAssignmentsList", "DERControlList", requirement=_PAGES),),
    observations=(read_seen("EndDeviceList", 3),),
    start=Start.FRESH,
    modes=ONE_DEVICE,
    facts=(("page", "1"),),
    mutants=("takes-first-device", "reads-first-page-alone"),
)
async def last_of_three(stage: ClientStage) -> None:
    """Let it start and find itself."""
    await stage.until(read("EndDeviceList", times=3), 2 * MINUTE, "read the list of EndDevices")
    await stage.sleep(MINUTE)


def _strange(root: Element) -> None:
    """Add an element and an attribute that nobody knows behind everything else."""
    for element in root.iter(etree.Element):
        if len(element):
            etree.SubElement(element, "{urn:example:later}later").text = "1"
            element.set("{urn:example:later}kind", "x")


@case(
    id="SEP2-CLI-LST-004",
    title="What it does not know is skipped",
    purpose="Exposes a client that stumbles over elements and attributes of later editions.",
    requirements=(_LENIENT,),
    checks=(responds("one", 1, 2, 3, requirement=_LENIENT),),
    observations=(control_seen("one"), response_seen("one", 3)),
    modes=ONE_DEVICE,
    mutants=("refuses-unknown-elements",),
)
async def unknown_content(stage: ClientStage) -> None:
    """Add strange things to every list of programs and controls."""
    reply = edits(_strange, wrong="elements of a later edition")
    for name in ("DERProgramList", "DERControlList", "DERControl", "DefaultDERControl"):
        stage.utility.answer_always(f"GET {name}", reply)
    await run_through(stage, announce(stage, "one", limit(60)))


def _small(root: Element) -> None:
    for element in root.iter("{*}lFDI", "{*}mRID"):
        element.text = (element.text or "").lower()


@case(
    id="SEP2-CLI-LST-005",
    title="Hex in small letters is read like any other",
    purpose="Exposes a client that compares identifiers letter by letter.",
    requirements=(_LENIENT,),
    checks=(reads_all("DERControlList", requirement=_LENIENT),),
    observations=(read_seen("EndDeviceList"),),
    start=Start.FRESH,
    modes=ONE_DEVICE,
    mutants=("compares-letters",),
)
async def small_letters(stage: ClientStage) -> None:
    """Serve LFDIs in small letters."""
    stage.utility.answer_always("GET EndDeviceList", edits(_small, wrong="hex in small letters"))
    await stage.until(read("EndDeviceList"), 2 * MINUTE, "read the list of EndDevices")
    await stage.sleep(2 * MINUTE)


@case(
    id="SEP2-CLI-LST-006",
    title="Everything has moved: it is found again from the entry on",
    purpose="Exposes a client that keeps asking where nothing is any more.",
    requirements=(_AGAIN,),
    checks=(reads_all("DERProgramList", "DERControlList", requirement=_AGAIN, after="moved"),),
    observations=(read_seen("DERProgramList"), read_seen("DeviceCapability")),
    modes=ONE_DEVICE,
    facts=(("walk_s", "86400"),),
    mutants=("never-walks-again",),
)
async def moved(stage: ClientStage) -> None:
    """Give lists of assignments and programs new places."""
    for name in ("FunctionSetAssignmentsList", "DERProgramList", "DERProgram", "DERControlList"):
        stage.utility.move(name)
    stage.mark("moved")
    await stage.sleep(6 * MINUTE)


@case(
    id="SEP2-CLI-LST-007",
    title="A new pollRate is followed",
    purpose="Exposes a client that keeps the pollRate that it read first.",
    public=("ALL-20",),
    requirements=(_RATE, _SOON),
    checks=(
        polls("DERProgramList", 3 * MINUTE, requirement=_RATE, too_often=_RATE, after="slower"),
    ),
    observations=(read_seen("DERProgramList", 3, after="slower"),),
    modes=ONE_DEVICE,
    lasts=14 * MINUTE,
    mutants=("keeps-first-rate",),
)
async def new_rate(stage: ClientStage) -> None:
    """Have it poll a third as often."""
    stage.utility.set_rates(poll_s=180)
    await stage.until(read("DERProgramList", times=2), 3 * MINUTE, "read the new pollRate")
    await stage.sleep(timedelta(seconds=5))
    stage.mark("slower")
    await stage.sleep(10 * MINUTE)


@case(
    id="SEP2-CLI-LST-008",
    title="A redirect is followed",
    purpose="Exposes a client that takes a redirect for a failure.",
    public=("ERR-001",),
    requirements=(_REDIRECT,),
    checks=(follows("redirected", requirement=_REDIRECT),),
    observations=(control_seen("one"), response_seen("one", 3)),
    modes=ONE_DEVICE,
    mutants=("follows-no-redirect",),
)
async def redirected(stage: ClientStage) -> None:
    """Answer for the list of controls that it lies elsewhere."""
    where = f"{stage.utility.href('DERControlList', 'program')}?s=0&l=50"
    stage.utility.answer_next("GET DERControlList", status(307, ("Location", where), wrong=""))
    stage.mark("redirected", location=where)
    await run_through(stage, announce(stage, "one", limit(60)))


@case(
    id="SEP2-CLI-LST-009",
    title="pollRate 0 stands for 900 seconds",
    purpose="Exposes a client that polls without end when the rate is 0.",
    public=("GEN.013",),
    requirements=(_SOON, _POLL),
    checks=(
        polls("DERProgramList", 15 * MINUTE, requirement=_POLL, too_often=_SOON, after="zero"),
    ),
    observations=(read_seen("DERProgramList", 2, after="zero"),),
    modes=ONE_DEVICE,
    lasts=50 * MINUTE,
    mutants=("takes-zero-for-often",),
)
async def zero(stage: ClientStage) -> None:
    """Set the rate to 0."""
    stage.utility.set_rates(poll_s=0)
    await stage.until(read("DERProgramList", times=2), 3 * MINUTE, "read the new pollRate")
    await stage.sleep(timedelta(seconds=5))
    stage.mark("zero")
    await stage.sleep(46 * MINUTE)
