"""Readings whose values are scaled, and ConnectionPoints (S-ALL-47, S-ALL-53)."""

from typing import Final

from conformance.kit.case import Case
from conformance.kit.sep2.acts import MINUTE
from conformance.kit.sep2.build import make
from conformance.kit.sep2.checks.answers import answered, answers, done_well, refuses, serves
from conformance.kit.sep2.checks.stored import explained, stores_readings, takes
from conformance.kit.sep2.client_documents import mirror, reading, reading_set
from conformance.kit.sep2.server_acts import part
from conformance.kit.sep2.server_case import AUS, case
from conformance.kit.sep2.server_stage import ServerStage
from conformance.kit.sep2.serving_acts import read_back
from conformance.kit.sep2.serving_observations import marked, took
from conformance.kit.xml import Element

_SCALED: Final = "REQ-CSIPAUS-S-ALL-47-1"
_CHANGED: Final = "REQ-CSIPAUS-S-ALL-53-1"
_FORBIDDEN: Final = "REQ-CSIPAUS-S-ALL-53-2"
_MIRROR, _READING = "MirrorUsagePoint", "MirrorMeterReading"


def _scaling(number: int, what: str, exponent: int, values: tuple[int, ...]) -> Case:
    @case(
        id=f"CSIP-SRV-MUP-{number:03}",
        title=f"Readings {what} are kept by their value",
        purpose="Exposes a server that drops powerOfTenMultiplier, or a sign, or cuts large values.",
        public=("S-ALL-47",),
        requirements=(_SCALED,),
        checks=(
            takes(_MIRROR, _READING, requirement=_SCALED),
            stores_readings(requirement=_SCALED),
        ),
        observations=(took(_MIRROR), took(_READING, 2), marked("stored.Reading")),
        applies_if="SRV-MUP and SRV-READ-BACK",
        needs=("posted",),
    )
    async def scaling(stage: ServerStage) -> None:
        """Make a mirror; post one reading, then a set of readings; read back what is kept."""
        client, first = stage.client, stage.now.replace(second=0, microsecond=0)
        made = await client.post(
            await client.href("MirrorUsagePointList"), mirror(client.lfdi, exponent=exponent)
        )
        where = made.header("Location") or "/"
        start = first - 10 * MINUTE
        await client.post(where, reading(client.lfdi, "W", values[0], start, MINUTE))
        rest = reading_set(client.lfdi, "W", values[1:], start + MINUTE, MINUTE)
        await client.post(where, rest)
        await read_back(stage, "Reading")

    return scaling


plain = _scaling(147, "in watts", 0, (4200, 0, -1500))
kilo = _scaling(148, "in kilowatts", 3, (150, 149, -2))
tenth = _scaling(149, "in tenths of a watt", -1, (12345, 1, -99999))
huge = _scaling(150, "of 300 MW in hundredths of a watt", -2, (30_000_000_000, 29_999_999_999))


def _point(name: str) -> Element:
    return make("aus:ConnectionPoint", {"aus:connectionPointId": name}, aus=True)


_FIRST, _SECOND = "62034567890", "62098765432"


@case(
    id="CSIPAUS-SRV-CPT-001",
    title="A ConnectionPoint is told, and changed",
    purpose="Exposes a server that takes a ConnectionPoint and forgets it, or keeps the first one.",
    public=("S-ALL-53", "S-OPT-03"),
    requirements=(_CHANGED,),
    checks=(
        answers("tell", 200, 201, 204, method="PUT", requirement=_CHANGED),
        answers("change", 200, 201, 204, method="PUT", requirement=_CHANGED),
        serves("ConnectionPoint", {"connectionPointId": _FIRST}, requirement=_CHANGED, part="tell"),
        serves(
            "ConnectionPoint", {"connectionPointId": _SECOND}, requirement=_CHANGED, part="change"
        ),
    ),
    observations=(
        answered("tell", method="PUT"),
        done_well("tell", method="GET"),
        answered("change", method="PUT"),
        done_well("change", method="GET"),
    ),
    modes=AUS,
    applies_if="SRV-AUS and SRV-CONNECTION-POINT",
)
async def told(stage: ServerStage) -> None:
    """PUT one ConnectionPoint, read it; PUT another, read that."""
    where = await stage.client.href("ConnectionPoint")
    for name, point in (("tell", _FIRST), ("change", _SECOND)):
        async with part(stage, name):
            await stage.client.put(where, _point(point))
            await stage.client.get(where)


@case(
    id="CSIPAUS-SRV-CPT-002",
    title="A ConnectionPoint that may not be changed stays, and the refusal says so",
    purpose="Exposes a server that takes what its utility forbids, or refuses without an Error.",
    public=("S-ALL-53",),
    requirements=(_FORBIDDEN,),
    checks=(
        refuses("change", method="PUT", requirement=_FORBIDDEN),
        explained("change", requirement=_FORBIDDEN),
        serves(
            "ConnectionPoint", {"connectionPointId": _FIRST}, requirement=_FORBIDDEN, part="read"
        ),
    ),
    observations=(
        done_well("tell", method="PUT"),
        answered("change", method="PUT"),
        done_well("read", method="GET"),
    ),
    modes=AUS,
    applies_if="SRV-AUS and SRV-CONNECTION-POINT",
    needs=("allow_connection_point",),
)
async def forbidden(stage: ServerStage) -> None:
    """PUT a ConnectionPoint; have changes forbidden; PUT another; read."""
    client = stage.client
    where = await client.href("ConnectionPoint")
    async with part(stage, "tell"):
        await client.put(where, _point(_FIRST))
    await stage.operator.allow_connection_point(on=False)
    async with part(stage, "change"):
        await client.put(where, _point(_SECOND), wrong="changes are forbidden")
    async with part(stage, "read"):
        await client.get(where)
    await stage.operator.allow_connection_point(on=True)
