"""Lists of a server: pages, ends, order and cuts (CORE-004)."""

from datetime import timedelta

from conformance.kit.sep2.acts import ASSIGNMENT, MINUTE, PROGRAM
from conformance.kit.sep2.build import seconds
from conformance.kit.sep2.checks.answers import answered, answers, done_well
from conformance.kit.sep2.checks.paging import cut, ends, pages
from conformance.kit.sep2.server_acts import part
from conformance.kit.sep2.server_case import case
from conformance.kit.sep2.server_stage import ServerStage
from conformance.kit.sep2.serving_acts import aggregator, offer
from conformance.kit.sep2.values import Program, limit

_PAGES = "REQ-SEP2-4.6-51"
_ENDS = "REQ-SEP2-4.6-52"
_CUT = "REQ-SEP2-4.6-53"
_NUMBERS = "REQ-SEP2-4.6-54"
_HOUR = timedelta(hours=1)
CONTROLS = 5


async def _fill(stage: ServerStage) -> None:
    """Publish controls an hour apart, in no order."""
    for hours in (3, 1, 5, 2, 4):
        await offer(stage, f"c{hours}", limit(10 * hours), ahead=hours * _HOUR)


@case(
    id="SEP2-SRV-LST-001",
    title="A list of controls is read page by page",
    purpose="Exposes a server that leaves out or repeats members between pages, or miscounts.",
    public=("CORE-004",),
    requirements=(_PAGES,),
    checks=(
        answers("pages", 200, requirement=_PAGES),
        pages("DERControlList", CONTROLS, requirement=_PAGES, part="pages"),
    ),
    observations=(done_well("pages", CONTROLS + 3, got="DERControlList"),),
)
async def controls(stage: ServerStage) -> None:
    """Read five controls whole, one by one, and by two."""
    await _fill(stage)
    where = await stage.client.href("DERControlList", PROGRAM)
    await _read(stage, where, CONTROLS)


async def _read(stage: ServerStage, where: str, count: int) -> None:
    async with part(stage, "pages"):
        await stage.client.get(f"{where}?s=0&l=255")
        for size in (1, 2):
            for first in range(0, count, size):
                await stage.client.get(f"{where}?s={first}&l={size}")


@case(
    id="SEP2-SRV-LST-002",
    title="A list of programs is read page by page, the best first",
    purpose="Exposes a server that orders programs otherwise than by primacy, or pages before it orders.",
    public=("CORE-004", "CORE-011"),
    requirements=(_PAGES,),
    checks=(
        answers("pages", 200, requirement=_PAGES),
        pages("DERProgramList", 15, requirement=_PAGES, part="pages"),
    ),
    observations=(done_well("pages", 16, got="DERProgramList"),),
)
async def programs(stage: ServerStage) -> None:
    """Have fourteen programs more assigned, two of each primacy; read them whole and in pages."""
    for number in range(14):
        await stage.operator.put_program(
            Program(id=f"p{number}", primacy=20 - number // 2, default=limit(50)),
            assigned=ASSIGNMENT,
        )
    await _read(stage, await stage.client.href("DERProgramList"), 15)


@case(
    id="SEP2-SRV-LST-003",
    title="A list of EndDevices is read page by page",
    purpose="Exposes a server that shows an aggregator one page of its devices alone.",
    public=("CORE-004",),
    requirements=(_PAGES,),
    checks=(
        answers("pages", 200, requirement=_PAGES),
        pages("EndDeviceList", 13, requirement=_PAGES, part="pages"),
    ),
    observations=(done_well("pages", 14, got="EndDeviceList"),),
    needs=("register_aggregator",),
)
async def devices(stage: ServerStage) -> None:
    """Let an aggregator with twelve devices read its list whole and in pages."""
    found, _ = await aggregator(stage, 12)
    where = await found.href("EndDeviceList")
    async with part(stage, "pages"):
        await found.get(f"{where}?s=0&l=255")
        for first in range(13):
            await found.get(f"{where}?s={first}&l=1")


@case(
    id="SEP2-SRV-LST-004",
    title="Of a list nothing may be asked for, or what lies behind its end",
    purpose="Exposes a server that answers 404 for an empty page, or forgets how many there are.",
    public=("CORE-004",),
    requirements=(_ENDS,),
    checks=(
        answers("none", 200, requirement=_ENDS),
        ends("DERControlList", CONTROLS, requirement=_ENDS, part="none"),
    ),
    observations=(answered("none", 3, method="GET"),),
)
async def nothing(stage: ServerStage) -> None:
    """Ask for no members, for those behind the end, and for those far behind it."""
    await _fill(stage)
    where = await stage.client.href("DERControlList", PROGRAM)
    async with part(stage, "none"):
        for query in ("?l=0", f"?s={CONTROLS}&l=9", "?s=4000000000&l=1"):
            await stage.client.get(where + query)


@case(
    id="SEP2-SRV-LST-005",
    title="An empty list is a list",
    purpose="Exposes a server that answers 404 where there is nothing yet.",
    public=("CORE-004",),
    requirements=(_ENDS,),
    checks=(
        answers("none", 200, requirement=_ENDS),
        ends("DERControlList", 0, requirement=_ENDS, part="none"),
        ends("LogEventList", 0, requirement=_ENDS, part="none"),
    ),
    observations=(answered("none", 2, method="GET"),),
)
async def empty(stage: ServerStage) -> None:
    """Read controls and log events before there are any."""
    places = [await stage.client.href(what) for what in ("DERControlList", "LogEventList")]
    async with part(stage, "none"):
        for where in places:
            await stage.client.get(f"{where}?s=0&l=9")


@case(
    id="SEP2-SRV-LST-006",
    title="A list of controls is cut to those that start later",
    purpose="Exposes a server that ignores a, or cuts by another time.",
    public=("CORE-004",),
    requirements=(_CUT,),
    checks=(
        answers("later", 200, requirement=_CUT),
        cut("DERControlList", requirement=_CUT, part="later"),
    ),
    observations=(done_well("later", 3, got="DERControlList"),),
)
async def later(stage: ServerStage) -> None:
    """Read the controls whole, and after instants between them."""
    now = stage.now.replace(microsecond=0)
    await _fill(stage)
    where = await stage.client.href("DERControlList", PROGRAM)
    async with part(stage, "later"):
        for hours in (0, 2, 4):
            after = seconds(now + hours * _HOUR + 30 * MINUTE)
            await stage.client.get(f"{where}?s=0&l=255&a={after}")


@case(
    id="SEP2-SRV-LST-007",
    title="Pages that are no numbers are refused",
    purpose="Exposes a server that breaks off, or takes nonsense for a page.",
    public=("CORE-004",),
    requirements=(_NUMBERS,),
    checks=(
        answers("nonsense", 400, requirement=_NUMBERS),
        answers("after", 200, requirement=_NUMBERS),
    ),
    observations=(answered("nonsense", 4, method="GET"), done_well("after")),
)
async def nonsense(stage: ServerStage) -> None:
    """Ask for pages by words, by numbers below zero and by too many digits; then rightly."""
    where = await stage.client.href("DERControlList", PROGRAM)
    async with part(stage, "nonsense"):
        for query in ("?s=first", "?l=-1", "?s=-5&l=3", "?l=1e3"):
            await stage.client.get(where + query, wrong="a query that means nothing")
    async with part(stage, "after"):
        await stage.client.get(f"{where}?s=0&l=9")
