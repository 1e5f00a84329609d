"""What a CSIP-AUS client tells of its DERs (ALL-07 to ALL-09, ALL-11 to ALL-13, MUL-01, MUL-03)."""

from collections.abc import Iterator
from dataclasses import replace

from conformance.kit.case import Start
from conformance.kit.finding import Check, Finding, wrong
from conformance.kit.sep2.acts import MINUTE, announce
from conformance.kit.sep2.aus import AUS, RATES, assign, note
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.status import CONNECT, MODE, bit, holds, says, tells
from conformance.kit.sep2.conditions import put, responded
from conformance.kit.sep2.observations import put_seen, response_seen
from conformance.kit.sep2.reading import puts
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import Content, connect, energize
from conformance.kit.transcript import Transcript

_SWITCH = "REQ-CSIPAUS-ALL-07-1"
_OPERATING = "REQ-CSIPAUS-ALL-07-2"
_ENERGIZE = "REQ-CSIPAUS-ALL-11-1"
_CONNECT = "REQ-CSIPAUS-ALL-12-1"
_ENVELOPE = "REQ-CSIPAUS-ALL-09-1"
_EVERY = "REQ-CSIPAUS-MUL-01-1"
_GRADIENT = "REQ-CSIPAUS-ALL-13-1"
_DERS = 3
_PARTS = ("DERCapability", "DERSettings", "DERStatus")


@case(
    id="CSIPAUS-CLI-DER-107",
    title="Its switch is opened and closed by hand, and its status tells it",
    purpose="Exposes a client whose status stays what it was at the start.",
    public=("ALL-07", "ALL-08"),
    requirements=(_SWITCH, _OPERATING),
    checks=(
        tells(
            "DERStatus", CONNECT, bit(0, on=False), requirement=_SWITCH, after="open", before="shut"
        ),
        tells("DERStatus", CONNECT, bit(0, on=True), requirement=_SWITCH, after="shut"),
        tells("DERStatus", MODE, says("1"), requirement=_OPERATING, after="open", before="shut"),
        tells("DERStatus", MODE, says("2"), requirement=_OPERATING, after="shut"),
    ),
    observations=(put_seen("DERStatus", 4),),
    modes=AUS,
    facts=RATES,
    applies_if="CLI-AUS and CLI-SWITCH",
    needs=("switch",),
    mutants=("minds-no-switch", "operates-while-open"),
)
async def by_hand(stage: ClientStage) -> None:
    """Open the switch, then close it."""
    await stage.sleep(MINUTE)
    await stage.driver.call("switch", closed="no")
    note(stage, "open")
    await stage.sleep(3 * MINUTE)
    await stage.driver.call("switch", closed="yes")
    note(stage, "shut")
    await stage.sleep(3 * MINUTE)


async def _off_and_on(stage: ClientStage, off: Content, on: Content) -> None:
    assign(stage, {})
    control = announce(stage, "off", off, lasts=4 * MINUTE)
    await stage.until(responded("off", 2), 5 * MINUTE, "start the control")
    note(stage, "off runs")
    await stage.sleep_until(control.end - MINUTE / 4)
    note(stage, "off over")
    announce(stage, "on", on, ahead=2 * MINUTE, lasts=3 * MINUTE)
    await stage.until(responded("on", 2), 5 * MINUTE, "start the other control")
    note(stage, "on runs")
    await stage.until(responded("on", 3), 5 * MINUTE, "end it")
    await stage.sleep(MINUTE)


@case(
    id="CSIPAUS-CLI-DER-111",
    title="De-energised and energised again by control, and its status tells it",
    purpose="Exposes a client that takes opModEnergize and stays as it was, or does not tell.",
    public=("ALL-11",),
    requirements=(_ENERGIZE,),
    checks=(
        tells(
            "DERStatus",
            CONNECT,
            bit(2, on=False),
            requirement=_ENERGIZE,
            after="off runs",
            before="off over",
            soon=MINUTE,
        ),
        tells("DERStatus", CONNECT, bit(2, on=True), requirement=_ENERGIZE, after="on runs"),
    ),
    observations=(response_seen("off", 3), response_seen("on", 3), put_seen("DERStatus", 3)),
    modes=AUS,
    facts=RATES,
    applies_if="CLI-AUS",
    mutants=("tells-no-de-energising",),
)
async def energized(stage: ClientStage) -> None:
    """Off, then on."""
    await _off_and_on(stage, energize(on=False), energize(on=True))


@case(
    id="CSIPAUS-CLI-DER-112",
    title="Disconnected and connected again by control, and its status tells it",
    purpose="Exposes a client that takes opModConnect and stays as it was, or does not tell.",
    public=("ALL-12",),
    requirements=(_CONNECT,),
    checks=(
        tells(
            "DERStatus",
            CONNECT,
            bit(0, on=False),
            requirement=_CONNECT,
            after="off runs",
            before="off over",
            soon=MINUTE,
        ),
        tells("DERStatus", CONNECT, bit(0, on=True), requirement=_CONNECT, after="on runs"),
    ),
    observations=(response_seen("off", 3), response_seen("on", 3), put_seen("DERStatus", 3)),
    modes=AUS,
    facts=RATES,
    applies_if="CLI-AUS",
    mutants=("tells-no-disconnecting",),
)
async def connected(stage: ClientStage) -> None:
    """Off, then on."""
    await _off_and_on(stage, connect(on=False), connect(on=True))


@case(
    id="CSIPAUS-CLI-DER-109",
    title="It says which limits it can keep",
    purpose="Exposes a client without doeModesSupported, which CSIP-AUS requires, or one that supports no limit.",
    public=("ALL-09",),
    requirements=(_ENVELOPE,),
    checks=(
        holds(
            "DERCapability", "aus:doeModesSupported", says("0F", "0E", "0D", "0B", "03"), requirement=_ENVELOPE
        ),
        holds("DERSettings", "aus:doeModesEnabled", bit(0, on=True), requirement=_ENVELOPE),
    ),
    observations=(put_seen("DERCapability"), put_seen("DERSettings"), put_seen("DERStatus")),
    start=Start.FRESH,
    modes=AUS,
    applies_if="CLI-AUS",
    mutants=("says-not-which-limits",),
)  # fmt: skip
async def envelope(stage: ClientStage) -> None:
    """Let it start and tell."""
    await stage.until(put("DERStatus"), 3 * MINUTE, "tell its status")
    await stage.sleep(MINUTE)


@case(
    id="CSIPAUS-CLI-DER-113",
    title="A changed gradient of the default becomes its own setting",
    purpose="Exposes a client that does not take setGradW of a default, or does not tell that it did.",
    public=("ALL-13",),
    requirements=(_GRADIENT,),
    checks=(
        tells(
            "DERSettings", "s:setGradW", says("55"), requirement=_GRADIENT, after="changed", soon=3 * MINUTE
        ),
    ),
    observations=(put_seen("DERSettings"),),
    modes=AUS,
    applies_if="CLI-AUS",
    mutants=("keeps-its-own-gradient",),
)  # fmt: skip
async def gradient(stage: ClientStage) -> None:
    """Change setGradW of the default."""
    assign(stage)
    await stage.sleep(2 * MINUTE)
    assign(stage, gradient=55)
    note(stage, "changed")
    await stage.sleep(5 * MINUTE)


def _told_by_all(name: str) -> Check:
    """Demand that a document is put for every DER of the EndDevice."""

    def judge(transcript: Transcript) -> Iterator[Finding]:
        rows = puts(transcript, name)
        places = {message.path for message in rows}
        if rows and len(places) < _DERS:
            told = f"{name} of {_DERS} DERs"
            yield wrong(_EVERY, rows[-1], "path", told, f"of {len(places)}")

    return Check(f"puts {name} of every DER", judge)


@case(
    id="CSIPAUS-CLI-DER-201",
    title="Of several DERs behind one EndDevice each is told about",
    purpose="Exposes a client that knows the first DER of a list alone.",
    public=("MUL-01", "MUL-03"),
    requirements=(_EVERY,),
    checks=tuple(_told_by_all(name) for name in _PARTS),
    observations=tuple(put_seen(name) for name in _PARTS),
    start=Start.FRESH,
    modes=AUS,
    facts=RATES,
    applies_if="CLI-AUS and CLI-SEVERAL-DERS",
    mutants=("knows-one-der",),
)
async def several(stage: ClientStage) -> None:
    """Give its EndDevice three DERs."""
    stage.utility.put_account(replace(stage.utility.account(), ders=_DERS))
    await stage.until(put("DERStatus"), 3 * MINUTE, "tell its status")
    await stage.sleep(2 * MINUTE)
