"""CSIP-AUS by notification alone: polls are too rare to bring anything (ALL-14 to -17, GEN-05 to -08, LOA likewise)."""

from conformance.cases.sep2.cli.aus_limits import EXPORT, GENERATION, IMPORT, LOAD, Kind
from conformance.cases.sep2.cli.subscribing import RARELY, SUB, TOLD
from conformance.kit.case import Case
from conformance.kit.sep2.acts import MINUTE, announce, look, run_through
from conformance.kit.sep2.aus import AUS, ZERO, assign, note
from conformance.kit.sep2.case import case
from conformance.kit.sep2.checks.averages import averages_seen, stays
from conformance.kit.sep2.checks.events import responds
from conformance.kit.sep2.checks.notifications import acts_on_notification, answers
from conformance.kit.sep2.checks.state import in_force
from conformance.kit.sep2.checks.status import CONNECT, bit, says, tells
from conformance.kit.sep2.checks.subscriptions import subscribes_to
from conformance.kit.sep2.conditions import responded
from conformance.kit.sep2.notices import SUBSCRIBABLE
from conformance.kit.sep2.observations import control_seen, put_seen, response_seen
from conformance.kit.sep2.subscribed import notification_seen, settle, subscription_seen
from conformance.kit.sep2.utility import ClientStage
from conformance.kit.sep2.values import Assignment, Content, Program, connect, energize, limit

FACTS = (*TOLD, ("post_s", "60"))
_EACH = "REQ-CSIPAUS-ALL-14-1"
_ANSWERED = "REQ-CSIPAUS-ALL-14-2"
_ENERGIZE = "REQ-CSIPAUS-ALL-11-1"
_CONNECT = "REQ-CSIPAUS-ALL-12-1"
_GRADIENT = "REQ-CSIPAUS-ALL-13-1"
_TOLD_ALL = "REQ-CSIPAUS-ALL-15-1"
_TOLD_GRADIENT = "REQ-CSIPAUS-ALL-17-1"
_LIMIT = 5000
_CLAIMED = f"CLI-AUS and {SUB}"


@case(
    id="CSIPAUS-CLI-SUB-114",
    title="It subscribes to everything that may be subscribed to, and takes every notification",
    purpose="Exposes a client that subscribes to controls alone, or refuses notifications of anything else.",
    public=("ALL-14",),
    requirements=(_EACH, _ANSWERED),
    checks=(
        *(subscribes_to(name, requirement=_EACH) for name in SUBSCRIBABLE),
        answers(requirement=_ANSWERED),
    ),
    observations=(subscription_seen(), notification_seen(4)),
    modes=AUS,
    facts=FACTS,
    poll=RARELY,
    lasts=10 * MINUTE,
    applies_if=_CLAIMED,
    mutants=("subscribes-to-no-defaults", "answers-notifications-by-500"),
)
async def everything(stage: ClientStage) -> None:
    """Change the controls, the default, the programs and the assignments, one after the other."""
    await stage.sleep(3 * MINUTE)
    announce(stage, "one", limit(60), ahead=20 * MINUTE)
    await stage.sleep(MINUTE)
    assign(stage, ZERO)
    await stage.sleep(MINUTE)
    assign(stage, ZERO, primacy=12)
    await stage.sleep(MINUTE)
    stage.utility.put_program(Program(id="node", primacy=20, default=ZERO))
    stage.utility.put_assignment(Assignment(id="node", programs=("node",)))
    await stage.sleep(2 * MINUTE)


async def _off_and_on(stage: ClientStage, off: Content, on: Content) -> None:
    await settle(stage, "DERControlList")
    control = announce(stage, "off", off, lasts=4 * MINUTE)
    await stage.until(responded("off", 2), 4 * MINUTE, "start the control")
    note(stage, "off runs")
    await stage.sleep_until(control.end - MINUTE / 4)
    note(stage, "off over")
    announce(stage, "on", on, ahead=2 * MINUTE, lasts=3 * MINUTE)
    await stage.until(responded("on", 2), 4 * MINUTE, "start the other control")
    note(stage, "on runs")
    await stage.until(responded("on", 3), 5 * MINUTE, "end it")
    await stage.sleep(MINUTE)


def _switched(number: int, which: int, off: Content, on: Content) -> Case:
    """ALL-15 and ALL-16: bit ``which`` of the connection's status follows."""
    requirement = _ENERGIZE if number == 15 else _CONNECT
    word = "De-energised and energised" if number == 15 else "Disconnected and connected"

    @case(
        id=f"CSIPAUS-CLI-SUB-1{number}",
        title=f"{word} again by notified controls, and its status tells it",
        purpose="Exposes a client that learns of controls by polling alone.",
        public=(f"ALL-{number}",),
        requirements=(_TOLD_ALL, requirement),
        checks=(
            acts_on_notification("off", requirement=_TOLD_ALL),
            acts_on_notification("on", requirement=_TOLD_ALL),
            tells(
                "DERStatus", CONNECT, bit(which, on=False), requirement=requirement, after="off runs",
                before="off over", soon=MINUTE,
            ),
            tells("DERStatus", CONNECT, bit(which, on=True), requirement=requirement, after="on runs"),
        ),
        observations=(notification_seen(2), control_seen("off"), put_seen("DERStatus", 2)),
        modes=AUS,
        facts=FACTS,
        poll=RARELY,
        lasts=14 * MINUTE,
        applies_if=_CLAIMED,
        mutants=("waits-for-its-poll", "minds-the-first-notification"),
    )  # fmt: skip
    async def script(stage: ClientStage) -> None:
        await _off_and_on(stage, off, on)

    return script


@case(
    id="CSIPAUS-CLI-SUB-117",
    title="A changed gradient of the default, by notification, becomes its own setting",
    purpose="Exposes a client that learns of defaults by polling alone.",
    public=("ALL-17",),
    requirements=(_TOLD_GRADIENT, _GRADIENT),
    checks=(
        tells(
            "DERSettings", "s:setGradW", says("55"), requirement=_TOLD_GRADIENT, after="changed", soon=2 * MINUTE
        ),
    ),
    observations=(put_seen("DERSettings"), notification_seen()),
    modes=AUS,
    facts=FACTS,
    poll=RARELY,
    lasts=10 * MINUTE,
    applies_if=_CLAIMED,
    mutants=("minds-no-default-that-is-told",),
)  # fmt: skip
async def gradient(stage: ClientStage) -> None:
    """Change setGradW of the default."""
    await settle(stage, "DefaultDERControl")
    assign(stage)
    await stage.sleep(2 * MINUTE)
    assign(stage, gradient=55)
    note(stage, "changed")
    await stage.sleep(4 * MINUTE)


def _by(kind: Kind) -> str:
    """Return the id of the requirement about a limit that is notified."""
    return f"REQ-CSIPAUS-{kind.class_}-05-1"


def _active(kind: Kind) -> Case:
    """GEN-05, GEN-06, LOA-05, LOA-06."""

    @case(
        id=f"CSIPAUS-CLI-SUB-{_series(kind)}{kind.number(5, 6)}",
        title=f"A notified control limits {kind.word}",
        purpose=f"Exposes a client that keeps a {kind.word} limit once it polls.",
        public=(kind.public(5, 6),),
        requirements=(_by(kind), kind.held),
        checks=(
            acts_on_notification("one", requirement=_by(kind)),
            responds("one", 1, 2, 3, requirement=_by(kind)),
            in_force("during", kind.mode, str(_LIMIT), requirement=_by(kind)),
            stays(kind.role, kind.bounds(_LIMIT), "kept.from", "kept.until", requirement=kind.held),
        ),
        observations=(
            notification_seen(),
            control_seen("one"),
            response_seen("one"),
            averages_seen("kept.from", "kept.until", role=kind.role),
        ),
        modes=AUS,
        facts=FACTS,
        poll=RARELY,
        lasts=14 * MINUTE,
        applies_if=f"{_CLAIMED} and CLI-STATE and CLI-LOAD",
        needs=("state", "set_der"),
        mutants=("waits-for-its-poll", f"keeps-no-{kind.word}-limit"),
    )
    async def script(stage: ClientStage) -> None:
        await settle(stage, "DERControlList")
        await stage.driver.call("set_der", kw=str(kind.wish_kw))
        await stage.sleep(MINUTE)
        control = announce(stage, "one", kind.base(_LIMIT), lasts=4 * MINUTE)
        note(stage, "kept.from", control.start + MINUTE)
        note(stage, "kept.until", control.end)
        await stage.sleep_until(control.start + MINUTE)
        await look(stage, "during")
        await run_through(stage, control)
        await stage.sleep(2 * MINUTE)

    return script


def _default(kind: Kind) -> Case:
    """GEN-07, GEN-08, LOA-07, LOA-08."""

    @case(
        id=f"CSIPAUS-CLI-SUB-{_series(kind)}{kind.number(7, 8)}",
        title=f"A notified default limits {kind.word}, and changes",
        purpose=f"Exposes a client that learns of a default {kind.word} limit by polling alone.",
        public=(kind.public(7, 8),),
        requirements=(_by(kind), kind.held, kind.default),
        checks=(
            in_force("first", kind.mode, str(_LIMIT), requirement=_by(kind)),
            in_force("second", kind.mode, "12000", requirement=_by(kind)),
            stays(kind.role, kind.bounds(12000), "next.from", "next.until", requirement=kind.held),
        ),
        observations=(
            subscription_seen("DefaultDERControl"),
            notification_seen(2),
            averages_seen("next.from", "next.until", 2, role=kind.role),
        ),
        modes=AUS,
        facts=FACTS,
        poll=RARELY,
        lasts=14 * MINUTE,
        applies_if=f"{_CLAIMED} and CLI-STATE and CLI-LOAD",
        needs=("state", "set_der"),
        mutants=("minds-no-default-that-is-told", f"keeps-no-{kind.word}-limit"),
    )
    async def script(stage: ClientStage) -> None:
        await settle(stage, "DefaultDERControl")
        await stage.driver.call("set_der", kw=str(kind.wish_kw))
        for name, base in (("first", kind.base(_LIMIT)), ("second", kind.base(120, 2))):
            assign(stage, base)
            await stage.sleep(MINUTE)
            await look(stage, name)
        note(stage, "next.from")
        note(stage, "next.until", stage.now + 4 * MINUTE)
        await stage.sleep(5 * MINUTE)

    return script


def _series(kind: Kind) -> int:
    return 2 if kind.class_ == "GEN" else 3


_KINDS = (EXPORT, GENERATION, IMPORT, LOAD)
CASES = (
    _switched(15, 2, energize(on=False), energize(on=True)),
    _switched(16, 0, connect(on=False), connect(on=True)),
    *(_active(kind) for kind in _KINDS),
    *(_default(kind) for kind in _KINDS),
)
