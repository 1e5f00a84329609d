"""What subscribers are told of controls and defaults, each limit of CSIP-AUS, alone and together (S-ALL-27 to -40)."""

from collections.abc import Sequence
from typing import Final

from conformance.cases.sep2.srv.controls import ALL
from conformance.kit.case import Case
from conformance.kit.sep2.acts import MINUTE, PROGRAM
from conformance.kit.sep2.checks.noticed import brings, equals_read, once_each, tells, well_told
from conformance.kit.sep2.checks.shown import shows, shows_default
from conformance.kit.sep2.noticed import notice_seen
from conformance.kit.sep2.server_case import AUS, case
from conformance.kit.sep2.server_stage import ServerStage
from conformance.kit.sep2.serving_acts import (
    aggregator,
    cancel,
    offer,
    see,
    set_default,
    subscribe,
    until_told,
)
from conformance.kit.sep2.serving_observations import control_shown, looked
from conformance.kit.sep2.values import Content, aus_limit, connect, energize

_CONTROL = "REQ-CSIPAUS-S-ALL-27-1"
_DEFAULT = "REQ-CSIPAUS-S-ALL-35-1"
_SHOWN = "REQ-CSIPAUS-S-ALL-11-1"
_SET = "REQ-CSIPAUS-S-ALL-19-1"
_FITS = "REQ-SEP2-8.9-61"
_EQUAL = "REQ-SEP2-8.9-62"
_ONCE = "REQ-SEP2-8.9-65"
CONTROLS: Final = "DERControlList"
DEFAULTS: Final = "DefaultDERControl"
_ONE: Final = "one"


def _control(number: int, what: str, base: Content) -> Case:
    @case(
        id=f"CSIPAUS-SRV-NTF-{number:03}",
        title=f"A control of {what}, and its cancellation, are notified",
        purpose=f"Exposes a server that tells subscribers nothing of {what}, or something else than a poll would find.",
        public=(f"S-ALL-{number}",),
        requirements=(_CONTROL, _SHOWN, _FITS, _EQUAL, _ONCE),
        checks=(
            tells(CONTROLS, PROGRAM, mark="one.published", requirement=_CONTROL),
            brings(_ONE, 0, mark="one.published", requirement=_CONTROL),
            brings(_ONE, 2, mark="one.cancelled", requirement=_CONTROL),
            shows(_ONE, requirement=_SHOWN),
            well_told(requirement=_FITS),
            equals_read(CONTROLS, PROGRAM, mark="one.cancelled", requirement=_EQUAL),
            once_each(CONTROLS, PROGRAM, requirement=_ONCE),
        ),
        observations=(
            control_shown(_ONE, 0),
            notice_seen(CONTROLS, PROGRAM, mark="one.cancelled"),
            looked(CONTROLS, PROGRAM, mark="one.cancelled"),
        ),
        modes=AUS,
        applies_if="SRV-AUS",
        lasts=2 * MINUTE,
    )
    async def control(stage: ServerStage) -> None:
        """Subscribe to the list of controls; publish one, cancel it; read the list."""
        client, _ = await aggregator(stage)
        await subscribe(client, CONTROLS, PROGRAM)
        await offer(stage, _ONE, base, ahead=10 * MINUTE, required="03")
        await until_told(stage, CONTROLS, PROGRAM, mark="one.published")
        await stage.sleep(MINUTE)
        await cancel(stage, _ONE)
        await until_told(stage, CONTROLS, PROGRAM, mark="one.cancelled")
        await see(client, CONTROLS)

    return control


def _default(number: int, what: str, base: Content, settings: Content) -> Case:
    @case(
        id=f"CSIPAUS-SRV-NTF-{number:03}",
        title=f"A changed default of {what} is notified",
        purpose=f"Exposes a server that tells subscribers nothing of a default of {what}, or what held before.",
        public=(f"S-ALL-{number}",),
        requirements=(_DEFAULT, _SET, _FITS, _EQUAL),
        checks=(
            tells(DEFAULTS, PROGRAM, mark="default", requirement=_DEFAULT),
            shows_default(PROGRAM, requirement=_SET),
            well_told(requirement=_FITS),
            equals_read(DEFAULTS, PROGRAM, mark="default", requirement=_EQUAL),
        ),
        observations=(
            notice_seen(DEFAULTS, PROGRAM, mark="default"),
            looked(DEFAULTS, PROGRAM, 2),
        ),
        modes=AUS,
        applies_if="SRV-AUS",
        lasts=2 * MINUTE,
    )
    async def default(stage: ServerStage) -> None:
        """Subscribe to the default; have it changed; read it."""
        client, _ = await aggregator(stage)
        await subscribe(client, DEFAULTS, PROGRAM)
        await set_default(stage, base, settings)
        await until_told(stage, DEFAULTS, PROGRAM, mark="default")
        await see(client, DEFAULTS)

    return default


CASES: Sequence[Case] = (
    _control(27, "an export limit", aus_limit("Exp", 2000)),
    _control(28, "a generation limit", aus_limit("Gen", 5000)),
    _control(29, "an import limit", aus_limit("Imp", 1500)),
    _control(30, "a load limit", aus_limit("Load", 7000)),
    _control(31, "opModEnergize", energize(on=False)),
    _control(32, "opModConnect", connect(on=False)),
    _control(33, "all four limits", ALL),
    _control(34, "a limit with rampTms", {**aus_limit("Exp", 2000), "rampTms": 3000}),
    _default(35, "an export limit", aus_limit("Exp", 1500), {}),
    _default(36, "a generation limit", aus_limit("Gen", 4000), {}),
    _default(37, "an import limit", aus_limit("Imp", 1200), {}),
    _default(38, "a load limit", aus_limit("Load", 6000), {}),
    _default(39, "setGradW", {}, {"setGradW": 27}),
    _default(40, "all limits with setGradW", ALL, {"setGradW": 27}),
)
"""All of them."""
