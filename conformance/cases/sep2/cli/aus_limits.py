"""The limits of CSIP-AUS, of the connection point and of the device (GEN-01 to -04, -09, -11 to -13, LOA likewise)."""

from collections.abc import Iterator
from dataclasses import dataclass

from conformance.kit.case import Case
from conformance.kit.sep2.acts import MINUTE, announce, look, run_through
from conformance.kit.sep2.aus import AUS, RATES, assign, note, to_minute
from conformance.kit.sep2.averages import DEVICE, SITE
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.averages import Bounds, averages_seen, stays
from conformance.kit.sep2.checks.events import responds
from conformance.kit.sep2.checks.state import in_force
from conformance.kit.sep2.conditions import responded
from conformance.kit.sep2.observations import control_seen, response_seen
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import Content, aus_limit

_RSP = "REQ-CSIPAUS-ALL-18-1"
_CANCELLED = "REQ-CSIPAUS-ALL-18-2"
_RELEASED = "REQ-CSIPAUS-GEN-09-1"
_STEPS = (2000, 8000, 4000, 6000)
_LIMIT = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """One of the four limits."""

    which: str
    word: str
    class_: str
    """``GEN`` or ``LOA``."""
    of_device: bool
    """False: it holds at the connection point."""

    @property
    def mode(self) -> str:
        return f"aus:opMod{self.which}LimW"

    @property
    def role(self) -> str:
        return DEVICE if self.of_device else SITE

    @property
    def wish_kw(self) -> int:
        """What the DER would do by itself: far more than any limit."""
        return 30 if self.class_ == "GEN" else -30

    def number(self, at_connection: int, of_device: int) -> str:
        """Return the number of the public procedure, by what the limit is of."""
        return f"{of_device if self.of_device else at_connection:02}"

    def public(self, at_connection: int, of_device: int) -> str:
        return f"{self.class_}-{self.number(at_connection, of_device)}"

    def id(self, at_connection: int, of_device: int) -> str:
        series = 1 if self.class_ == "GEN" else 2
        return f"CSIPAUS-CLI-LIM-{series}{self.number(at_connection, of_device)}"

    def base(self, watts: int, multiplier: int = 0) -> Content:
        return aus_limit(self.which, watts, multiplier)

    def bounds(self, watts: int, slack: float = 0.02) -> Bounds:
        if self.class_ == "GEN":
            return Bounds(least=-watts, slack=slack)
        return Bounds(most=watts, slack=slack)

    @property
    def held(self) -> str:
        """Return the requirement that the limit is kept."""
        return f"REQ-CSIPAUS-{self.public(1, 2)}-1"

    @property
    def default(self) -> str:
        """Return the requirement about its default."""
        return f"REQ-CSIPAUS-{self.public(3, 4)}-1"


Kind = _Kind
EXPORT = _Kind(which="Exp", word="export", class_="GEN", of_device=False)
GENERATION = _Kind(which="Gen", word="generation", class_="GEN", of_device=True)
IMPORT = _Kind(which="Imp", word="import", class_="LOA", of_device=False)
LOAD = _Kind(which="Load", word="load", class_="LOA", of_device=True)
_KINDS = (EXPORT, GENERATION, IMPORT, LOAD)
_NEEDS = "CLI-AUS and CLI-STATE and CLI-LOAD"


async def _begin(stage: ClientStage, kind: _Kind, watts: int = 0) -> None:
    """Have the device want more than it may, under a default of so many watts, and wait until that is read."""
    assign(stage, kind.base(watts))
    await stage.driver.call("set_der", kw=str(kind.wish_kw))
    await stage.sleep(2 * MINUTE)
    await to_minute(stage)


def _active(kind: _Kind) -> Case:
    """GEN-01, GEN-02, LOA-01, LOA-02."""

    @case(
        id=kind.id(1, 2),
        title=f"A control that limits {kind.word}",
        purpose=f"Exposes a client that takes the {kind.word} limit and does not keep it, or keeps it too long.",
        public=(kind.public(1, 2),),
        requirements=(_RSP, kind.held, kind.default),
        checks=(
            responds("one", 1, 2, 3, requirement=_RSP),
            in_force("before", kind.mode, "0", requirement=kind.default),
            in_force("during", kind.mode, str(_LIMIT), requirement=kind.held),
            in_force("after", kind.mode, "0", requirement=kind.default),
            stays(kind.role, kind.bounds(_LIMIT), "kept.from", "kept.until", requirement=kind.held),
            stays(kind.role, kind.bounds(0), "zero.from", "zero.until", requirement=kind.default),
        ),
        observations=(
            control_seen("one"),
            response_seen("one", 3),
            averages_seen("kept.from", "kept.until", role=kind.role),
            averages_seen("zero.from", "zero.until", role=kind.role),
        ),
        modes=AUS,
        facts=RATES,
        applies_if=_NEEDS,
        needs=("state", "set_der"),
        mutants=(f"keeps-no-{kind.word}-limit", f"knows-no-default-{kind.word}"),
    )
    async def script(stage: ClientStage) -> None:
        await _begin(stage, kind)
        await look(stage, "before")
        control = announce(stage, "one", kind.base(_LIMIT), lasts=4 * MINUTE)
        note(stage, "kept.from", control.start + MINUTE)
        note(stage, "kept.until", control.end)
        note(stage, "zero.from", control.end + MINUTE)
        note(stage, "zero.until", control.end + 4 * MINUTE)
        await stage.until(responded("one", 2), 6 * MINUTE, "start the control")
        await stage.sleep(MINUTE)
        await look(stage, "during")
        await run_through(stage, control)
        await look(stage, "after")
        await stage.sleep_until(control.end + 5 * MINUTE)

    return script


def _default(kind: _Kind) -> Case:
    """GEN-03, GEN-04, LOA-03, LOA-04."""

    @case(
        id=kind.id(3, 4),
        title=f"A default that limits {kind.word}, and changes",
        purpose=f"Exposes a client that does not keep a default {kind.word} limit, or does not see that it changes.",
        public=(kind.public(3, 4),),
        requirements=(kind.default, kind.held),
        checks=(
            in_force("first", kind.mode, str(_LIMIT), requirement=kind.default),
            in_force("second", kind.mode, "12000", requirement=kind.default),
            stays(kind.role, kind.bounds(_LIMIT), "first.from", "first.until", requirement=kind.held),
            stays(kind.role, kind.bounds(12000), "next.from", "next.until", requirement=kind.held),
        ),
        observations=(
            averages_seen("first.from", "first.until", 2, role=kind.role),
            averages_seen("next.from", "next.until", 2, role=kind.role),
        ),
        modes=AUS,
        facts=RATES,
        applies_if=_NEEDS,
        needs=("state", "set_der"),
        mutants=(f"knows-no-default-{kind.word}", "reads-default-once"),
    )  # fmt: skip
    async def script(stage: ClientStage) -> None:
        await _begin(stage, kind, _LIMIT)
        await look(stage, "first")
        note(stage, "first.from")
        note(stage, "first.until", stage.now + 3 * MINUTE)
        await stage.sleep(3 * MINUTE)
        assign(stage, kind.base(120, 2))
        await stage.sleep(2 * MINUTE)
        await look(stage, "second")
        note(stage, "next.from")
        note(stage, "next.until", stage.now + 3 * MINUTE)
        await stage.sleep(4 * MINUTE)

    return script


def _cancelled(kind: _Kind) -> Case:
    """GEN-09, LOA-09."""

    @case(
        id=kind.id(9, 9),
        title=f"A control that limits {kind.word} is cancelled while it runs",
        purpose="Exposes a client that keeps what was cancelled, or does not say that it let it go.",
        public=(kind.public(9, 9),),
        requirements=(_CANCELLED, _RELEASED, kind.held),
        checks=(
            responds("one", 1, 2, 6, requirement=_CANCELLED),
            in_force("during", kind.mode, str(_LIMIT), requirement=kind.held),
            in_force("after", kind.mode, "0", requirement=_RELEASED),
            stays(kind.role, kind.bounds(0), "zero.from", "zero.until", requirement=_RELEASED),
        ),
        observations=(
            control_seen("one"),
            response_seen("one", 6),
            averages_seen("zero.from", "zero.until", role=kind.role),
        ),
        modes=AUS,
        facts=RATES,
        applies_if=_NEEDS,
        needs=("state", "set_der"),
        mutants=("keeps-what-was-cancelled",),
    )
    async def script(stage: ClientStage) -> None:
        await _begin(stage, kind)
        announce(stage, "one", kind.base(_LIMIT), lasts=10 * MINUTE)
        await stage.until(responded("one", 2), 6 * MINUTE, "start the control")
        await stage.sleep(MINUTE)
        await look(stage, "during")
        stage.utility.cancel("one")
        await stage.until(responded("one", 6), 3 * MINUTE, "say that it was cancelled")
        await stage.sleep(MINUTE / 6)
        await look(stage, "after")
        note(stage, "zero.from", await to_minute(stage))
        note(stage, "zero.until", stage.now + 3 * MINUTE)
        await stage.sleep(4 * MINUTE)

    return script


def _names() -> Iterator[tuple[str, int]]:
    return ((f"step {n}", watts) for n, watts in enumerate(_STEPS))


def _variable(kind: _Kind) -> Case:
    """GEN-11, GEN-12, LOA-11, LOA-12."""
    steady = f"REQ-CSIPAUS-{kind.public(11, 12)}-1"

    @case(
        id=kind.id(11, 12),
        title=f"Controls that limit {kind.word} follow each other without a gap",
        purpose="Exposes a client that takes controls that touch for ones that overlap, or mixes up their limits.",
        public=(kind.public(11, 12), "ALL-24"),
        requirements=(_RSP, kind.held, steady),
        checks=(
            *(responds(name, 1, 2, 3, requirement=_RSP) for name, _ in _names()),
            *(in_force(n, kind.mode, str(watts), requirement=steady) for n, watts in _names()),
            *(
                stays(kind.role, kind.bounds(watts), f"{n}.kept", f"{n}.ends", requirement=kind.held)
                for n, watts in _names()
            ),
        ),
        observations=(
            *(response_seen(name, 3) for name, _ in _names()),
            *(averages_seen(f"{n}.kept", f"{n}.ends", role=kind.role) for n, _ in _names()),
        ),
        modes=AUS,
        facts=RATES,
        applies_if=_NEEDS,
        needs=("state", "set_der"),
        mutants=("takes-touching-for-overlapping", "minds-no-multiplier-of-limits"),
    )  # fmt: skip
    async def script(stage: ClientStage) -> None:
        await _begin(stage, kind)
        controls = []
        for place, (name, watts) in enumerate(_names()):
            ahead = (2 + 3 * place) * MINUTE
            base = kind.base(watts // 10**place, place)
            controls.append(announce(stage, name, base, ahead=ahead, lasts=3 * MINUTE))
            note(stage, f"{name}.kept", controls[-1].start + MINUTE)
        for control in controls:
            await stage.sleep_until(control.start + 1.5 * MINUTE)
            await look(stage, control.id)
        await run_through(stage, controls[-1])
        await stage.sleep(MINUTE)

    return script


def _tracked(kind: _Kind, loads_kw: tuple[int, ...]) -> Case:
    """GEN-13, LOA-13."""
    follows = "REQ-CSIPAUS-GEN-13-1"

    @case(
        id=kind.id(13, 13),
        title=f"A limit of {kind.word} is kept while the load of the site changes",
        purpose="Exposes a client that computes once what its device may do, and lets the site drift out of its limit.",
        public=(kind.public(13, 13),),
        requirements=(follows, kind.held),
        checks=(
            in_force("during", kind.mode, str(_LIMIT), requirement=kind.held),
            stays(
                SITE, kind.bounds(_LIMIT, slack=0.1), "kept.from", "kept.until", requirement=follows
            ),
        ),
        observations=(
            control_seen("one"),
            averages_seen("kept.from", "kept.until", 2 * len(loads_kw), role=SITE),
        ),
        modes=AUS,
        facts=RATES,
        applies_if=_NEEDS,
        needs=("state", "set_der", "set_load"),
        mutants=("minds-no-change-of-load",),
    )
    async def script(stage: ClientStage) -> None:
        await stage.driver.set_load(str(loads_kw[0]))
        await _begin(stage, kind)
        minutes = 3 * len(loads_kw) + 2
        control = announce(stage, "one", kind.base(_LIMIT), lasts=minutes * MINUTE)
        note(stage, "kept.from", control.start + MINUTE)
        note(stage, "kept.until", control.end)
        await stage.until(responded("one", 2), 6 * MINUTE, "start the control")
        await look(stage, "during")
        for place, kw in enumerate(loads_kw[1:], 1):
            await stage.sleep_until(control.start + (1 + 3 * place) * MINUTE)
            await stage.driver.set_load(str(kw))
        await stage.sleep_until(control.end + MINUTE / 2)

    return script


CASES = (
    *(_active(kind) for kind in _KINDS),
    *(_default(kind) for kind in _KINDS),
    *(_cancelled(kind) for kind in (EXPORT, IMPORT)),
    *(_variable(kind) for kind in _KINDS),
    _tracked(EXPORT, (20, 10, 3, 15)),
    _tracked(IMPORT, (0, 2, 4, 1)),
)
