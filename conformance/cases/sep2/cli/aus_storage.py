"""Storage of CSIP-AUS, on the watchlist: what it holds, what it can, what it is told (STO-01 to STO-06).

The elements are those of a beta, with a namespace of its own: nothing here decides until they are released.
"""

from dataclasses import dataclass, replace
from typing import Final

from conformance.kit.case import Case, Maturity, Start
from conformance.kit.sep2.acts import MINUTE, announce, run_through
from conformance.kit.sep2.aus import AUS, RATES, assign, note, to_minute
from conformance.kit.sep2.averages import DEVICE, SITE
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.averages import Bounds, averages_seen, stays
from conformance.kit.sep2.checks.events import responds
from conformance.kit.sep2.checks.status import bit, holds
from conformance.kit.sep2.checks.storage import energies_fit, holds_no_more, levels_seen, moves
from conformance.kit.sep2.conditions import put
from conformance.kit.sep2.observations import put_seen, response_seen
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import aus_limit, storage_target

_STORED: Final = "REQ-CSIPAUS-STO-01-1"
_ABLE: Final = "REQ-CSIPAUS-STO-02-1"
_TARGET: Final = "REQ-CSIPAUS-STO-03-1"
_EXPORT_W: Final = 5_000
_LOAD_W: Final = 10_000
_CHARGE_W, _DELIVER_W = 20_000, 30_000
_AT_MOST_W: Final = _LOAD_W + _EXPORT_W


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fleet:
    """How many DERs stand behind the EndDevice."""

    series: int
    ders: int
    words: str
    public: tuple[str, str, str]
    """Ids of the public procedures."""

    @property
    def applies(self) -> str:
        return "CLI-AUS and CLI-STORAGE" + (" and CLI-SEVERAL-DERS" if self.ders > 1 else "")

    def put(self, stage: ClientStage) -> None:
        """Have the EndDevice list so many DERs."""
        stage.utility.put_account(replace(stage.utility.account(), ders=self.ders))


_ONE = _Fleet(series=1, ders=1, words="one storage", public=("STO-01", "STO-02", "STO-03"))
_SEVERAL = _Fleet(series=2, ders=3, words="three DERs", public=("STO-04", "STO-05", "STO-06"))


def _energy(fleet: _Fleet) -> Case:
    @case(
        id=f"CSIPAUS-CLI-STO-{fleet.series}01",
        title=f"The energy that is stored is told, and follows what is delivered and drawn: {fleet.words}",
        purpose="Exposes a storage that does not mirror its energy, or tells something else.",
        public=(fleet.public[0],),
        requirements=(_STORED,),
        checks=(
            holds_no_more(requirement=_STORED),
            moves("delivers", "delivers.end", up=False, requirement=_STORED),
            moves("draws", "draws.end", up=True, requirement=_STORED),
        ),
        observations=(levels_seen("delivers", "delivers.end"), levels_seen("draws", "draws.end")),
        maturity=Maturity.WATCHLIST,
        modes=AUS,
        facts=RATES,
        applies_if=f"{fleet.applies} and CLI-MUP and CLI-LOAD",
        needs=("set_der",),
        mutants=("tells-what-it-cannot-hold", "stores-what-it-delivers"),
    )
    async def script(stage: ClientStage) -> None:
        fleet.put(stage)
        assign(stage, {})
        await stage.sleep(2 * MINUTE)
        for name, kw in (("delivers", 60), ("draws", -60)):
            await to_minute(stage)
            await stage.driver.call("set_der", kw=str(kw))
            await stage.sleep(1.5 * MINUTE)
            stage.mark(name)
            await stage.sleep(8 * MINUTE)
            stage.mark(f"{name}.end")

    return script


def _abilities(fleet: _Fleet) -> Case:
    @case(
        id=f"CSIPAUS-CLI-STO-{fleet.series}02",
        title=f"It says that it takes targets, and what energy it keeps: {fleet.words}",
        purpose="Exposes a storage that does not claim what it can, or keeps more than it holds.",
        public=(fleet.public[1],),
        requirements=(_ABLE,),
        checks=(
            holds("DERCapability", "beta:vppModesSupported", bit(0, on=True), requirement=_ABLE),
            holds("DERSettings", "beta:vppModesEnabled", bit(0, on=True), requirement=_ABLE),
            energies_fit(requirement=_ABLE),
        ),
        observations=(
            put_seen("DERCapability", fleet.ders),
            put_seen("DERSettings", fleet.ders),
        ),
        maturity=Maturity.WATCHLIST,
        start=Start.FRESH,
        modes=AUS,
        facts=RATES,
        applies_if=fleet.applies,
        mutants=("says-not-that-it-takes-targets", "keeps-more-than-it-holds"),
    )
    async def script(stage: ClientStage) -> None:
        fleet.put(stage)
        await stage.until(put("DERSettings"), 3 * MINUTE, "tell its settings")
        await stage.sleep(MINUTE)

    return script


def _kept(name: str) -> tuple[str, str]:
    """Return the marks between which a target is judged."""
    return f"{name}.from", f"{name}.until"


_FOLLOWS: Final = (
    responds("charge", 1, 2, 3, requirement=_TARGET),
    responds("deliver", 1, 2, 3, requirement=_TARGET),
    stays(
        DEVICE,
        Bounds(least=_CHARGE_W, most=_CHARGE_W),
        *_kept("charge"),
        requirement=_TARGET,
    ),
    stays(
        DEVICE,
        Bounds(least=-_AT_MOST_W, most=-_AT_MOST_W),
        *_kept("deliver"),
        requirement=_TARGET,
    ),
    stays(SITE, Bounds(least=-_EXPORT_W), *_kept("deliver"), requirement=_TARGET),
)
_FOLLOWED: Final = (
    *(response_seen(name, 3) for name in ("charge", "deliver")),
    *(averages_seen(*_kept(name), at_least=2, role=DEVICE) for name in ("charge", "deliver")),
)


def _target(fleet: _Fleet) -> Case:
    @case(
        id=f"CSIPAUS-CLI-STO-{fleet.series}03",
        title=f"A target of storage beside a limit of export: the limit holds: {fleet.words}",
        purpose="Exposes a storage that does not follow its target, or follows it beyond a limit.",
        public=(fleet.public[2],),
        requirements=(_TARGET,),
        checks=_FOLLOWS,
        observations=_FOLLOWED,
        maturity=Maturity.WATCHLIST,
        modes=AUS,
        facts=RATES,
        lasts=18 * MINUTE,
        applies_if=f"{fleet.applies} and CLI-MUP and CLI-LOAD",
        needs=("set_load", "set_der"),
        mutants=("minds-no-storage-target", "puts-its-target-above-limits"),
    )
    async def script(stage: ClientStage) -> None:
        fleet.put(stage)
        assign(stage, {})
        await stage.driver.set_load(str(_LOAD_W // 1000))
        await stage.driver.call("set_der", kw="0")
        await stage.sleep(2 * MINUTE)
        for name, watts in (("charge", -_CHARGE_W), ("deliver", _DELIVER_W)):
            base = {**storage_target(watts), **aus_limit("Exp", _EXPORT_W)}
            control = announce(stage, name, base, lasts=5 * MINUTE)
            note(stage, f"{name}.from", control.start + 2 * MINUTE)
            note(stage, f"{name}.until", control.end)
            await run_through(stage, control)
            await stage.sleep(MINUTE)

    return script


CASES = tuple(make(fleet) for fleet in (_ONE, _SEVERAL) for make in (_energy, _abilities, _target))
