"""The readings of a CSIP-AUS client (ALL-06, ALL-10, ALL-29, MUL-02)."""

from dataclasses import replace

from conformance.kit.case import Start
from conformance.kit.sep2.acts import MINUTE
from conformance.kit.sep2.aus import AUS, RATES, assign, note, to_minute
from conformance.kit.sep2.averages import DEVICE, SITE, VARS, VOLTS, WATTS
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.averages import (
    Bounds,
    aligned,
    averages_seen,
    mirrors,
    signed_by_pen,
    stays,
    steady,
)
from conformance.kit.sep2.observations import post_seen
from conformance.kit.sep2.utility import ClientStage

_TYPES = "REQ-CSIPAUS-ALL-06-1"
_MINUTES = "REQ-CSIPAUS-ALL-06-2"
_PEN = "REQ-CSIPAUS-ALL-06-3"
_RATE = "REQ-CSIPAUS-ALL-10-1"
_TRUE = "REQ-CSIPAUS-ALL-29-1"
_WHOLE = "REQ-CSIPAUS-MUL-02-1"
_SLOW = 600


@case(
    id="CSIPAUS-CLI-MUP-106",
    title="Power, reactive power and voltage of the site, power and reactive power of the device",
    purpose="Exposes a client that leaves a quantity out, tells it under a wrong type, or cuts time as it likes.",
    public=("ALL-06",),
    requirements=(_TYPES, _MINUTES, _PEN),
    checks=(
        mirrors(SITE, WATTS, kind="37", requirement=_TYPES),
        mirrors(SITE, VARS, kind="37", requirement=_TYPES),
        mirrors(SITE, VOLTS, with_phase=True, requirement=_TYPES),
        mirrors(DEVICE, WATTS, kind="37", requirement=_TYPES),
        mirrors(DEVICE, VARS, kind="37", requirement=_TYPES),
        aligned(60, requirement=_MINUTES),
        signed_by_pen(requirement=_PEN),
    ),
    observations=(
        post_seen("MirrorUsagePoint"),
        post_seen("MirrorMeterReadingList", "MirrorMeterReading", at_least=4),
    ),
    start=Start.FRESH,
    modes=AUS,
    facts=RATES,
    applies_if="CLI-AUS and CLI-MUP",
    mutants=("mirrors-no-site-var", "cuts-time-as-it-likes", "ends-its-names-in-binary"),
)
async def quantities(stage: ClientStage) -> None:
    """Let it start and tell its readings for a while."""
    await stage.sleep(6 * MINUTE)


@case(
    id="CSIPAUS-CLI-MUP-110",
    title="Another post rate is followed, and given up again",
    purpose="Exposes a client that learns the post rate once, or sees a shorter one when the longer one has passed.",
    public=("ALL-10",),
    requirements=(_RATE,),
    checks=(
        steady(SITE, _SLOW, requirement=_RATE, first="slow", last="fast", gap=15 * MINUTE),
        aligned(_SLOW, requirement=_RATE, first="slow.settled", last="fast"),
        steady(SITE, 60, requirement=_RATE, first="fast", last="end", gap=2.5 * MINUTE),
    ),
    observations=(averages_seen("slow", "fast", 2), averages_seen("fast", "end", 2)),
    modes=AUS,
    facts=(*RATES, ("walk_s", "60")),
    applies_if="CLI-AUS and CLI-MUP",
    mutants=("learns-the-post-rate-once",),
)
async def post_rate(stage: ClientStage) -> None:
    """A minute, ten minutes, a minute."""
    await stage.sleep(2 * MINUTE)
    stage.utility.set_rates(post_s=_SLOW)
    note(stage, "slow")
    note(stage, "slow.settled", stage.now + 2 * MINUTE)
    await stage.sleep(45 * MINUTE)
    stage.utility.set_rates(post_s=60)
    note(stage, "fast")
    await stage.sleep(7 * MINUTE)
    note(stage, "end")
    await stage.sleep(MINUTE)


@case(
    id="CSIPAUS-CLI-MUP-129",
    title="What it tells is what its meter shows",
    purpose="Exposes a client whose readings are of another sign, of another time, or made up.",
    public=("ALL-29", "MUL-02"),
    requirements=(_TRUE,),
    checks=(
        stays(SITE, Bounds(least=12_000, most=12_000), "first", "first.end", requirement=_TRUE),
        stays(SITE, Bounds(least=-7_000, most=-7_000), "next", "next.end", requirement=_TRUE),
        stays(SITE, Bounds(least=2_500, most=2_500), "mixed", "mixed.end", requirement=_TRUE),
    ),
    observations=(
        averages_seen("first", "first.end", 2, role=SITE),
        averages_seen("next", "next.end", 2, role=SITE),
        averages_seen("mixed", "mixed.end", role=SITE),
    ),
    modes=AUS,
    facts=RATES,
    applies_if="CLI-AUS and CLI-MUP and CLI-LOAD",
    needs=("set_load", "set_der"),
    mutants=("turns-the-sign", "tells-the-present-for-the-average"),
)
async def true_power(stage: ClientStage) -> None:
    """Import for a while, then export, then half a minute of each."""
    assign(stage, {})
    await stage.sleep(2 * MINUTE)
    for name, load, der in (("first", 12, 0), ("next", 3, 10)):
        await to_minute(stage)
        await stage.driver.set_load(str(load))
        await stage.driver.call("set_der", kw=str(der))
        note(stage, name)
        note(stage, f"{name}.end", stage.now + 3 * MINUTE)
        await stage.sleep(3.5 * MINUTE)
    await to_minute(stage)
    note(stage, "mixed")
    note(stage, "mixed.end", stage.now + MINUTE)
    await stage.driver.call("set_der", kw="3")
    await stage.driver.set_load("4")
    await stage.sleep(MINUTE / 2)
    await stage.driver.set_load("7")
    await stage.sleep(1.5 * MINUTE)


@case(
    id="CSIPAUS-CLI-MUP-202",
    title="Of several DERs behind one EndDevice the readings are of all together",
    purpose="Exposes a client that mirrors each DER by itself, or the first alone.",
    public=("MUL-02",),
    requirements=(_WHOLE,),
    checks=(
        stays(DEVICE, Bounds(least=-9_000, most=-9_000), "first", "first.end", requirement=_WHOLE),
    ),
    observations=(averages_seen("first", "first.end", 2, role=DEVICE),),
    modes=AUS,
    facts=RATES,
    applies_if="CLI-AUS and CLI-MUP and CLI-LOAD and CLI-SEVERAL-DERS",
    needs=("set_der",),
    mutants=("divides-by-its-ders",),
)
async def together(stage: ClientStage) -> None:
    """Three DERs that deliver 9 kW together."""
    stage.utility.put_account(replace(stage.utility.account(), ders=3))
    assign(stage, {})
    await stage.sleep(2 * MINUTE)
    await to_minute(stage)
    await stage.driver.call("set_der", kw="9")
    note(stage, "first")
    note(stage, "first.end", stage.now + 3 * MINUTE)
    await stage.sleep(4 * MINUTE)
